//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

const (
	topic = "lr-book-clicks"
	// loadRate is how many clicks a second arrive while recommendations are asked for, and loadTime
	// for how long.
	loadRate, loadTime = 500, 20 * time.Second
	// readers ask for recommendations. Each has opened five books.
	readers = 200
)

// reader is a visitor with a cookie.
type reader struct {
	client *http.Client
	id     string
}

// measureAnswers runs the shop on the database that measureClicks has filled.
func (b *bench) measureAnswers(ctx context.Context) (err error) {
	broker, err := freeAddress()
	if err != nil {
		return err
	}
	output, err := os.Create(filepath.Join(b.dir, "shop.log"))
	if err != nil {
		return err
	}
	defer output.Close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	shop := testbed.NewShop(b.program, b.dir, []string{"EVENT_BOOKS_MQ_LISTEN=" + broker, "EVENT_BOOKS_APP_RATE_LIMIT=0"}, output, fail)
	if err := shop.Launch(); err != nil {
		return err
	}
	defer func() { _, ended := shop.End(syscall.SIGTERM); err = errors.Join(err, ended) }()
	if err := shop.Ready(ctx); err != nil {
		return err
	}
	address, _, err := shop.Address(ctx)
	if err != nil {
		return err
	}
	producer, err := mq.NewProducer([]string{broker}, topic, mq.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer producer.Close()
	producer.Connect()
	s := &sender{producer: producer, source: "/event-books/bench/" + uuid.NewString()}
	all, err := b.newReaders(ctx, address, s)
	if err != nil {
		return err
	}
	if err := b.measureEffect(ctx, address, s); err != nil {
		return err
	}
	return b.measureLoad(ctx, address, s, all)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// newReader gets a cookie.
func newReader(ctx context.Context, shop string) (*reader, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	r := &reader{client: &http.Client{Jar: jar}}
	form := url.Values{"choice": {"yes"}, "back": {"/privacy"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, shop+"/visitor", strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36")
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	for _, cookie := range jar.Cookies(request.URL) {
		r.id, _, _ = strings.Cut(cookie.Value, ".")
	}
	if r.id == "" {
		return nil, fmt.Errorf("the shop gave no cookie: %s", answer.Status)
	}
	return r, nil
}

// recommended is what the bench reads of an answer.
type recommended struct{ Reason string }

// recommendations asks for a list.
func (r *reader) recommendations(ctx context.Context, shop string) (list []recommended, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, shop+"/api/recommendations", nil)
	if err != nil {
		return nil, err
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	body, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	return list, err
}

// personal reports whether a list is made of what the reader opened.
func personal(list []recommended) bool {
	return len(list) > 0 && strings.HasPrefix(list[0].Reason, "because you opened")
}

// newReaders returns readers whose clicks are counted.
func (b *bench) newReaders(ctx context.Context, shop string, s *sender) (all []*reader, err error) {
	var clicks []*model.ClickEvent
	for range readers {
		r, err := newReader(ctx, shop)
		if err != nil {
			return nil, err
		}
		_, opened := b.crowd.session(5)
		for _, book := range opened {
			clicks = append(clicks, click(r.id, book))
		}
		all = append(all, r)
	}
	if err := s.send(ctx, clicks); err != nil {
		return nil, err
	}
	for _, r := range all {
		if _, err := awaitPersonal(ctx, shop, r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func awaitPersonal(ctx context.Context, shop string, r *reader) (list []recommended, err error) {
	err = testbed.EventuallyEvery(ctx, 5*time.Millisecond, time.Minute, func() error {
		if list, err = r.recommendations(ctx, shop); err == nil && !personal(list) {
			err = errors.New("the clicks of a reader have no effect")
		}
		return err
	})
	return list, err
}

// measureEffect measures the time from a click's event to a list that follows from it.
func (b *bench) measureEffect(ctx context.Context, shop string, s *sender) error {
	var times []time.Duration
	for range 20 {
		r, err := newReader(ctx, shop)
		if err != nil {
			return err
		}
		_, opened := b.crowd.session(1)
		begun := time.Now()
		if err := s.send(ctx, []*model.ClickEvent{click(r.id, opened[0])}); err != nil {
			return err
		}
		if _, err := awaitPersonal(ctx, shop, r); err != nil {
			return err
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	b.row("from a click's event to its effect on `/api/recommendations`", "< 2 s", "median %.0f ms, longest %.0f ms of %d", milli(times[len(times)/2]), milli(times[len(times)-1]), len(times))
	return nil
}

// measureLoad asks for recommendations while clicks arrive.
func (b *bench) measureLoad(ctx context.Context, shop string, s *sender, all []*reader) error {
	log.Printf("asking for recommendations while %d clicks a second arrive", loadRate)
	loading, stop := context.WithTimeout(ctx, loadTime)
	defer stop()
	sending := make(chan error, 1)
	go func() { sending <- b.trickle(loading, s) }()
	var times []time.Duration
	for loading.Err() == nil {
		r := all[b.random(len(all))]
		begun := time.Now()
		if _, err := r.recommendations(ctx, shop); err != nil {
			return err
		}
		times = append(times, time.Since(begun))
		if err := testbed.Sleep(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	if err := <-sending; err != nil {
		return err
	}
	slices.Sort(times)
	b.row("`/api/recommendations` of "+strconv.Itoa(readers)+" readers, while "+strconv.Itoa(loadRate)+" clicks a second arrive", "p99 < 20 ms", "p99 %.1f ms, median %.1f ms of %d", milli(times[len(times)*99/100]), milli(times[len(times)/2]), len(times))
	return nil
}

// random draws the readers, apart from the clicks that are made at the same time.
func (b *bench) random(n int) int { return int(time.Now().UnixNano()/1000) % n }

// trickle sends loadRate clicks a second until ctx ends.
func (b *bench) trickle(ctx context.Context, s *sender) error {
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := s.send(ctx, b.crowd.clicks(loadRate/10)); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sender sends clicks as a shop does.
type sender struct {
	producer *mq.Producer
	source   string
	sequence uint64
}

func (s *sender) send(ctx context.Context, clicks []*model.ClickEvent) error {
	count, err := s.producer.Partitions(ctx)
	if err != nil {
		return err
	}
	left := make([]*mq.Record, len(clicks))
	for i, e := range clicks {
		value, headers, err := e.Encode()
		if err != nil {
			return err
		}
		s.sequence++
		left[i] = &mq.Record{Key: e.Key(), Value: value, Time: e.Time, Headers: mq.AppendSource(headers, s.source, s.sequence)}
	}
	for len(left) > 0 {
		if left, err = s.producer.Deliver(ctx, left, count, func(*mq.Record, error) {}); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}
