package database

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/model"
)

// Every change of a book gets a version from one counter, and a row in the table outbox,
// in the transaction that changes the book. The counter's row stays locked until the
// commit, so versions become visible in their order: who sees one sees all below.

const (
	versionCounter = "version"
	// generationProperty is a random text that Raise changes.
	generationProperty = "generation"
)

type counter struct {
	Name  string `gorm:"primaryKey"`
	Value int64
}

func (counter) TableName() string { return "counters" }

// writer is a transaction that changes books.
type writer struct {
	db      *DB
	tx      *gorm.DB
	now     time.Time
	changes []*model.Change
}

// change runs work in a transaction that also writes the changes into the outbox, and
// passes them on after the commit. After an error that again accepts, it rolls back and
// runs work once more.
func (db *DB) change(session *gorm.DB, again func(error) bool, work func(w *writer) error) error {
	var w *writer
	err := db.transaction(session, again, func(tx *gorm.DB) error {
		w = &writer{db: db, tx: tx, now: tx.NowFunc()}
		if err := work(w); err != nil {
			return err
		}
		return w.record()
	})
	if err == nil && len(w.changes) > 0 {
		db.changed(w.changes)
	}
	return err
}

// versions takes n versions and returns the first. Other transactions that want some wait
// until this one ends, so a transaction should lock its books before. It should read
// without a lock only afterwards: MariaDB refuses to change a row that is newer than a
// transaction's first such read.
func (w *writer) versions(n int) (first int64, err error) {
	if n == 0 {
		return 0, nil
	}
	if err := w.tx.Model(&counter{Name: versionCounter}).Update("value", gorm.Expr("value + ?", n)).Error; err != nil {
		return 0, fmt.Errorf("take a version: %w", err)
	}
	var c counter
	if err := w.tx.Take(&c, "name = ?", versionCounter).Error; err != nil {
		return 0, fmt.Errorf("take a version: %w", err)
	}
	return c.Value - int64(n) + 1, nil
}

// add notes a change that the transaction makes. Each call needs a version of its own.
func (w *writer) add(kind model.ChangeKind, id uint, version int64) {
	w.changes = append(w.changes, &model.Change{BookID: id, Version: version, Kind: kind, Time: w.now})
}

// addDeleted notes that books are no longer there.
func (w *writer) addDeleted(ids []uint) error {
	version, err := w.versions(len(ids))
	for i, id := range ids {
		w.add(model.BookDeleted, id, version+int64(i))
	}
	return err
}

// insertRows is the number of rows of an INSERT of numbers.
const insertRows = 1000

// record writes the changes into the outbox. They replace older ones of the same books.
func (w *writer) record() error {
	for part := range slices.Chunk(w.changes, insertRows) {
		values := make([]string, len(part))
		for i, c := range part {
			// No parameters: for thousands of them, drivers take longer than databases.
			values[i] = fmt.Sprintf("(%d,%d,'%s',%d)", c.BookID, c.Version, c.Kind, c.Time.UnixMilli())
		}
		statement := "INSERT INTO outbox (book_id, version, kind, changed_at) VALUES " + strings.Join(values, ",") + w.db.dialect.replaceOutbox()
		if err := w.tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("write the outbox: %w", err)
		}
	}
	if !w.db.dialect.writesOfOthers() {
		return nil
	}
	return w.know()
}

// beginChanges prepares the tables, once. The books that are there by then are known and
// no change: the stream doesn't begin with the whole catalogue.
func (db *DB) beginChanges(ctx context.Context) error {
	session := db.gorm.WithContext(ctx)
	var begun int64
	if err := session.Model(&counter{}).Where("name = ?", versionCounter).Count(&begun).Error; err != nil || begun > 0 {
		return err
	}
	if err := db.sweep(ctx, neverFolded, false); err != nil {
		return err
	}
	if db.dialect.writesOfOthers() {
		if err := session.Exec("INSERT IGNORE INTO known_books SELECT id FROM books").Error; err != nil {
			return err
		}
	}
	if _, err := db.property(session, generationProperty); err != nil {
		return err
	}
	return session.Clauses(clause.OnConflict{DoNothing: true}).Create(&counter{Name: versionCounter}).Error
}
