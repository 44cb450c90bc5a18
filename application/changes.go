package application

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/cache"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/feed"
	"literank.com/event-books/infrastructure/index/indexer"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/relay"
)

const (
	// cacheBytes bounds the cache of books.
	cacheBytes = 64 << 20
	// cacheAge bounds the age of its entries if other programs may write to the database.
	cacheAge = 5 * time.Second
)

// changes is the path of the catalogue's changes: from the outbox to the topic, and from
// there to the cache of each instance.
type changes struct {
	outbox   gateway.Outbox
	producer *mq.Producer
	relay    *relay.Relay
	feed     *feed.Feed
	books    *cache.Books
}

// openChanges connects to Kafka in the background. The database must not be migrated yet. x
// is nil if the database searches.
func openChanges(c *config.Config, db *catalogue, x *indexer.Indexer, brokers []string, log *slog.Logger, parts Parts) (*changes, error) {
	var outbox gateway.Outbox = db
	if parts.Outbox != nil {
		outbox = parts.Outbox(outbox)
	}
	kafka, err := kafkaAt(c, brokers)
	if err != nil {
		return nil, err
	}
	name := c.MQ.ChangeTopic()
	topic := topicConfig(c)
	topic.Compacted = true
	options, err := producerOptions(c, topic, log)
	if err != nil {
		return nil, err
	}
	k := &changes{outbox: db}
	if k.producer, err = mq.NewProducer(brokers, name, append(options, mq.Quiet())...); err != nil {
		return nil, err
	}
	k.relay = relay.New(outbox, changeTopic{k.producer, kafka, name}, log)
	kept := cache.Options{MaxBytes: cacheBytes, Current: func() bool { return k.feed.Current() }}
	if !db.embedded {
		kept.MaxAge = cacheAge
	}
	k.books = cache.New(db, kept)
	handlers := feed.Handlers{model.BookCreated: k.books.Apply, model.BookUpdated: k.books.Apply, model.BookDeleted: k.books.Apply}
	stream := func() (feed.Stream, error) { return mq.OpenStream(kafka, name) }
	readers := []feed.Reader{{Handlers: handlers, Rebuild: k.books.Clear}}
	if x != nil {
		readers = append(readers, indexReader(x))
	}
	k.feed = feed.New(outbox, stream, log, readers...)
	db.OnChange(func(changes []*model.Change) {
		k.feed.Apply(changes)
		k.relay.Wake()
		if x != nil {
			awaitIndex(x, changes)
		}
	})
	k.producer.Connect()
	return k, nil
}

// run publishes and reads changes until ctx ends.
func (k *changes) run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { k.relay.Run(ctx) })
	group.Go(func() { k.feed.Run(ctx) })
	group.Wait()
}

func (k *changes) close() {
	k.producer.Close()
	k.books.Close()
}

// changeTopic is the topic of changes for the relay.
type changeTopic struct {
	*mq.Producer
	kafka mq.Kafka
	name  string
}

func (t changeTopic) Last(ctx context.Context) ([]*mq.Record, error) {
	stream, err := mq.OpenStream(t.kafka, t.name)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return stream.Last(ctx)
}

func (t changeTopic) Read(ctx context.Context, handle func(*mq.Record) error) error {
	_, err := mq.Read(ctx, t.kafka, t.name, time.Time{}, handle)
	return err
}

// collectors are the metrics of changes and cache.
func (k *changes) collectors() []prometheus.Collector {
	counter := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "event_books", Name: name, Help: help}, value)
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "event_books", Name: name, Help: help}, value)
	}
	return []prometheus.Collector{
		counter("changes_published_total", "Changes of books that this instance has published.", func() float64 { return float64(k.relay.Published()) }),
		counter("changes_rejected_total", "Changes of books that Kafka rejected for good.", func() float64 { return float64(k.relay.Rejected()) }),
		gauge("changes_oldest_age_seconds", "Age of the oldest change of a book that isn't published, 0 if all are.", k.oldestAge),
		gauge("changes_newest_timestamp_seconds", "Time of the newest change that this instance knows, 0 if it knows none.", func() float64 {
			if newest := k.feed.Newest(); !newest.IsZero() {
				return float64(newest.UnixMilli()) / 1000
			}
			return 0
		}),
		gauge("cache_current", "1 if the cache of books is used, 0 if changes may be missing.", func() float64 {
			if k.feed.Current() {
				return 1
			}
			return 0
		}),
		counter("cache_hits_total", "Reads of books that the cache answered.", func() float64 { return float64(k.books.Stats().Hits) }),
		counter("cache_misses_total", "Reads of books that the cache passed to the database.", func() float64 { return float64(k.books.Stats().Misses) }),
		counter("cache_evictions_total", "Books that the cache dropped for lack of room.", func() float64 { return float64(k.books.Stats().Evictions) }),
		gauge("cache_bytes", "Approximate size of the cache of books.", func() float64 { return float64(k.books.Stats().Bytes) }),
	}
}

// oldestAge is the age of the oldest change in the outbox, in seconds; 0 if there is none,
// and NaN if the database doesn't tell.
func (k *changes) oldestAge() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	oldest, err := k.outbox.ChangesAfter(ctx, 0, 1)
	switch {
	case err != nil:
		return math.NaN()
	case len(oldest) == 0:
		return 0
	}
	return max(0, time.Since(oldest[0].Time).Seconds())
}
