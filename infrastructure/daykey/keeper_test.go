package daykey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// table is a database that can fail and hang.
type table struct {
	mu    sync.Mutex
	made  map[trend.Day]time.Time
	err   error
	hangs bool
	looks int
}

func (d *table) DayKeys(ctx context.Context, today trend.Day, within time.Duration) (keys []gateway.DayKey, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	if d.hangs {
		d.mu.Unlock()
		<-ctx.Done()
		d.mu.Lock()
		return nil, context.Cause(ctx)
	}
	if d.err != nil {
		return nil, d.err
	}
	if _, ok := d.made[today]; !ok {
		d.made[today] = time.Now()
	}
	for day, at := range d.made {
		if age := time.Since(at); age >= gateway.DayKeyAge-within {
			delete(d.made, day)
		} else {
			keys = append(keys, gateway.DayKey{Day: day, Key: fmt.Append(nil, "key of ", day), Age: age})
		}
	}
	return keys, nil
}

func (d *table) set(change func(d *table)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *table) looked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.looks
}

func (d *table) days() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.made)
}

// running runs a test with a Keeper, in a time of its own.
func running(t *testing.T, test func(t *testing.T, k *Keeper, db *table, log *strings.Builder)) {
	synctest.Test(t, func(t *testing.T) {
		db, log := &table{made: map[trend.Day]time.Time{}}, &strings.Builder{}
		k := New(db, slog.New(slog.NewTextHandler(log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { k.Run(ctx) })
		test(t, k, db, log)
		stop()
		group.Wait()
	})
}

func keyOf(at time.Time) string { return fmt.Sprint("key of ", trend.DayOf(at)) }

func TestKeysOfTodayAndYesterday(t *testing.T) {
	running(t, func(t *testing.T, k *Keeper, db *table, _ *strings.Builder) {
		searched := time.Now()
		assert.Equal(t, keyOf(searched), string(k.Key(searched)), "the first caller waits")
		time.Sleep(24*time.Hour - time.Second)
		assert.Equal(t, keyOf(searched), string(k.Key(searched)))
		assert.NotEqual(t, keyOf(searched), string(k.Key(time.Now().Add(time.Minute))), "no key is made in advance")
		assert.Nil(t, k.Key(time.Now().Add(24*time.Hour)))
		assert.Nil(t, k.Key(searched.Add(-24*time.Hour)))
	})
}

// Nobody has to search for a key to be made and deleted.
func TestKeysAreDeletedInTime(t *testing.T) {
	running(t, func(t *testing.T, k *Keeper, db *table, _ *strings.Builder) {
		synctest.Wait()
		first := time.Now()
		for time.Since(first) < gateway.DayKeyAge-10*time.Minute {
			time.Sleep(10 * time.Minute)
			assert.NotNil(t, k.Key(first), "after %s", time.Since(first))
		}
		time.Sleep(10*time.Minute - time.Second)
		assert.Nil(t, k.Key(first))
		db.set(func(d *table) { assert.NotContains(t, d.made, trend.DayOf(first), "before two days are over") })
		assert.LessOrEqual(t, db.days(), 2)
	})
}

func TestKeysInMemoryExpireWhileTheDatabaseIsAway(t *testing.T) {
	running(t, func(t *testing.T, k *Keeper, db *table, log *strings.Builder) {
		synctest.Wait()
		first := time.Now()
		db.set(func(d *table) { d.err = &model.Error{Code: model.UnavailableNow} })
		time.Sleep(gateway.DayKeyAge - time.Second)
		assert.NotNil(t, k.Key(first))
		time.Sleep(time.Second)
		assert.Nil(t, k.Key(first))
		time.Sleep(5 * time.Second)
		k.mu.Lock()
		assert.Empty(t, k.keys)
		k.mu.Unlock()
		assert.Empty(t, log.String(), "the database logs that itself")
		db.set(func(d *table) { d.err = nil })
		time.Sleep(5 * time.Second)
		assert.NotNil(t, k.Key(time.Now()))
	})
}

// A database that hangs delays the first callers of a day by 200 ms, and nobody afterwards.
func TestADatabaseThatHangs(t *testing.T) {
	running(t, func(t *testing.T, k *Keeper, db *table, _ *strings.Builder) {
		synctest.Wait()
		now := time.Now()
		time.Sleep((trend.DayOf(now) + 1).Start().Sub(now) - time.Millisecond)
		db.set(func(d *table) { d.hangs = true })
		time.Sleep(time.Millisecond)
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				begun := time.Now()
				assert.Nil(t, k.Key(begun))
				assert.Equal(t, patience, time.Since(begun))
			})
		}
		group.Wait()
		begun := time.Now()
		assert.Nil(t, k.Key(begun))
		assert.Zero(t, time.Since(begun))
		assert.NotNil(t, k.Key(begun.Add(-time.Hour)), "yesterday's key is known")
		db.set(func(d *table) { d.hangs = false })
		time.Sleep(maxLook + 5*time.Second)
		assert.NotNil(t, k.Key(time.Now()))
	})
}

func TestADatabaseThatFails(t *testing.T) {
	running(t, func(t *testing.T, k *Keeper, db *table, log *strings.Builder) {
		db.set(func(d *table) { d.err = errors.New("no such table") })
		assert.Nil(t, k.Key(time.Now()))
		looks := db.looked()
		for range 100 {
			assert.Nil(t, k.Key(time.Now()))
			synctest.Wait()
		}
		assert.Equal(t, looks, db.looked(), "searches don't hurry a database that fails")
		time.Sleep(10 * time.Second)
		assert.Equal(t, 1, strings.Count(log.String(), "the day's key can't be read; events"))
		db.set(func(d *table) { d.err = nil })
		time.Sleep(5 * time.Second)
		require.NotNil(t, k.Key(time.Now()))
		assert.Equal(t, 1, strings.Count(log.String(), "can be read again"))
		looks = db.looked()
		for range 1000 {
			k.Key(time.Now())
		}
		assert.Equal(t, looks, db.looked(), "a known key costs no look at the database")
	})
}
