package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// demoClearedCounter has the time up to which simulated shoppers don't count.
const demoClearedCounter = "demo_cleared"

// ClearDemo waits for the batch that is being counted. Events that were counted before it are
// older than the time that it stores, unless a shop's clock is ahead: a rebuild may count these
// again.
func (db *DB) ClearDemo(ctx context.Context) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
		w := db.newConsumerTx(tx, model.Shard{})
		defer w.bulk.close()
		return w.clearDemo(ctx)
	})
	if err != nil {
		return db.failed("clear the demo", err)
	}
	return nil
}

func (w *consumerTx) clearDemo(ctx context.Context) error {
	if err := w.lockTrends(ctx); err != nil {
		return err
	}
	now := counter{Name: demoClearedCounter, Value: time.Now().UnixMilli()}
	if err := w.tx.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&now).Error; err != nil {
		return err
	}
	for _, tables := range []trendTables{liveTables, rebuiltTables} { // a rebuild may be under way
		if err := w.deleteDemo(ctx, tables); err != nil {
			return err
		}
	}
	return nil
}

// deleteDemo deletes the rows of simulated shoppers. Counts stay as zeros, with the new version,
// since readers look for what has changed.
func (w *consumerTx) deleteDemo(ctx context.Context, tables trendTables) error {
	tx := w.tx.WithContext(ctx)
	var counted []struct {
		Day       trend.Day
		KeywordID int64
	}
	counts := " FROM " + tables.counts.name + " WHERE surface = ? AND keyword_id > ? AND LENGTH(buckets) > 0"
	if err := tx.Raw("SELECT DISTINCT day, keyword_id"+counts, trend.Demo, allKeywords).Scan(&counted).Error; err != nil {
		return err
	}
	visits := make([][]any, len(counted))
	for i, row := range counted {
		visits[i] = []any{row.Day, row.KeywordID, trend.Demo}
	}
	if err := w.bulk.remove(ctx, table{name: tables.visits.name, key: []string{"day", "keyword_id", "surface"}}, visits); err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM "+tables.clicks.name+" WHERE surface = ?", trend.Demo).Error; err != nil {
		return err
	}
	return tx.Exec("UPDATE "+tables.counts.name+" SET requests = 0, searches = 0, buckets = ?, version = ? WHERE surface = ? AND LENGTH(buckets) > 0",
		[]byte{}, w.version, trend.Demo).Error
}

// withoutCleared returns the events that count: all except those of simulated shoppers up to the
// last ClearDemo. demo says which events are theirs, and when they searched.
func withoutCleared[E any](ctx context.Context, w *consumerTx, events []E, demo func(E) (bool, time.Time)) ([]E, error) {
	var kept []E
	cleared := int64(-1)
	for _, e := range events {
		simulated, searched := demo(e)
		if simulated && cleared < 0 {
			var err error
			if cleared, err = w.demoCleared(ctx); err != nil {
				return nil, err
			}
		}
		if !simulated || searched.UnixMilli() > cleared {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// demoCleared returns the time of the last ClearDemo, or 0.
func (w *consumerTx) demoCleared(ctx context.Context) (int64, error) {
	var c counter
	err := w.tx.WithContext(ctx).Take(&c, "name = ?", demoClearedCounter).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, fmt.Errorf("read when the demo was cleared: %w", err)
	}
	return c.Value, nil
}

// A bot counts as a bot, whatever it claims to be.
func demoSearch(s *trend.Search) (bool, time.Time) {
	return s.Surface == model.DemoSurface && !s.Bot, s.At
}

func demoClick(c *trend.Click) (bool, time.Time) {
	return c.Surface == model.DemoSurface, c.SearchedAt
}
