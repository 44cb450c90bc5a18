package gateway

import (
	"context"
	"time"

	"literank.com/event-books/domain/trend"
)

// DayKeyAge is the longest time for which a day's key is kept.
const DayKeyAge = 48 * time.Hour

// DayKeys keeps a random key of 32 bytes for each UTC day. All instances of a shop get the
// same ones.
type DayKeys interface {
	// DayKeys deletes the keys that would be older than DayKeyAge after the given time,
	// makes the key of a day if there is none, and returns all keys that are left. It may
	// be called concurrently.
	DayKeys(ctx context.Context, today trend.Day, within time.Duration) ([]DayKey, error)
}

// DayKey is the key of a day.
type DayKey struct {
	Day trend.Day
	Key []byte
	// Age is how old the key is, by the clock of the database.
	Age time.Duration
}
