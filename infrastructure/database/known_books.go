package database

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"literank.com/event-books/domain/model"
)

// known_books has the ids of all books that the stream of changes knows, on databases that
// other programs write to. A difference to books is what those programs deleted, or added.

// know brings known_books up to date with the transaction's changes. A book that was updated
// may be another program's, which the sweep hasn't seen yet.
func (w *writer) know() error {
	var present, deleted []uint
	for _, c := range w.changes {
		if c.Kind == model.BookDeleted {
			deleted = append(deleted, c.BookID)
		} else {
			present = append(present, c.BookID)
		}
	}
	for part := range slices.Chunk(present, insertRows) {
		if err := w.tx.Exec("INSERT IGNORE INTO known_books (book_id) VALUES (" + joined(part, "),(") + ")").Error; err != nil {
			return fmt.Errorf("note books: %w", err)
		}
	}
	for part := range slices.Chunk(deleted, insertRows) {
		if err := w.tx.Exec("DELETE FROM known_books WHERE book_id IN (" + joined(part, ",") + ")").Error; err != nil {
			return fmt.Errorf("note deleted books: %w", err)
		}
	}
	return nil
}

func joined(ids []uint, separator string) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(texts, separator)
}

// known returns which of the ids are in known_books. Without that table, there are none.
func (w *writer) known(ids []uint) (map[uint]bool, error) {
	if !w.db.dialect.writesOfOthers() {
		return nil, nil
	}
	var found []uint
	if err := w.tx.Table("known_books").Where("book_id IN ?", ids).Pluck("book_id", &found).Error; err != nil {
		return nil, fmt.Errorf("read known books: %w", err)
	}
	known := make(map[uint]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, nil
}

// compareRows is the number of books that one transaction notes as deleted or added.
const compareRows = 1000

// compare finds the books that other programs deleted, and those that a program added
// which folded them itself, such as an older version of this one.
func (db *DB) compare(ctx context.Context) error {
	if equal, err := db.allKnown(ctx); err != nil || equal {
		return err
	}
	if err := db.findDeleted(ctx); err != nil {
		return db.failed("find deleted books", err)
	}
	// Mostly, that was all. The next query would read every row.
	if equal, err := db.allKnown(ctx); err != nil || equal {
		return err
	}
	if err := db.findAdded(ctx); err != nil {
		return db.failed("find added books", err)
	}
	return nil
}

// allKnown compares the numbers and the sums of ids.
func (db *DB) allKnown(ctx context.Context) (equal bool, err error) {
	err = withTimeout(ctx, func(ctx context.Context) error {
		return db.gorm.WithContext(ctx).Raw(`SELECT b.n = k.n AND b.s = k.s FROM
			(SELECT COUNT(*) n, COALESCE(SUM(id), 0) s FROM books) b,
			(SELECT COUNT(*) n, COALESCE(SUM(book_id), 0) s FROM known_books) k`).Scan(&equal).Error
	})
	if err != nil {
		return false, db.failed("compare books with known ones", err)
	}
	return equal, nil
}

func (db *DB) findDeleted(ctx context.Context) error {
	return db.inParts(ctx, `SELECT k.book_id FROM known_books k LEFT JOIN books b ON b.id = k.book_id
		WHERE b.id IS NULL AND k.book_id > ? ORDER BY k.book_id LIMIT ?`, func(w *writer, ids []uint) error {
		var present []uint
		if err := db.locking(w.tx).Model(&bookRow{}).Where("id IN ?", ids).Pluck("id", &present).Error; err != nil {
			return err
		}
		return w.addDeleted(slices.DeleteFunc(ids, func(id uint) bool { return slices.Contains(present, id) }))
	})
}

// findAdded leaves rows that were never folded to the sweep.
func (db *DB) findAdded(ctx context.Context) error {
	return db.inParts(ctx, `SELECT b.id FROM books b LEFT JOIN known_books k ON k.book_id = b.id
		WHERE k.book_id IS NULL AND b.search_hash IS NOT NULL AND b.id > ? ORDER BY b.id LIMIT ?`, func(w *writer, ids []uint) error {
		return w.touch(model.BookCreated, ids)
	})
}

// inParts calls note in a transaction for each thousand ids that a query finds.
func (db *DB) inParts(ctx context.Context, query string, note func(w *writer, ids []uint) error) error {
	for after, found := uint(0), compareRows; found == compareRows; {
		err := withTimeout(ctx, func(ctx context.Context) error {
			session := db.gorm.WithContext(ctx)
			var ids []uint
			if err := session.Raw(query, after, compareRows).Scan(&ids).Error; err != nil {
				return err
			}
			if found = len(ids); found == 0 {
				return nil
			}
			after = ids[found-1]
			return db.change(session, deadlock, func(w *writer) error { return note(w, slices.Clone(ids)) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// touchedRows is the number of rows of an UPDATE that names each of them.
const touchedRows = 500

// touch gives books new versions, without changing them otherwise. It leaves out ids without
// a book.
func (w *writer) touch(kind model.ChangeKind, ids []uint) error {
	for part := range slices.Chunk(ids, touchedRows) {
		var present []uint
		if err := w.db.locking(w.tx).Model(&bookRow{}).Where("id IN ?", part).Order("id").Pluck("id", &present).Error; err != nil {
			return err
		}
		if len(present) == 0 {
			continue
		}
		version, err := w.versions(len(present))
		if err != nil {
			return err
		}
		var cases strings.Builder
		for i, id := range present {
			fmt.Fprintf(&cases, " WHEN %d THEN %d", id, version+int64(i))
			w.add(kind, id, version+int64(i))
		}
		if err := w.tx.Exec("UPDATE books SET version = CASE id" + cases.String() + " END WHERE id IN (" + joined(present, ",") + ")").Error; err != nil {
			return err
		}
	}
	return nil
}
