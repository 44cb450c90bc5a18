package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// firstDayCounter has the first day that still counts.
	firstDayCounter = "trends_first_day"
	// dropRows is how many rows one statement deletes.
	dropRows = 1000
	// forgetSources is how long sources are remembered after their last record.
	forgetSources = 400 * 24 * time.Hour
	// forgetLetters is how long dead letters are kept after they are done.
	forgetLetters = trend.KeepDays * 24 * time.Hour
)

func (w *consumerTx) FirstDay(ctx context.Context) (trend.Day, error) {
	if err := w.lockTrends(ctx); err != nil {
		return 0, err
	}
	first, err := firstDay(w.tx.WithContext(ctx))
	return max(first, w.first), err
}

func firstDay(session *gorm.DB) (trend.Day, error) {
	var c counter
	err := session.Take(&c, "name = ?", firstDayCounter).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, fmt.Errorf("read the first day that counts: %w", err)
	}
	return trend.Day(c.Value), nil
}

func (db *DB) DropDays(ctx context.Context, group string, keep int) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	first, err := db.dayToKeep(session, group, keep)
	if err == nil && first > 0 {
		err = db.dropBefore(session, first)
	}
	if err == nil {
		err = forgetOldSources(session)
	}
	if err == nil {
		err = forgetOldNotes(session, first)
	}
	if err != nil {
		return db.failed("drop old days", err)
	}
	return nil
}

// dayToKeep returns the first day to keep. An event that is not too late must find its day, so
// the partition that is furthest behind decides, unless it is behind by more than twice the
// days.
func (db *DB) dayToKeep(session *gorm.DB, group string, keep int) (trend.Day, error) {
	var newest *int64
	err := session.Raw("SELECT MIN(newest_at) FROM consumer_positions WHERE consumer = ? AND newest_at > 0", group).Scan(&newest).Error
	if err != nil || newest == nil {
		return 0, err
	}
	first, today := trend.DayOf(timeOf(*newest))-trend.Day(keep), trend.DayOf(time.Now())
	return min(max(first, today-trend.Day(2*keep)), today-trend.Day(keep)), nil
}

// dropBefore deletes everything about days before one, except the numbers over all keywords.
func (db *DB) dropBefore(session *gorm.DB, first trend.Day) error {
	before, err := firstDay(session)
	if err != nil {
		return err
	}
	first = max(first, before) // what a process that was killed has left of earlier days goes, too
	// First of all, no event counts for these days any more.
	err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
		w := db.newConsumerTx(tx, model.Shard{})
		defer w.bulk.close()
		if err := w.lockTrends(tx.Statement.Context); err != nil {
			return err
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&counter{Name: firstDayCounter, Value: int64(first)}).Error; err != nil {
			return err
		}
		return w.joinTotals(tx.Statement.Context, first)
	})
	if err != nil {
		return err
	}
	for _, tables := range []trendTables{liveTables, rebuiltTables} { // a rebuild that was killed has left its rows
		if err := tables.drop(session, first); err != nil {
			return err
		}
	}
	if first == before {
		return nil
	}
	return db.dropKeywordsWithoutDays(session)
}

// drop deletes the rows of days before one, except the numbers over all keywords.
func (t trendTables) drop(session *gorm.DB, first trend.Day) error {
	for _, table := range []string{t.visits.name, t.texts.name, t.counts.name} {
		if err := dropKeywords(session, table, first); err != nil {
			return err
		}
	}
	for _, table := range []string{t.clicks.name, t.visitors.name} {
		if err := session.Exec("DELETE FROM "+table+" WHERE day < ?", first).Error; err != nil {
			return err
		}
	}
	return session.Exec("DELETE FROM "+t.erasures.name+" WHERE erased_at < ?", milli(first.Start())).Error
}

// joinTotals makes one row of those of all tags and languages, for each day before one. Anybody
// can make up tags, and totals stay for ever. Of the visitors, only the groups without tag and
// language stay.
func (w *consumerTx) joinTotals(ctx context.Context, first trend.Day) error {
	rows, err := w.tx.Raw("SELECT day, surface, tag, language, requests, searches, buckets, places FROM trend_totals WHERE day < ? AND (tag <> '' OR language <> '')", first).Rows()
	if err != nil {
		return err
	}
	t := w.newTally()
	var gone [][]any
	for rows.Next() {
		key, sum, err := scanTotal(rows)
		if err != nil {
			_ = rows.Close()
			return err
		}
		gone = append(gone, key.row())
		t.total(key.day, trend.Scope{Kind: key.Kind}).join(sum)
	}
	if err := cmp.Or(rows.Close(), rows.Err()); err != nil {
		return err
	}
	if err := w.bulk.remove(ctx, liveTables.totals, gone); err != nil {
		return err
	}
	if err := t.writeTotals(ctx); err != nil {
		return err
	}
	return w.tx.Exec("DELETE FROM trend_presence WHERE day < ? AND (tag <> ? OR language <> ?)", first, trend.Any, trend.Any).Error
}

// dropKeywords deletes the rows of single keywords, some of them at a time: writers wait for
// each statement.
func dropKeywords(session *gorm.DB, table string, first trend.Day) error {
	for {
		var next []struct {
			Day       trend.Day
			KeywordID int64
		}
		err := session.Raw("SELECT day, keyword_id FROM "+table+" WHERE day < ? ORDER BY day, keyword_id LIMIT ?", first, dropRows).Scan(&next).Error
		if err != nil || len(next) == 0 {
			return err
		}
		// All rows of the keywords from the first on, up to the last of the same day.
		day, last := next[0].Day, next[0].KeywordID
		for _, row := range next {
			if row.Day == day {
				last = row.KeywordID
			}
		}
		if err := session.Exec("DELETE FROM "+table+" WHERE day = ? AND keyword_id BETWEEN ? AND ?", day, next[0].KeywordID, last).Error; err != nil {
			return err
		}
	}
}

// dropKeywordsWithoutDays deletes keywords of which no day is left.
func (db *DB) dropKeywordsWithoutDays(session *gorm.DB) error {
	for after, more := int64(0), true; more; {
		err := db.transaction(session, deadlock, func(tx *gorm.DB) error {
			w := db.newConsumerTx(tx, model.Shard{}) // nobody counts one of them meanwhile
			defer w.bulk.close()
			if err := w.lockTrends(tx.Statement.Context); err != nil {
				return err
			}
			var ids []int64
			if err := tx.Raw("SELECT id FROM trend_keywords WHERE id > ? ORDER BY id LIMIT ?", after, dropRows).Scan(&ids).Error; err != nil {
				return err
			}
			if more = len(ids) == dropRows; len(ids) == 0 {
				return nil
			}
			after = ids[len(ids)-1]
			return tx.Exec(`DELETE FROM trend_keywords WHERE id IN ? AND NOT EXISTS
				(SELECT 1 FROM trend_counts WHERE trend_counts.keyword_id = trend_keywords.id) AND NOT EXISTS
				(SELECT 1 FROM trend_counts_rebuilt WHERE trend_counts_rebuilt.keyword_id = trend_keywords.id)`, ids).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetOldSources deletes sources of which nothing came for a long time.
func forgetOldSources(session *gorm.DB) error {
	old := time.Now().Add(-forgetSources).UnixMilli()
	if err := session.Where("last_at < ?", old).Delete(&source{}).Error; err != nil {
		return err
	}
	if err := session.Where("reported_at < ?", old).Delete(&eventSource{}).Error; err != nil {
		return err
	}
	return session.Where("done_at < ?", time.Now().Add(-forgetLetters).UnixMilli()).Delete(&deadLetter{}).Error
}
