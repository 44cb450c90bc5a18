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

// sweepNew folds the rows that no program of ours has seen.
func (db *DB) sweepNew(ctx context.Context) error {
	return db.sweep(ctx, "search_hash IS NULL")
}

func (db *DB) sweep(ctx context.Context, condition string) (err error) {
	session := db.gorm.WithContext(ctx)
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
		var rows []*bookRow
		if err := session.Where(condition).Where("id > ?", after).Order("id").Limit(sweepRows).Find(&rows).Error; err != nil {
			return db.failed("find rows to fold", err)
		}
		if found = len(rows); found == 0 {
			return nil
		}
		if found == sweepRows && after == 0 {
			db.log.Info("preparing the books of another program for searches")
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
			return db.failed("fold rows", err)
		}
		total += found
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
	folded := fold(b)
	values := map[string]any{
		"year": folded.Year, "search_text": folded.SearchText, "title_folded": folded.TitleFolded,
		"authors_folded": folded.AuthorsFolded, "subjects_folded": folded.SubjectsFolded, "search_hash": folded.SearchHash,
	}
	if fingerprint := soleFingerprint(b); fingerprint != nil {
		values["fingerprint"] = gorm.Expr("CASE WHEN external_id IS NULL THEN COALESCE(fingerprint, ?) ELSE fingerprint END", fingerprint)
	}
	return tx.Model(&bookRow{ID: row.ID}).Updates(values).Error
}
