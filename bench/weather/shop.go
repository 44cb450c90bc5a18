//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
)

// shop is a running program: the tutorial's design or this program.
type shop struct {
	*testbed.Process
	printed *testbed.Output
	url     string
	topic   string
}

const adminToken = "rough-weather-admin-token"

// startTutorial returns when the tutorial's design answers searches.
func startTutorial(ctx context.Context, program, dsn, brokers, topic string) (*shop, error) {
	s := &shop{printed: &testbed.Output{}, topic: topic}
	return s, s.start(ctx, exec.Command(program, "-dsn", dsn, "-brokers", brokers, "-topic", topic), "/api/books")
}

// startOurs returns when this program answers searches. dir is its working directory.
func startOurs(ctx context.Context, program, dir, dsn, brokers, prefix string) (*shop, error) {
	command := exec.Command(program)
	command.Dir = dir
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "EVENT_BOOKS_") { // ignore settings of the caller's environment
			command.Env = append(command.Env, entry)
		}
	}
	command.Env = append(command.Env,
		"EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_OPS_LISTEN=127.0.0.1:0",
		"EVENT_BOOKS_APP_PAGE_SIZE=5", // the tutorial's page size
		"EVENT_BOOKS_APP_ADMIN_TOKEN="+adminToken,
		"EVENT_BOOKS_DB_DSN="+dsn, "EVENT_BOOKS_MQ_BROKERS="+brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX="+prefix)
	s := &shop{printed: &testbed.Output{}, topic: prefix + baseTopic}
	return s, s.start(ctx, command, "/readyz")
}

func (s *shop) start(ctx context.Context, command *exec.Cmd, readyPath string) (err error) {
	command.Stdout, command.Stderr = s.printed, s.printed
	if s.Process, err = testbed.Run(command); err != nil {
		return err
	}
	return testbed.Eventually(ctx, time.Minute, func() error {
		if s.Ended() {
			return testbed.ErrEnded
		}
		if s.url = s.printed.URL(); s.url == "" {
			return errors.New("it doesn't listen")
		}
		status, _, err := s.get(ctx, readyPath)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%s: %d", readyPath, status)
		}
		return err
	})
}

// client keeps a connection for each concurrent search.
var client = &http.Client{Timeout: searchBound, Transport: &http.Transport{MaxIdleConnsPerHost: searches}}

func (s *shop) get(ctx context.Context, path string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+adminToken) // only this program's /readyz needs it
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// search reports whether the answer had books, and the duration of the search.
func (s *shop) search(ctx context.Context, keyword string) (answered bool, took time.Duration) {
	begun := time.Now()
	status, body, err := s.get(ctx, "/api/books?q="+url.QueryEscape(keyword))
	took = time.Since(begun)
	var books []model.Book
	return err == nil && status == http.StatusOK && json.Unmarshal(body, &books) == nil && len(books) > 0, took
}

// searchAtOnce sends one search for each keyword, all at once.
func (s *shop) searchAtOnce(ctx context.Context, keywords []string) (answered int, slowest time.Duration) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, keyword := range keywords {
		all.Go(func() {
			ok, took := s.search(ctx, keyword)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			if ok {
				answered++
			}
		})
	}
	all.Wait()
	return answered, slowest
}

// stats returns the program's own statistics of its events.
func (s *shop) stats(ctx context.Context) (*model.EventStats, error) {
	_, body, err := s.get(ctx, "/readyz")
	if err != nil {
		return nil, err
	}
	var ready struct {
		Events *model.EventStats `json:"events"`
	}
	if err := json.Unmarshal(body, &ready); err != nil {
		return nil, fmt.Errorf("/readyz: %w", err)
	}
	if ready.Events == nil {
		return nil, fmt.Errorf("/readyz counts no events: %s", body)
	}
	return ready.Events, nil
}

// close ends the program if it runs.
func (s *shop) close() error {
	if s == nil || s.Process == nil {
		return nil
	}
	return s.End(syscall.SIGTERM)
}
