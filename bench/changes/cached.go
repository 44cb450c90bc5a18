//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"literank.com/event-books/bench/testbed"
)

const (
	// connections ask at once, each for one of shownBooks books after the other.
	connections = 8
	shownBooks  = 1000
)

// measureCache compares book pages and API answers from the cache with those from the
// database.
func (s *station) measureCache(ctx context.Context, set settings, file string) (figures []figure, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	var programs [instances]string
	for i, control := range []string{"", "uncached"} {
		if programs[i], err = s.build(ctx, control); err != nil {
			return nil, err
		}
	}
	dsn, db, drop, err := testbed.NewDatabase(ctx, s.server, "changes")
	if err != nil {
		return nil, err
	}
	closers.Add(drop)
	if _, err := testbed.Import(ctx, programs[0], s.dir, dsn, file); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "DELETE FROM outbox"); err != nil { // nothing else should run meanwhile
		return nil, err
	}
	shops, err := s.pair(ctx, "cache", dsn, newPrefix("cache"), programs, &closers, cancel)
	if err != nil {
		return nil, err
	}
	err = testbed.Eventually(ctx, time.Minute, func() error {
		cached, err := shops[0].Gauge(ctx, "event_books_cache_current")
		if err == nil && cached != 1 {
			err = errors.New("the cache isn't used")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if blind, err := shops[1].Gauge(ctx, "event_books_cache_current"); err != nil || blind != 0 {
		return nil, errors.Join(err, errors.New("the control uses its cache"))
	}
	ids, err := someBooks(ctx, db)
	if err != nil {
		return nil, err
	}
	step := time.Duration(set.scale * float64(4*time.Second))
	for _, kind := range []struct{ name, path string }{{"book page", "/books/%d"}, {"book by the API", "/api/books/%d"}} {
		var ratios, with, without []float64
		for i := range 4 {
			var rates [instances]float64
			for j := range instances {
				number := (i + j) % instances
				if rates[number], err = askAll(ctx, shops[number], kind.path, ids, step); err != nil {
					return nil, err
				}
			}
			if i == 0 {
				continue // it filled the cache
			}
			ratios = append(ratios, rates[0]/rates[1])
			with, without = append(with, rates[0]), append(without, rates[1])
		}
		figures = append(figures, ratio(kind.name+", from the cache ÷ from MariaDB, 8 connections", ratios, 0,
			fmt.Sprintf("median %.0f and %.0f requests/s", median(with), median(without))))
	}
	return figures, nil
}

// askAll returns how many requests a second are answered.
func askAll(ctx context.Context, shop *testbed.Shop, path string, ids []uint, duration time.Duration) (float64, error) {
	url, _, err := shop.Address(ctx)
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var failures []error
	answered := 0
	begun := time.Now()
	var clients sync.WaitGroup
	for range connections {
		clients.Go(func() {
			n := 0
			var failure error
			for failure == nil && time.Since(begun) < duration {
				status, _, err := get(ctx, url+fmt.Sprintf(path, ids[rand.IntN(len(ids))]))
				if failure = err; err == nil && status != http.StatusOK {
					failure = fmt.Errorf("status %d", status)
				}
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			answered += n
			if failure != nil {
				failures = append(failures, failure)
			}
		})
	}
	clients.Wait()
	return float64(answered) / time.Since(begun).Seconds(), errors.Join(failures...)
}
