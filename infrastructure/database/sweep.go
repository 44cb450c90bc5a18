package database

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
)

const (
	// sweepEvery keeps the contract: writes of other programs are found within 10
	// seconds.
	sweepEvery = 4 * time.Second
	// sweepBack is the time that a pass looks back before the start of the last
	// one. Other programs need less from the write to the commit of a transaction.
	sweepBack = 10 * time.Minute
	// sweepTimeout bounds each statement and transaction, so that a hanging
	// connection doesn't stop the sweep.
	sweepTimeout = 5 * time.Minute
	// sweepRows is the number of rows that one transaction folds.
	sweepRows = 500
)

// Sweep folds the rows that other programs write, so that searches find them. It
// runs until ctx ends. It logs the first failure of a series and retries.
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
		if err != nil && !failing && model.ErrorCode(err) != model.UnavailableNow { // failed has logged those
			db.log.Warn("the sweep for changes of other programs failed; retrying", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweeper remembers when the last complete pass began.
type sweeper struct {
	db    *DB
	known time.Time // zero before the first complete pass
}

// pass folds the rows that other programs have written since the last complete
// pass. That may be long ago, if the database or this machine was down. The first
// pass checks every row, because rows may have changed while no instance ran. So
// does a pass after the clock was set back.
func (s *sweeper) pass(ctx context.Context, now time.Time) error {
	now = now.Round(0) // the monotonic clock stops while the machine sleeps
	condition := changedSQL
	if since := now.Sub(s.known); !s.known.IsZero() && since >= 0 {
		condition += fmt.Sprintf(" AND touched_at >= CURRENT_TIMESTAMP(3) - INTERVAL %d SECOND", int((since + sweepBack).Seconds()))
	}
	if err := s.db.sweepNew(ctx); err != nil {
		return err
	}
	if err := s.db.sweep(ctx, condition, true); err != nil {
		return err
	}
	if err := s.db.compare(ctx); err != nil {
		return err
	}
	s.known = now
	return nil
}

// sweepNew folds the rows that were never folded.
func (db *DB) sweepNew(ctx context.Context) error {
	return db.sweep(ctx, neverFolded, true)
}

const neverFolded = "search_hash IS NULL"

// sweep folds the rows that match condition. They count as changed if recorded is true.
func (db *DB) sweep(ctx context.Context, condition string, recorded bool) (err error) {
	total := 0
	defer func() {
		if err == nil {
			db.answers()
		}
		if total > 0 {
			db.log.Info("searches now find the books of another program", "books", total)
		}
	}()
	for after, found := uint(0), sweepRows; found == sweepRows; {
		var rows []*sweptRow
		err := withTimeout(ctx, func(ctx context.Context) error {
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
		err = withTimeout(ctx, func(ctx context.Context) error {
			return db.change(db.gorm.WithContext(ctx), deadlock, func(w *writer) error { return w.fold(rows, recorded) })
		})
		if err != nil {
			return db.failed("fold rows", err)
		}
		total += found
	}
	return nil
}

func withTimeout(ctx context.Context, operation func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	return operation(ctx)
}

// sweptRow is a row with the hash of the book that was folded last.
type sweptRow struct {
	Shown      bookRow `gorm:"embedded"`
	SearchHash []byte
}

func (sweptRow) TableName() string { return "books" }

// fold stores the folded columns of rows. They count as changed if recorded is true.
func (w *writer) fold(rows []*sweptRow, recorded bool) error {
	var version int64
	var known map[uint]bool
	if recorded {
		ids := make([]uint, len(rows))
		for i, row := range rows {
			ids[i] = row.Shown.ID
		}
		var locked []uint // before the versions, as everywhere
		err := w.db.locking(w.tx).Model(&bookRow{}).Where("id IN ?", ids).Pluck("id", &locked).Error
		if err != nil {
			return err
		}
		if version, err = w.versions(len(rows)); err != nil {
			return err
		}
		if known, err = w.known(ids); err != nil {
			return err
		}
	}
	for _, row := range rows {
		id := row.Shown.ID
		folded, err := foldRow(w.tx, row, version)
		if err != nil {
			return fmt.Errorf("book %d: %w", id, err)
		}
		switch {
		case !recorded || !folded:
		case known[id]:
			w.add(model.BookUpdated, id, version)
		default:
			w.add(model.BookCreated, id, version)
		}
		version++
	}
	return nil
}

// foldRow stores the folded columns, the version unless it is 0, and the hash of the folded
// book. If another program has changed the row meanwhile, the next sweep sees that by the
// hash. If our code has written the row meanwhile, its hash is new and foldRow leaves it
// alone; then folded is false.
func foldRow(tx *gorm.DB, row *sweptRow, version int64) (folded bool, err error) {
	b := row.Shown.book()
	columns := fold(b)
	values := map[string]any{
		"year": columns.Year, "search_text": columns.SearchText, "title_folded": columns.TitleFolded,
		"authors_folded": columns.AuthorsFolded, "subjects_folded": columns.SubjectsFolded, "search_hash": columns.SearchHash,
	}
	if version != 0 {
		values["version"] = version
	}
	if fingerprint := fingerprintOf(b); fingerprint != nil {
		values["fingerprint"] = gorm.Expr("CASE WHEN external_id IS NULL THEN COALESCE(fingerprint, ?) ELSE fingerprint END", fingerprint)
	}
	tx = tx.Model(&bookRow{ID: b.ID})
	if row.SearchHash == nil {
		tx = tx.Where(neverFolded)
	} else {
		tx = tx.Where("search_hash = ?", row.SearchHash)
	}
	tx = tx.Session(&gorm.Session{})
	updated := tx.Updates(values)
	if tooLarge(updated.Error) {
		// Another program may have stored a text of up to max_allowed_packet.
		// Folded, it can be longer. One such book must not stop the sweep.
		b.Description = ""
		values["search_text"] = fold(b).SearchText
		updated = tx.Updates(values)
	}
	return updated.RowsAffected > 0, updated.Error
}
