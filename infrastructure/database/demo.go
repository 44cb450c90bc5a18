package database

import (
	"context"
	"database/sql"
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
		w.into = tables
		if err := w.deleteDemo(ctx); err != nil {
			return err
		}
	}
	return nil
}

// deleteDemo deletes the rows of simulated shoppers. Counts of keywords stay as zeros, with the
// new version, since readers look for what has changed.
func (w *consumerTx) deleteDemo(ctx context.Context) error {
	tx := w.tx.WithContext(ctx)
	if err := w.deleteDemoVisits(ctx); err != nil {
		return err
	}
	for _, table := range []table{w.into.clicks, w.into.totals, w.into.presence} {
		if err := tx.Exec("DELETE FROM "+table.name+" WHERE surface = ?", trend.Demo).Error; err != nil {
			return err
		}
	}
	return tx.Exec("UPDATE "+w.into.counts.name+" SET requests = 0, searches = 0, not_found = 0, buckets = ?, version = ? WHERE surface = ? AND LENGTH(buckets) > 0",
		[]byte{}, w.version, trend.Demo).Error
}

// deleteDemoVisits deletes what the visitors of keywords did, and when they were there.
func (w *consumerTx) deleteDemoVisits(ctx context.Context) error {
	var counted []struct {
		Day       trend.Day
		KeywordID int64
	}
	query := "SELECT DISTINCT day, keyword_id FROM " + w.into.counts.name + " WHERE surface = ? AND LENGTH(buckets) > 0"
	if err := w.tx.WithContext(ctx).Raw(query, trend.Demo).Scan(&counted).Error; err != nil {
		return err
	}
	keys := make([][]any, len(counted))
	for i, row := range counted {
		keys[i] = []any{row.Day, row.KeywordID, trend.Demo}
	}
	visits := table{w.into.visits.name, []string{"day", "keyword_id", "surface"}, []string{"visitor"}}
	visitors := map[visitorKey]bool{}
	err := w.bulk.load(ctx, visits, keys, func(rows *sql.Rows) error {
		var key visitorKey
		var keyword int64
		var kind trend.Kind
		var visitor []byte
		err := rows.Scan(&key.day, &keyword, &kind, &visitor)
		key.visitor = trend.Visitor(visitor)
		visitors[key] = true
		return err
	})
	if err == nil {
		err = w.bulk.remove(ctx, visits, keys)
	}
	if err != nil {
		return err
	}
	return w.newTally().changeVisitors(ctx, sortedKeys(visitors, visitorKey.compare), func(_ visitorKey, before trend.Activity) trend.Activity {
		return before.Without(trend.Demo)
	})
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
