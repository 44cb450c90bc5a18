//go:build unix

package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/mq"
)

const (
	topic      = "lr-book-searches"
	partitions = 3
	keywords   = 1_000_000
	visitors   = 2_000_000
	// batch is the number of events that are sent at once.
	batch = 1000
)

// commandOf is a command of the program, whose environment has no settings but these.
func commandOf(program, dir string, environ []string, arguments ...string) *exec.Cmd {
	command := exec.Command(program, arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), "EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_OPS_LISTEN=127.0.0.1:0")
	command.Env = append(command.Env, environ...)
	return command
}

// maker makes events.
type maker struct {
	random    *rand.Rand
	zipf      *rand.Zipf
	one, five []byte // values with so many books
	source    string
	sequence  uint64
}

func newMaker(seed uint64) (*maker, error) {
	rows, err := catalog.Starter()
	if err != nil {
		return nil, err
	}
	var books []model.ListedBook
	for i, row := range rows[:5] {
		book := *row
		book.ID = uint(i + 1)
		books = append(books, model.ListedBook{Book: &book})
	}
	m := &maker{random: rand.New(rand.NewPCG(seed, 1)), source: "/event-books/bench/" + uuid.NewString()}
	m.zipf = rand.NewZipf(m.random, 1.1, 1, keywords-1)
	if m.five, err = model.EncodeBooks(books); err == nil {
		m.one, err = model.EncodeBooks(books[:1])
	}
	return m, err
}

// event makes an event of a person, with five books.
func (m *maker) event(at time.Time) *mq.Record { return m.record(at, m.zipf.Uint64(), m.five) }

func (m *maker) record(at time.Time, number uint64, value []byte) *mq.Record {
	m.sequence++
	keyword := fmt.Sprint("keyword ", number)
	e := &model.SearchEvent{
		ID: uuid.Must(uuid.NewV7()).String(), Time: at, Value: value, Total: 5, Served: 5,
		Search: model.Search{Keyword: model.Keyword(keyword), Limit: 20, Sort: model.ByRelevance},
		Visit: model.Visit{
			Surface: model.PageSurface, Agent: model.PersonAgent, Visitor: fmt.Sprintf("%016x", m.random.Uint64N(visitors)*0x9e3779b97f4a7c15),
		},
	}
	return &mq.Record{Key: keyword, Value: value, Time: at, Headers: mq.AppendSource(e.Headers(), m.source, m.sequence)}
}

// sender sends events.
type sender struct {
	*maker
	producer *mq.Producer
}

func (b *bench) newSender(seed uint64) (*sender, error) {
	m, err := newMaker(seed)
	if err != nil {
		return nil, err
	}
	producer, err := mq.NewProducer([]string{b.broker}, topic, mq.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	producer.Connect()
	return &sender{m, producer}, nil
}

// send sends n events.
func (s *sender) send(ctx context.Context, n int) error {
	return s.sendEach(ctx, n, func(int) *mq.Record { return s.event(time.Now()) })
}

// sendEachKeyword sends an event of each keyword, with one book.
func (s *sender) sendEachKeyword(ctx context.Context) error {
	return s.sendEach(ctx, keywords, func(i int) *mq.Record { return s.record(time.Now(), uint64(i), s.one) })
}

func (s *sender) sendEach(ctx context.Context, n int, event func(i int) *mq.Record) error {
	for sent := 0; sent < n; {
		count, err := s.producer.Partitions(ctx)
		if err != nil {
			return err
		}
		left := make([]*mq.Record, min(batch, n-sent))
		for i := range left {
			left[i] = event(sent + i)
		}
		sent += len(left)
		for len(left) > 0 {
			if left, err = s.producer.Deliver(ctx, left, count, func(*mq.Record, error) {}); err != nil && ctx.Err() != nil {
				return err
			}
		}
	}
	return nil
}

// read returns how many events a second a reader decodes, with their books.
func (b *bench) read(ctx context.Context) (perSecond float64, err error) {
	begun, n := time.Now(), 0
	_, err = mq.Read(ctx, mq.Kafka{Brokers: []string{b.broker}}, topic, time.Time{}, func(r *mq.Record) error {
		e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
		if err == nil {
			_, err = model.DecodeBooks(e.Value)
		}
		n++
		return err
	})
	return float64(n) / time.Since(begun).Seconds(), err
}
