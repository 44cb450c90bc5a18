//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
)

const (
	changesPerSecond = 20
	// visibleWithin and visibleWithoutKafka are what is asked of the 99th percentile.
	visibleWithin       = time.Second
	visibleWithoutKafka = 10 * time.Second
)

// measureVisible measures how soon an instance shows what another one has changed, with
// Kafka and without.
func (s *station) measureVisible(ctx context.Context, set settings, _ string) (figures []figure, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	program, err := s.build(ctx, "")
	if err != nil {
		return nil, err
	}
	dsn, _, drop, err := testbed.NewDatabase(ctx, s.server, "changes")
	if err != nil {
		return nil, err
	}
	closers.Add(drop)
	shops, err := s.pair(ctx, "visible", dsn, newPrefix("visible"), [instances]string{program, program}, &closers, cancel)
	if err != nil {
		return nil, err
	}
	duration := time.Duration(set.scale * float64(time.Minute))
	for _, with := range []bool{true, false} {
		name, asked := "with Kafka", visibleWithin
		if !with {
			name, asked = "without Kafka", visibleWithoutKafka
			if err := s.kafka.Stop(); err != nil {
				return nil, err
			}
		}
		seen, err := watchChanges(ctx, shops, duration)
		if !with {
			err = errors.Join(err, s.kafka.Start(context.WithoutCancel(ctx)))
		}
		if err != nil {
			return nil, errors.Join(err, context.Cause(ctx))
		}
		for _, what := range sights {
			took := seen[what]
			slices.Sort(took)
			p99 := percentile(took, 0.99)
			figures = append(figures, figure{
				name:  fmt.Sprintf("%s, %s", what, name),
				asked: fmt.Sprintf("p99 < %s", asked), missed: p99 >= asked,
				reached: fmt.Sprintf("p99 %d ms, median %d ms, slowest %d ms of %d", p99.Milliseconds(),
					percentile(took, 0.5).Milliseconds(), percentile(took, 1).Milliseconds(), len(took)),
			})
		}
	}
	return figures, nil
}

// sight is a way in which a change can be seen.
type sight string

const (
	ownSearch   sight = "create or update a book: found by the same instance"
	otherSearch sight = "create or update a book: found by the other instance"
)

// sights lists all, in the order of the page.
var sights = []sight{visible(http.MethodPost), visible(http.MethodPatch), visible(http.MethodDelete), ownSearch, otherSearch}

// visible is the sight of a change in the other instance, by the id of the book.
func visible(method string) sight {
	names := map[string]string{http.MethodPost: "create", http.MethodPatch: "update", http.MethodDelete: "delete"}
	return sight(names[method] + " a book: visible in the other instance")
}

// watchChanges changes books in one instance and watches the other one, which takes turns.
// It returns how long each kind of change took to be seen, from its answer on.
func watchChanges(ctx context.Context, shops [instances]*testbed.Shop, duration time.Duration) (seen map[sight][]time.Duration, err error) {
	var urls [instances]string
	for i, shop := range shops {
		if urls[i], _, err = shop.Address(ctx); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	var failures []error
	var books []uint // that nobody changes at the moment
	seen = map[sight][]time.Duration{}
	var watching sync.WaitGroup
	ticker := time.NewTicker(time.Second / changesPerSecond)
	defer ticker.Stop()
	for i, end := 0, time.Now().Add(duration); time.Now().Before(end); i++ {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-ticker.C:
		}
		writer, reader := urls[i%instances], urls[(i+1)%instances]
		watching.Go(func() {
			method := []string{http.MethodPost, http.MethodPatch, http.MethodDelete}[i/instances%3]
			mu.Lock()
			if len(books) < 40 {
				method = http.MethodPost
			}
			id := uint(0)
			if method != http.MethodPost {
				id, books = books[0], books[1:]
			}
			mu.Unlock()
			changed, took, err := watchChange(ctx, writer, reader, method, id, fmt.Sprintf("Title %d", i))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, err)
				return
			}
			for what, took := range took {
				seen[what] = append(seen[what], took)
			}
			if method != http.MethodDelete {
				books = append(books, changed)
			}
		})
	}
	watching.Wait()
	return seen, errors.Join(failures...)
}

func bookURL(shop string, id uint) string { return fmt.Sprintf("%s/api/books/%d", shop, id) }

// change sends the change of a book, and returns the id of the book.
func change(ctx context.Context, shop, method string, id uint, title string) (uint, error) {
	url, kind, body := bookURL(shop, id), jsonType, []byte(fmt.Sprintf(`{"title": %q}`, title))
	switch method {
	case http.MethodPost:
		url = shop + "/api/books"
	case http.MethodPatch:
		kind = patchType
	case http.MethodDelete:
		kind, body = "", nil
	}
	response, err := send(ctx, method, url, kind, body)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	var book model.Book
	switch {
	case err != nil:
		return 0, err
	case response.StatusCode/100 != 2:
		return 0, fmt.Errorf("%s %s: %s %s", method, url, response.Status, answer)
	case method == http.MethodDelete:
		return id, nil
	case json.Unmarshal(answer, &book) != nil:
		return 0, fmt.Errorf("%s %s: %s", method, url, answer)
	}
	return book.ID, nil
}

// watchChange changes a book and waits until reader shows that, and until both find it.
func watchChange(ctx context.Context, writer, reader, method string, id uint, title string) (changed uint, took map[sight]time.Duration, err error) {
	if method != http.MethodPost {
		if _, _, err := get(ctx, bookURL(reader, id)); err != nil { // now its cache has the book
			return 0, nil, err
		}
	}
	id, err = change(ctx, writer, method, id, title)
	if err != nil {
		return 0, nil, err
	}
	answered := time.Now()
	took = map[sight]time.Duration{}
	var mu sync.Mutex
	saw := func(what sight) {
		mu.Lock()
		defer mu.Unlock()
		took[what] = time.Since(answered)
	}
	group, ctx := errgroup.WithContext(ctx)
	if method != http.MethodDelete {
		for what, url := range map[sight]string{ownSearch: writer, otherSearch: reader} {
			group.Go(func() error {
				err := testbed.EventuallyEvery(ctx, 5*time.Millisecond, 3*visibleWithoutKafka, func() error {
					problem, err := searchFor(ctx, url, id, title)
					if err == nil && problem != "" {
						err = errors.New(problem)
					}
					return err
				})
				saw(what)
				return err
			})
		}
	}
	err = testbed.EventuallyEvery(ctx, 5*time.Millisecond, 3*visibleWithoutKafka, func() error {
		status, body, err := get(ctx, bookURL(reader, id))
		if err != nil {
			return err
		}
		var shown model.Book
		if method == http.MethodDelete && status == http.StatusNotFound ||
			method != http.MethodDelete && status == http.StatusOK && json.Unmarshal(body, &shown) == nil && shown.Title == title {
			return nil
		}
		return fmt.Errorf("%s of book %d isn't visible: %d %s", method, id, status, body)
	})
	saw(visible(method))
	return id, took, errors.Join(err, group.Wait())
}
