package mq

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/wal"
)

const partitionsName = "partitions.json"

// partitions remembers among how many partitions the events of a spool go. An
// event keeps the number under which it was first tried, or a later one of its
// key could land in another partition before it. So a number is on disk before
// its first use, and another one is used when all older events are settled.
type partitions struct {
	dir string
	log *wal.Log
	// logger is told when the topic has fewer partitions than before.
	logger *slog.Logger
	// inherited is the last record of an earlier process: which of those were
	// tried isn't known.
	inherited uint64
	patience  time.Duration // with fewer partitions than before

	mu     sync.Mutex
	stored storedPartitions
	// fewerSince is when the topic first had fewer than stored; zero if it hasn't.
	fewerSince time.Time
}

type storedPartitions struct {
	Topic      string `json:"topic"`
	Partitions int32  `json:"partitions"`
}

// openPartitions reads what was stored. A file that is damaged keeps nobody from
// sending: the topic's number is taken then, as in the beginning.
func openPartitions(dir, topic string, log *wal.Log, logger *slog.Logger) (*partitions, error) {
	p := &partitions{dir: dir, log: log, logger: logger, inherited: log.Stats().Last, patience: time.Minute}
	file := filepath.Join(dir, partitionsName)
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		content, err = []byte("{}"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the number of partitions: %w", err)
	}
	err = json.Unmarshal(content, &p.stored)
	if err == nil && p.stored.Partitions < 0 {
		err = fmt.Errorf("%d partitions", p.stored.Partitions)
	}
	if err != nil {
		logger.Warn("how many partitions waiting events go among can't be read; the topic's number is taken", "file", file, "error", err)
		p.stored = storedPartitions{}
	}
	if p.stored.Topic != topic {
		p.stored = storedPartitions{Topic: topic} // the order there has nothing to do with the old one
	}
	return p, nil
}

// choose returns the number to use while the topic has actual partitions. fresh
// tells that all older events are settled.
func (p *partitions) choose(actual int32, fresh bool) (int32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if actual >= p.stored.Partitions {
		p.fewerSince = time.Time{}
	}
	if actual == p.stored.Partitions {
		return actual, nil
	}
	fresh = fresh && p.log.Stats().Released >= p.inherited
	switch {
	case p.stored.Partitions == 0 || fresh:
	case p.stored.Partitions < actual:
		return p.stored.Partitions, nil
	case p.fewerSince.IsZero():
		p.fewerSince = time.Now()
		p.logger.Warn("the topic has fewer partitions than before: events wait in case Kafka is wrong about it",
			"topic", p.stored.Topic, "partitions", actual, "before", p.stored.Partitions, "wait", p.patience.String())
		fallthrough
	case time.Since(p.fewerSince) < p.patience:
		// A broker may be behind with what it knows. Else the topic is another
		// one, and has no order yet.
		return 0, fmt.Errorf("the topic has %d partitions, and had %d", actual, p.stored.Partitions)
	}
	next := p.stored
	next.Partitions = actual
	content, err := json.Marshal(next)
	if err == nil {
		err = replaceFile(filepath.Join(p.dir, partitionsName), content)
	}
	if err != nil {
		return 0, fmt.Errorf("store the number of partitions: %w", err)
	}
	p.stored = next
	return actual, nil
}

// replaceFile writes a file that is whole, old or new, after any crash.
func replaceFile(name string, content []byte) error {
	temporary := name + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, name); err != nil {
		return err
	}
	return disk.SyncFolder(filepath.Dir(name))
}
