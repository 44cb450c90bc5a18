package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/wal"
)

const (
	partitionsName = "partitions.json"
	// fewerTimeout is how long the drainer waits before it believes that the
	// topic has fewer partitions than before.
	fewerTimeout = time.Minute
)

// partitionCount remembers among how many partitions the events of a spool go.
// An event keeps the count under which it was first tried, or a later event of
// its key could arrive before it in another partition. So a count is on disk
// before its first use, and a new one is used once all older events are settled.
// One goroutine uses it.
type partitionCount struct {
	dir string
	wal *wal.Log
	log *slog.Logger
	// inherited is the last record of an earlier process, which may have tried
	// any of its records.
	inherited uint64
	timeout   time.Duration // fewerTimeout

	stored storedPartitions
	// unstorable is set while the count can't be stored.
	unstorable bool
	// fewerSince is when the topic first had fewer partitions than stored; zero
	// if it hasn't.
	fewerSince time.Time
}

type storedPartitions struct {
	Topic      string `json:"topic"`
	Partitions int32  `json:"partitions"`
}

// openPartitionCount reads the stored count. If the file is damaged, the topic's
// present count applies, as in a new spool.
func openPartitionCount(dir, topic string, records *wal.Log, log *slog.Logger) (*partitionCount, error) {
	c := &partitionCount{dir: dir, wal: records, log: log, inherited: records.Stats().Last, timeout: fewerTimeout}
	file := filepath.Join(dir, partitionsName)
	content, err := os.ReadFile(file)
	isNew := errors.Is(err, fs.ErrNotExist)
	if isNew {
		content, err = []byte("{}"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the number of partitions: %w", err)
	}
	err = json.Unmarshal(content, &c.stored)
	if err == nil && c.stored.Partitions < 0 {
		err = fmt.Errorf("%d partitions", c.stored.Partitions)
	}
	if err != nil {
		log.Warn("the stored number of partitions is unreadable; the topic's present number is used", "file", file, "error", err)
		c.stored = storedPartitions{}
	}
	if c.stored.Topic != topic {
		c.stored = storedPartitions{Topic: topic} // another topic has an order of its own
	}
	if isNew {
		_ = c.write(c.stored) // the folder names its topic, unless the disk is full
	}
	return c, nil
}

// Topic returns the topic of the events in a spool's folder, or "" if the folder doesn't say.
func Topic(dir string) string {
	var stored storedPartitions
	content, err := os.ReadFile(filepath.Join(dir, partitionsName))
	if err != nil || json.Unmarshal(content, &stored) != nil {
		return ""
	}
	return stored.Topic
}

// choose returns the count to use; actual is the topic's present count. fresh says
// that none of the events at hand was tried before.
func (c *partitionCount) choose(actual int32, fresh bool) (int32, error) {
	stored := c.stored.Partitions
	if actual >= stored {
		c.fewerSince = time.Time{}
	}
	settled := fresh && c.wal.Stats().Released >= c.inherited
	switch {
	case actual == stored:
		return actual, nil
	case stored == 0 || settled:
		return actual, c.store(actual)
	case actual > stored:
		return stored, nil
	case c.waits(actual):
		return 0, fmt.Errorf("the topic has %d partitions, and had %d", actual, stored)
	}
	return actual, c.store(actual)
}

// waits reports whether it is too early to believe that the topic has fewer
// partitions than stored. After fewerTimeout it must be a new topic, which has no
// order yet.
func (c *partitionCount) waits(actual int32) bool {
	if c.fewerSince.IsZero() {
		c.fewerSince = time.Now()
		c.log.Warn("the topic has fewer partitions than before; events wait, because a broker's metadata may be old",
			"topic", c.stored.Topic, "partitions", actual, "before", c.stored.Partitions, "wait", c.timeout.String())
		return true
	}
	return time.Since(c.fewerSince) < c.timeout
}

func (c *partitionCount) store(count int32) error {
	next := c.stored
	next.Partitions = count
	if err := c.write(next); err != nil {
		if !c.unstorable {
			c.log.Error("the number of partitions can't be stored; events wait in the spool", "dir", c.dir, "error", err)
		}
		c.unstorable = true
		return fmt.Errorf("store the number of partitions: %w", err)
	}
	if c.unstorable {
		c.log.Info("the number of partitions is stored; events are sent again", "dir", c.dir)
	}
	c.unstorable = false
	c.stored = next
	return nil
}

func (c *partitionCount) write(next storedPartitions) error {
	content, err := json.Marshal(next)
	if err != nil {
		return err
	}
	return disk.Replace(filepath.Join(c.dir, partitionsName), 0o600, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
