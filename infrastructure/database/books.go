package database

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
)

func (db *DB) CreateBook(ctx context.Context, b *model.Book) (uint, error) {
	session, err := db.session(ctx)
	if err != nil {
		return 0, err
	}
	row, err := newRow(b)
	if err != nil {
		return 0, err
	}
	row.Identity.Fingerprint = fingerprintOf(b)
	err = db.change(session, deadlock, func(w *writer) error {
		version, err := w.versions(1)
		if err != nil {
			return err
		}
		row.Shown.ID, row.Shown.Version, row.Shown.CreatedAt = 0, version, w.now
		if err := w.tx.Create(row).Error; err != nil {
			return err
		}
		w.add(model.BookCreated, row.Shown.ID, version)
		return nil
	})
	if err != nil {
		return 0, db.writeFailed("create book", b, err)
	}
	return row.Shown.ID, nil
}

// fingerprintOf returns the fingerprint by which an import will recognise a book
// without ISBN that no import created. Books with ISBN have none.
func fingerprintOf(b *model.Book) []byte {
	if b.ISBN != "" {
		return nil
	}
	fingerprint := model.NewFingerprint(b)
	return fingerprint[:]
}

func (db *DB) writeFailed(operation string, b *model.Book, err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return model.Errorf(model.Conflict, "isbn", "%s belongs to another book", b.ISBN)
	}
	return db.failed(operation, err)
}

func noSuchBook(id uint) error {
	return model.Errorf(model.NotFound, "id", "%d belongs to no book", id)
}

func (db *DB) GetBook(ctx context.Context, id uint) (*model.Book, error) {
	tx, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var row bookRow
	if err := tx.Take(&row, id).Error; err != nil {
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil, noSuchBook(id)
		}
		return nil, db.failed("get book", err)
	}
	return row.book(), nil
}

func (db *DB) GetBooks(ctx context.Context, ids []uint) ([]*model.Book, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var rows []*bookRow
	if len(ids) > 0 {
		err = session.Where("id IN ?", ids).Find(&rows).Error
	}
	if err != nil {
		return nil, db.failed("get books", err)
	}
	found := make(map[uint]*bookRow, len(rows))
	for _, row := range rows {
		found[row.ID] = row
	}
	books := make([]*model.Book, 0, len(rows))
	for _, id := range ids {
		if row, ok := found[id]; ok {
			books = append(books, row.book())
		}
	}
	return books, nil
}

func (db *DB) BookVersions(ctx context.Context, after uint, limit int) ([]model.BookVersion, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	versions := make([]model.BookVersion, 0, limit)
	columns := session.Model(&bookRow{}).Select("id, COALESCE(version, 0) AS version")
	if err := columns.Where("id > ?", after).Order("id").Limit(limit).Find(&versions).Error; err != nil {
		return nil, db.failed("read versions of books", err)
	}
	return versions, nil
}

func (db *DB) ChangeBook(ctx context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var asked, stored *model.Book
	var refused error
	err = db.change(session, deadlock, func(w *writer) error {
		stored = nil
		var row bookRow
		if err := db.locking(w.tx).Take(&row, id).Error; err != nil {
			return err
		}
		if asked, refused = change(row.book()); refused != nil {
			return refused // rolls back
		}
		version, err := w.versions(1)
		if err != nil {
			return err
		}
		if asked == nil {
			w.add(model.BookDeleted, id, version)
			return w.tx.Delete(&row).Error
		}
		if err := replace(w.tx, id, version, asked); err != nil {
			return err
		}
		w.add(model.BookUpdated, id, version)
		var after bookRow
		if err := w.tx.Take(&after, id).Error; err != nil {
			return err
		}
		stored = after.book()
		return nil
	})
	switch {
	case err == nil:
		return stored, nil
	case refused != nil:
		return nil, refused
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil, noSuchBook(id)
	case asked != nil:
		return nil, db.writeFailed("change book", asked, err)
	}
	return nil, db.failed("change book", err)
}

// replace stores b in the row of a book. The row keeps what only imports set: the identity
// by which an import recognises it, its popularity and the aliases of its authors.
func replace(tx *gorm.DB, id uint, version int64, b *model.Book) error {
	row, err := newRow(b)
	if err != nil {
		return err
	}
	row.Shown.ID, row.Shown.Version = id, version
	if err := tx.Select("*").Omit("id", "created_at", "source", "external_id", "fingerprint", "popularity", "author_aliases").Updates(row).Error; err != nil {
		return err
	}
	fingerprint := fingerprintOf(b)
	if fingerprint == nil {
		return nil
	}
	// The book may have had an ISBN before, and therefore no fingerprint.
	lacking := tx.Model(&bookRow{ID: id}).Where("fingerprint IS NULL AND external_id IS NULL")
	return lacking.Update("fingerprint", fingerprint).Error
}

// SeedOnce adds books to an empty catalogue and returns their number. It does
// this once for each name, so a catalogue that its owner emptied stays empty. It
// does nothing if the catalogue has books.
func (db *DB) SeedOnce(ctx context.Context, name string, books []*model.Book) (seeded int, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return 0, err
	}
	err = db.change(session, deadlock, func(w *writer) error {
		seeded = 0
		tx := w.tx
		var tried int64
		if err := tx.Table("seeds").Where("name = ?", name).Count(&tried).Error; err != nil || tried > 0 {
			return err
		}
		if err := tx.Table("seeds").Create(map[string]any{"name": name, "planted_at": time.Now().UnixMilli()}).Error; err != nil {
			return err
		}
		var existing int64
		if err := tx.Model(&bookRow{}).Limit(1).Count(&existing).Error; err != nil || existing > 0 {
			return err
		}
		rows := make([]*storedRow, len(books))
		for i, b := range books {
			row, err := newRow(b)
			if err != nil {
				return err
			}
			row.Shown.CreatedAt = w.now
			row.Identity.Fingerprint = fingerprintOf(b)
			rows[i] = row
		}
		seeded = len(rows)
		version, err := w.versions(len(rows))
		if err != nil {
			return err
		}
		return w.insert(rows, version)
	})
	if err != nil {
		return 0, db.failed("seed catalogue", err)
	}
	return seeded, nil
}
