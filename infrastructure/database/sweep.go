package database

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

const (
	// sweepEvery keeps the contract that writes of other programs are found
	// within 10 seconds.
	sweepEvery = 4 * time.Second
	// sweepBack is how far a sweep looks back: longer than a transaction of
	// another program takes from its write to its commit.
	sweepBack = "10 MINUTE"
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
	failing := false
	// The first sweep looks at every row: something may have changed while
	// no instance ran.
	for condition := changedSQL; ; condition = changedSQL + " AND touched_at >= CURRENT_TIMESTAMP(3) - INTERVAL " + sweepBack {
		err := db.sweepNew(ctx)
		if err == nil {
			err = db.sweep(ctx, condition)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
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

// sweepNew folds the rows that no program of ours has seen.
func (db *DB) sweepNew(ctx context.Context) error {
	return db.sweep(ctx, "search_hash IS NULL")
}

func (db *DB) sweep(ctx context.Context, condition string) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	for after, found := uint(0), sweepRows; found == sweepRows; {
		var rows []*bookRow
		if err := session.Where(condition).Where("id > ?", after).Order("id").Limit(sweepRows).Find(&rows).Error; err != nil {
			return failed("find rows to fold", err)
		}
		if found = len(rows); found == 0 {
			return nil
		}
		after = rows[found-1].ID
		err := session.Transaction(func(tx *gorm.DB) error {
			for _, row := range rows {
				if err := foldRow(tx, row); err != nil {
					return fmt.Errorf("book %d: %w", row.ID, err)
				}
			}
			return nil
		})
		if err != nil {
			return failed("fold rows", err)
		}
		db.log.Info("found books written by another program", "books", found)
	}
	return nil
}

// foldRow stores the folded part together with the hash of what it was made
// of: if the row has changed meanwhile, the next sweep sees that.
func foldRow(tx *gorm.DB, row *bookRow) error {
	b, err := row.book()
	if err != nil {
		return err
	}
	folded := storedRow{Shown: bookRow{ID: row.ID}, Folded: fold(b)}
	columns := []any{"search_text", "title_folded", "authors_folded", "subjects_folded", "search_hash"}
	if err := tx.Model(&folded).Select("year", columns...).Updates(&folded).Error; err != nil {
		return err
	}
	if fingerprint := soleFingerprint(b); fingerprint != nil {
		return tx.Model(&storedRow{}).
			Where("id = ? AND fingerprint IS NULL AND external_id IS NULL", row.ID).
			Update("fingerprint", fingerprint).Error
	}
	return nil
}
