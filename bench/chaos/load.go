//go:build unix

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/application/shoppers"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/catalog"
)

// answer is a search that got status 200.
type answer struct {
	id      uuid.UUID
	keyword string
	// ordinal counts the searches for the keyword. Each starts after the one before
	// has ended.
	ordinal int
	start   int // run of the shop that answered, counted from 1
	// body is the digest of the API's answer. It is zero for a page and for an answer
	// that wasn't read completely.
	body digest
	took time.Duration
}

// digest identifies a value.
type digest [16]byte

func digestOf(value []byte) (d digest) {
	sum := sha256.Sum256(value)
	copy(d[:], sum[:])
	return d
}

// searchTimeout is the time after which a search counts as unanswered.
const searchTimeout = time.Minute

// keywordsOf returns n different keywords: words in many books, and what simulated shoppers type.
func keywordsOf(n int) ([]string, error) {
	books, err := catalog.Starter()
	if err != nil {
		return nil, err
	}
	for i, book := range books {
		book.ID = uint(i + 1)
	}
	common := []string{"the", "a", "of", "love", "der", "la"}
	typed := slices.DeleteFunc(shoppers.New(books, 1).Keywords(n), func(keyword string) bool { return slices.Contains(common, keyword) })
	return append(common, typed...)[:n], nil
}

// load searches in a shop with several clients at once and records every answer. For
// each keyword there is one search at a time.
type load struct {
	shop    *testbed.Shop
	clients int
	rate    float64 // most searches per second
	client  *http.Client
	free    chan *turn // keywords without a current search

	mu      sync.Mutex
	answers []answer
	// refused counts answers other than 200, by their text. unanswered counts
	// searches whose connection broke.
	refused    map[string]int
	unanswered int
}

// turn is a keyword and the number of searches for it.
type turn struct {
	keyword  string
	searched int
}

func newLoad(s *testbed.Shop, keywords []string, clients int, rate float64) *load {
	l := &load{
		shop: s, clients: clients, rate: rate,
		client:  &http.Client{Timeout: searchTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
		free:    make(chan *turn, len(keywords)),
		refused: map[string]int{},
	}
	for _, keyword := range keywords {
		l.free <- &turn{keyword: keyword}
	}
	return l
}

// run searches until ctx ends. All clients start their searches at the same moments,
// so many run at once.
func (l *load) run(ctx context.Context, seed uint64) {
	defer l.client.CloseIdleConnections()
	beat := time.Duration(float64(l.clients) / l.rate * float64(time.Second))
	begun := time.Now()
	var clients sync.WaitGroup
	for i := range l.clients {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i+1)))
			for {
				select {
				case <-ctx.Done():
					return
				case <-time.After(beat - time.Since(begun)%beat):
				}
				shop, start, err := l.shop.Address(ctx)
				if err != nil {
					return
				}
				t := <-l.free
				t.searched++
				// Not bound to ctx: a search that has started must get its answer.
				l.search(context.WithoutCancel(ctx), rng, shop, start, t)
				l.free <- t
			}
		})
	}
	clients.Wait()
}

func (l *load) search(ctx context.Context, rng *rand.Rand, shop string, start int, t *turn) {
	query := url.Values{"q": {t.keyword}}
	api := rng.IntN(20) > 0
	path := "/"
	if api {
		path = "/api/books"
		limits := []string{"1", "5", "5", "5", "20", "100"}
		query.Set("limit", limits[rng.IntN(len(limits))])
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, shop+path+"?"+query.Encode(), nil)
	if err != nil {
		panic(err) // happens only if the URL can't be parsed
	}
	begun := time.Now()
	response, err := l.client.Do(request)
	if err != nil {
		l.note(func() {
			l.unanswered++
			if urlError, ok := errors.AsType[*url.Error](err); ok && urlError.Timeout() {
				l.refused["no answer within "+searchTimeout.String()]++
			}
		})
		return
	}
	defer response.Body.Close()
	// The promises hold from the first line of an answer on.
	id, idErr := uuid.Parse(response.Header.Get("X-Search-Id"))
	body, readErr := io.ReadAll(response.Body)
	took := time.Since(begun)
	l.note(func() {
		switch {
		case response.StatusCode != http.StatusOK:
			l.refused[response.Status+" "+firstLine(string(body))]++
		case idErr != nil:
			l.refused["200 without a search id"]++
		default:
			a := answer{id: id, keyword: t.keyword, ordinal: t.searched, start: start, took: took}
			if api && readErr == nil {
				a.body = digestOf(body)
			}
			l.answers = append(l.answers, a)
		}
	})
}

func (l *load) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *load) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.answers)
}

// rarest returns the lowest number of answers of a keyword.
func (l *load) rarest() int {
	counts := map[string]int{}
	l.note(func() {
		for _, a := range l.answers {
			counts[a.keyword]++
		}
	})
	if len(counts) < cap(l.free) {
		return 0
	}
	rarest := 0
	for _, n := range counts {
		if rarest == 0 || n < rarest {
			rarest = n
		}
	}
	return rarest
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
