package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/trend"
)

const (
	// firstDayCounter has the first day that still counts.
	firstDayCounter = "trends_first_day"
	// dropRows is how many rows one statement deletes.
	dropRows = 1000
	// forgetSources is how long sources are remembered after their last record.
	forgetSources = 400 * 24 * time.Hour
)

func (w *consumerTx) FirstDay(ctx context.Context) (trend.Day, error) {
	if err := w.lockTrends(ctx); err != nil {
		return 0, err
	}
	return firstDay(w.tx.WithContext(ctx))
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
	first := trend.DayOf(timeOf(*newest)) - trend.Day(keep)
	return max(first, trend.DayOf(time.Now())-trend.Day(2*keep)), nil
}

// dropBefore deletes everything about days before one, except the sums over all keywords.
func (db *DB) dropBefore(session *gorm.DB, first trend.Day) error {
	before, err := firstDay(session)
	if err != nil || before >= first {
		return err
	}
	// First of all, no event counts for these days any more.
	err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
		w := &consumerTx{db: db, tx: tx}
		if err := w.lockTrends(tx.Statement.Context); err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&counter{Name: firstDayCounter, Value: int64(first)}).Error
	})
	if err != nil {
		return err
	}
	for _, table := range []string{visitTable.name, textTable.name, countTable.name} {
		if err := dropKeywords(session, table, first); err != nil {
			return err
		}
	}
	if err := session.Exec("DELETE FROM trend_clicks WHERE day < ?", first).Error; err != nil {
		return err
	}
	if err := session.Exec("DELETE FROM trend_erasures WHERE erased_at < ?", milli(first.Start())).Error; err != nil {
		return err
	}
	return db.dropKeywordsWithoutDays(session)
}

// dropKeywords deletes the rows of single keywords, some of them at a time: writers wait for
// each statement.
func dropKeywords(session *gorm.DB, table string, first trend.Day) error {
	for {
		var next []struct {
			Day       trend.Day
			KeywordID int64
		}
		err := session.Raw("SELECT day, keyword_id FROM "+table+" WHERE day < ? AND keyword_id > ? ORDER BY day, keyword_id LIMIT ?", first, allKeywords, dropRows).Scan(&next).Error
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
			w := &consumerTx{db: db, tx: tx} // nobody counts one of them meanwhile
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
				(SELECT 1 FROM trend_counts WHERE trend_counts.keyword_id = trend_keywords.id)`, ids).Error
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
	return session.Where("reported_at < ?", old).Delete(&eventSource{}).Error
}
