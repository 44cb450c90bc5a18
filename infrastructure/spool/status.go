package spool

import (
	"path/filepath"
	"time"

	"literank.com/event-books/infrastructure/wal"
)

// Status describes the content of a spool's folder.
type Status struct {
	// Topic is the topic of the events; "" if the folder doesn't say.
	Topic string `json:"topic,omitempty"`
	// Events wait to be sent; Bytes is about their size.
	Events uint64 `json:"events"`
	Bytes  int64  `json:"bytes"`
	// Missing events were in the spool, and no file holds them any more.
	Missing uint64 `json:"missing,omitempty"`
	// Oldest is the time of the first event. It is nil if there is none, or if a
	// later version wrote it.
	Oldest *time.Time `json:"oldest,omitempty"`
	// DeadLetters is the path of the file of dead letters, "" if there is none.
	DeadLetters string `json:"dead_letters,omitempty"`
	// Damaged are segments that were set aside.
	Damaged []string `json:"damaged,omitempty"`
}

// Inspect looks into a spool's folder, even while a process uses it, and changes
// nothing. The error wraps fs.ErrNotExist if there is no spool.
func Inspect(dir string) (*Status, error) {
	stats, oldest, err := wal.Inspect(dir)
	if err != nil {
		return nil, err
	}
	status := &Status{Topic: Topic(dir), Events: stats.Waiting, Bytes: stats.Bytes, Missing: stats.Missing}
	if oldest != nil {
		if e, err := decodeEvent(oldest, nil); err == nil {
			at := e.Time.UTC()
			status.Oldest = &at
		}
	}
	if dead := filepath.Join(dir, deadLettersName); exists(dead) {
		status.DeadLetters = dead
	}
	status.Damaged, err = filepath.Glob(filepath.Join(dir, "*.damaged"))
	return status, err
}
