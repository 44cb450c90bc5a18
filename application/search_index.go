package application

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/feed"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
	"literank.com/event-books/infrastructure/index/indexer"
)

const (
	// showWithin is how long a write waits at most until searches show it.
	showWithin = 500 * time.Millisecond
	// fewChanges is the number of changes up to which a write waits: those of a client, not
	// those of the sweep.
	fewChanges = 10
)

// indexFolder is where the indexes of a shop are.
func indexFolder(c *config.Config) string { return filepath.Join(c.App.DataDir, "index") }

// newIndexer returns the embedded search engine, or nil if the database searches.
func newIndexer(c *config.Config, db *catalogue, log *slog.Logger) *indexer.Indexer {
	if c.Index.Engine != config.BleveEngine {
		if err := indexer.Forget(indexFolder(c)); err != nil {
			log.Warn("the status of an earlier search index can't be removed", "error", err)
		}
		return nil
	}
	open := func(folder string) (index.Engine, error) {
		engine, err := bleve.Open(folder, log)
		if err != nil {
			return nil, err
		}
		return engine, nil
	}
	return indexer.New(indexer.Options{Folder: indexFolder(c), Open: open, Books: db, Fallback: db, Log: log})
}

// indexReader feeds changes to the search index.
func indexReader(x *indexer.Indexer) feed.Reader {
	return feed.Reader{
		Handlers: feed.Handlers{model.BookCreated: x.Apply, model.BookUpdated: x.Apply, model.BookDeleted: x.Apply},
		Rebuild:  x.Compare,
	}
}

// awaitIndex waits until searches show this process's own changes, but not for long.
func awaitIndex(x *indexer.Indexer, changes []*model.Change) {
	if len(changes) > fewChanges {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), showWithin)
	defer cancel()
	x.Await(ctx, changes)
}

// IndexStatus returns what the search index of the shop on the data folder does. ok is false
// if it has none.
func IndexStatus(c *config.Config) (status indexer.Status, ok bool, err error) {
	return indexer.ReadStatus(indexFolder(c))
}

// RebuildIndex asks the shop on the data folder, now or at its next start, for another index.
func RebuildIndex(c *config.Config) error { return indexer.Request(indexFolder(c)) }

// IndexRequested reports whether the shop hasn't taken a request for another index yet.
func IndexRequested(c *config.Config) bool { return indexer.Requested(indexFolder(c)) }

// indexCollectors are the metrics of the search index.
func indexCollectors(x *indexer.Indexer) []prometheus.Collector {
	gauge := func(name, help string, value func(indexer.Status) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "event_books", Name: name, Help: help}, func() float64 { return value(x.Status()) })
	}
	return []prometheus.Collector{
		gauge("index_answering", "1 if the search index answers searches, 0 if the database does.", func(s indexer.Status) float64 {
			if s.Answering {
				return 1
			}
			return 0
		}),
		gauge("index_behind_books", "Books whose changes the search index lacks.", func(s indexer.Status) float64 { return float64(s.Left) }),
	}
}
