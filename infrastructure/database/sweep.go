package database

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
)

const (
	// sweepEvery keeps the contract that writes of other programs are found
	// within 10 seconds.
	sweepEvery = 4 * time.Second
	// sweepBack is how far a pass looks back behind the one before: longer than
	// another program's transaction takes from its write to its commit.
	sweepBack = 10 * time.Minute
	// sweepPatience bounds each statement and transaction, so that a connection
	// that hangs doesn't end the sweep.
	sweepPatience = 5 * time.Minute
	// sweepRows is how many rows are folded in one transaction.
	sweepRows = 500
)

// Sweep finds what other programs write to the table and folds it, so that
// searches find it, until ctx ends. A failure is logged once and tried again.
func (db *DB) Sweep(ctx context.Context) {
	if !db.dialect.writesOfOthers() {
		return
	}
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	s := sweeper{db: db}
	failing := false
	for {
		err := s.pass(ctx, time.Now())
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing && model.ErrorCode(err) != model.UnavailableNow { // that is told already
			db.log.Warn("books written by other programs can't be looked for", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweeper remembers up to when the writes of other programs are known.
type sweeper struct {
	db    *DB
	known time.Time // when the last whole pass began; zero before the first
}

// pass folds what other programs have written since the last whole pass, which
// may be long ago: the database or this machine was away. The first pass looks
// at every row, since something may have changed while no instance ran; so does
// one after the clock was set back.
func (s *sweeper) pass(ctx context.Context, now time.Time) error {
	now = now.Round(0) // the monotonic clock stands still while a machine sleeps
	condition := changedSQL
	if since := now.Sub(s.known); !s.known.IsZero() && since >= 0 {
		condition += fmt.Sprintf(" AND touched_at >= CURRENT_TIMESTAMP(3) - INTERVAL %d SECOND", int((since + sweepBack).Seconds()))
	}
	if err := s.db.sweepNew(ctx); err != nil {
		return err
	}
	if err := s.db.sweep(ctx, condition); err != nil {
		return err
	}
	s.known = now
	return nil
}

// sweepNew folds the rows that no program of ours has seen.
func (db *DB) sweepNew(ctx context.Context) error {
	return db.sweep(ctx, "search_hash IS NULL")
}

func (db *DB) sweep(ctx context.Context, condition string) (err error) {
	total := 0
	defer func() {
		if err == nil {
			db.answers()
		}
		if total > 0 {
			db.log.Info("books of another program can be found now", "books", total)
		}
	}()
	for after, found := uint(0), sweepRows; found == sweepRows; {
		var rows []*sweptRow
		err := patiently(ctx, func(ctx context.Context) error {
			return db.gorm.WithContext(ctx).Where(condition).Where("id > ?", after).Order("id").Limit(sweepRows).Find(&rows).Error
		})
		if err != nil {
			return db.failed("find rows to fold", err)
		}
		if found = len(rows); found == 0 {
			return nil
		}
		if found == sweepRows && after == 0 {
			db.log.Info("preparing the books of another program for searches")
		}
		after = rows[found-1].Shown.ID
		err = patiently(ctx, func(ctx context.Context) error {
			return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				for _, row := range rows {
					if err := foldRow(tx, row); err != nil {
						return fmt.Errorf("book %d: %w", row.Shown.ID, err)
					}
				}
				return nil
			})
		})
		if err != nil {
			return db.failed("fold rows", err)
		}
		total += found
	}
	return nil
}

func patiently(ctx context.Context, operation func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, sweepPatience)
	defer cancel()
	return operation(ctx)
}

// sweptRow is what a row shows, and the hash of what it was folded from last.
type sweptRow struct {
	Shown      bookRow `gorm:"embedded"`
	SearchHash []byte
}

func (sweptRow) TableName() string { return "books" }

// foldRow stores the folded part together with the hash of what it was made
// of: if the row has changed meanwhile, the next sweep sees that. A row that
// our code has written since, whose hash is another, is left as it is.
func foldRow(tx *gorm.DB, row *sweptRow) error {
	b := row.Shown.book()
	folded := fold(b)
	values := map[string]any{
		"year": folded.Year, "search_text": folded.SearchText, "title_folded": folded.TitleFolded,
		"authors_folded": folded.AuthorsFolded, "subjects_folded": folded.SubjectsFolded, "search_hash": folded.SearchHash,
	}
	if fingerprint := fingerprintOf(b); fingerprint != nil {
		values["fingerprint"] = gorm.Expr("CASE WHEN external_id IS NULL THEN COALESCE(fingerprint, ?) ELSE fingerprint END", fingerprint)
	}
	tx = tx.Model(&bookRow{ID: b.ID})
	if row.SearchHash == nil {
		tx = tx.Where("search_hash IS NULL")
	} else {
		tx = tx.Where("search_hash = ?", row.SearchHash)
	}
	return tx.Updates(values).Error
}
