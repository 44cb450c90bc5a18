package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// firstInterestCounter has the first day whose openings still count.
	firstInterestCounter = "interests_first_day"
	// worthless is the number of days after which a single session counts for nothing.
	worthless = 400
)

func (w *consumerTx) FirstInterestDay(ctx context.Context) (trend.Day, error) {
	if err := w.lockInterests(ctx); err != nil {
		return 0, err
	}
	return firstInterestDay(w.tx.WithContext(ctx))
}

func firstInterestDay(session *gorm.DB) (trend.Day, error) {
	var c counter
	err := session.Take(&c, "name = ?", firstInterestCounter).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, fmt.Errorf("read the first day of interests: %w", err)
	}
	return trend.Day(c.Value), nil
}

func (db *DB) DropOpenings(ctx context.Context) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	today := trend.DayOf(time.Now())
	newest, err := newestOpening(session)
	if err != nil {
		return db.failed("drop old openings", err)
	}
	first, err := db.closeDays(session, today)
	if err != nil {
		return db.failed("drop old openings", err)
	}
	least := interest.Weight(min(today, newest) - worthless) // a clock that is ahead doesn't delete all counts
	for _, part := range []dropping{
		{openingTable, "SELECT visitor, day, book_id FROM interest_openings WHERE day < ? LIMIT ?", first, dropKeys(openingTable)},
		{visitorTable, "SELECT visitor, history, erased_day, due_day FROM interest_visitors WHERE due_day <= ? LIMIT ?", today, dropHistory(first, today)},
		{pairTable, "SELECT book_a, book_b FROM interest_pairs WHERE weight < ? LIMIT ?", least, dropKeys(pairTable)},
		{bookTable, "SELECT book_id FROM interest_books WHERE weight < ? LIMIT ?", least, dropKeys(bookTable)},
	} {
		if err := db.drop(session, part); err != nil {
			return db.failed("drop old openings", err)
		}
	}
	return nil
}

// newestOpening returns the last day of which sessions are known, or 0 if there is none.
func newestOpening(session *gorm.DB) (trend.Day, error) {
	var day *trend.Day
	err := session.Raw("SELECT MAX(day) FROM interest_openings").Scan(&day).Error
	if err != nil || day == nil {
		return 0, err
	}
	return *day, nil
}

// closeDays stores the first day that still counts, and returns it. A first day in the future, which
// a wrong clock has stored, counts for nothing.
func (db *DB) closeDays(session *gorm.DB, today trend.Day) (first trend.Day, err error) {
	err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
		w := db.newConsumerTx(tx, model.Shard{})
		defer w.bulk.close()
		stored, err := w.FirstInterestDay(tx.Statement.Context)
		if err != nil {
			return err
		}
		first = today - interest.KeepDays
		if stored <= today {
			first = max(first, stored)
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&counter{Name: firstInterestCounter, Value: int64(first)}).Error
	})
	return first, err
}

// dropping finds old rows of a table with a query, and deletes or changes some of them at a time.
type dropping struct {
	table table
	query string
	bound any
	drop  func(ctx context.Context, w *consumerTx, rows *sql.Rows) (seen int, err error)
}

// drop repeats a step until no old rows are left. Writers wait for each step.
func (db *DB) drop(session *gorm.DB, d dropping) error {
	for more := true; more; {
		err := db.transaction(session, deadlock, func(tx *gorm.DB) error {
			ctx := tx.Statement.Context
			w := db.newConsumerTx(tx, model.Shard{})
			defer w.bulk.close()
			if err := w.lockInterests(ctx); err != nil {
				return err
			}
			rows, err := tx.Raw(d.query, d.bound, dropRows).Rows()
			if err != nil {
				return err
			}
			defer rows.Close()
			seen, err := d.drop(ctx, w, rows)
			more = seen == dropRows
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", d.table.name, err)
		}
	}
	return nil
}

// dropKeys deletes the rows whose keys the query returns.
func dropKeys(t table) func(context.Context, *consumerTx, *sql.Rows) (int, error) {
	return func(ctx context.Context, w *consumerTx, rows *sql.Rows) (int, error) {
		var keys [][]any
		for rows.Next() {
			key := make([]any, len(t.key))
			into := make([]any, len(key))
			for i := range key {
				into[i] = &key[i]
			}
			if err := rows.Scan(into...); err != nil {
				return 0, err
			}
			keys = append(keys, key)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return 0, err
		}
		return len(keys), w.bulk.remove(ctx, t, keys)
	}
}

// dropHistory deletes what is old of visitors.
func dropHistory(first, today trend.Day) func(context.Context, *consumerTx, *sql.Rows) (int, error) {
	return func(ctx context.Context, w *consumerTx, rows *sql.Rows) (int, error) {
		var kept, gone [][]any
		for rows.Next() {
			visitor, known, err := scanVisitor(rows)
			if err != nil {
				return 0, err
			}
			known.history.Forget(first)
			if due := known.due(); due > today {
				kept = append(kept, known.row(visitor))
			} else {
				gone = append(gone, []any{[]byte(visitor)})
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return 0, err
		}
		if err := w.bulk.store(ctx, visitorTable, kept); err != nil {
			return 0, err
		}
		return len(kept) + len(gone), w.bulk.remove(ctx, visitorTable, gone)
	}
}
