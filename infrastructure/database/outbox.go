package database

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

type outboxRow struct {
	BookID    uint
	Version   int64
	Kind      model.ChangeKind
	ChangedAt int64 // unix milliseconds
}

func (outboxRow) TableName() string { return "outbox" }

func (r *outboxRow) change() *model.Change {
	return &model.Change{BookID: r.BookID, Version: r.Version, Kind: r.Kind, Time: time.UnixMilli(r.ChangedAt).UTC()}
}

// pendingRow is a row of the outbox, with its book if there is one.
type pendingRow struct {
	Pending outboxRow `gorm:"embedded;embeddedPrefix:pending_"`
	Shown   bookRow   `gorm:"embedded"`
}

// pendingBytes bounds the descriptions of books, or the values of dead letters, that are read at
// once.
const pendingBytes = 8 << 20

// sized is a row with its size.
type sized struct{ Number, Bytes int64 }

// within returns the numbers of the first rows that have at most so many bytes together. The first
// row counts in any case.
func within(rows []sized, most int64) (numbers []int64) {
	bytes := int64(0)
	for _, row := range rows {
		if bytes += row.Bytes; bytes > most && len(numbers) > 0 {
			break
		}
		numbers = append(numbers, row.Number)
	}
	return numbers
}

func (db *DB) PendingChanges(ctx context.Context, after int64, limit int) ([]*model.Change, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	shown := &gorm.Statement{DB: session}
	if err := shown.Parse(&bookRow{}); err != nil {
		return nil, err
	}
	// The inner query reads the index of versions alone. Without it, MariaDB reads and sorts
	// the whole outbox each time.
	var sizes []sized
	err = session.Raw(`SELECT outbox.version AS number, COALESCE(OCTET_LENGTH(books.description), 0) AS bytes
		FROM (SELECT book_id FROM outbox WHERE version > ? ORDER BY version LIMIT ?) oldest
		JOIN outbox ON outbox.book_id = oldest.book_id LEFT JOIN books ON books.id = outbox.book_id
		ORDER BY outbox.version`, after, limit).Scan(&sizes).Error
	if err != nil {
		return nil, db.failed("read the outbox", err)
	}
	if len(sizes) == 0 {
		return nil, nil
	}
	read := within(sizes, pendingBytes)
	var rows []*pendingRow
	err = session.Table("outbox").Joins("LEFT JOIN books ON books.id = outbox.book_id").
		Select("outbox.book_id AS pending_book_id, outbox.version AS pending_version, outbox.kind AS pending_kind, outbox.changed_at AS pending_changed_at, books."+strings.Join(shown.Schema.DBNames, ", books.")).
		Where("outbox.version > ? AND outbox.version <= ?", after, read[len(read)-1]).Order("outbox.version").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, db.failed("read the outbox", err)
	}
	changes := make([]*model.Change, len(rows))
	for i, row := range rows {
		c := row.Pending.change()
		switch {
		case c.Kind == model.BookDeleted:
		case row.Shown.ID == 0: // another program has deleted it meanwhile
			c.Kind = model.BookDeleted
		default:
			c.Book = row.Shown.book()
		}
		changes[i] = c
	}
	return changes, nil
}

func (db *DB) ChangesAfter(ctx context.Context, after int64, limit int) ([]*model.Change, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var rows []*outboxRow
	if err := session.Where("version > ?", after).Order("version").Limit(limit).Find(&rows).Error; err != nil {
		return nil, db.failed("read the outbox", err)
	}
	changes := make([]*model.Change, len(rows))
	for i, row := range rows {
		changes[i] = row.change()
	}
	return changes, nil
}

// changesLease is the right to publish the outbox.
const changesLease = "changes"

// leaseRow is a lease. Times are unix milliseconds of the database's clock.
type leaseRow struct {
	Name      string `gorm:"primaryKey"`
	Holder    string
	Epoch     int64
	ExpiresAt int64
}

func (leaseRow) TableName() string { return "leases" }

func (db *DB) Lead(ctx context.Context, holder string, ttl time.Duration) (lease gateway.Lease, ok bool, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return lease, false, err
	}
	err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
		first := leaseRow{Name: changesLease}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&first).Error; err != nil {
			return err
		}
		var row leaseRow
		if err := db.locking(tx).Take(&row, "name = ?", changesLease).Error; err != nil {
			return err
		}
		var now int64
		if err := tx.Raw("SELECT " + db.dialect.now()).Scan(&now).Error; err != nil {
			return err
		}
		if ok = row.Holder == holder || row.ExpiresAt < now; !ok {
			return nil
		}
		if row.Holder != holder || row.ExpiresAt < now { // somebody may have had it in between
			row.Holder = holder
			row.Epoch++
		}
		row.ExpiresAt = now + ttl.Milliseconds()
		lease = gateway.Lease{Holder: holder, Epoch: row.Epoch}
		return tx.Save(&row).Error
	})
	if err != nil {
		return gateway.Lease{}, false, db.failed("take the lease of the outbox", err)
	}
	return lease, ok, nil
}

func (db *DB) Resign(ctx context.Context, lease gateway.Lease) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	err = session.Model(&leaseRow{}).Where("name = ? AND holder = ? AND epoch = ?", changesLease, lease.Holder, lease.Epoch).
		Updates(map[string]any{"holder": "", "expires_at": 0}).Error
	if err != nil {
		return db.failed("give the lease of the outbox back", err)
	}
	return nil
}

func (db *DB) Settle(ctx context.Context, lease gateway.Lease, published []*model.Change) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	var over bool
	err = db.change(session, deadlock, func(w *writer) error {
		var row leaseRow
		if err := db.locking(w.tx).Take(&row, "name = ?", changesLease).Error; err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		if over = row.Holder != lease.Holder || row.Epoch != lease.Epoch; over {
			return w.repeat(booksOf(published))
		}
		for part := range slices.Chunk(published, insertRows) {
			versions := make([]string, len(part))
			for i, c := range part {
				versions[i] = strconv.FormatInt(c.Version, 10)
			}
			if err := w.tx.Exec("DELETE FROM outbox WHERE version IN (" + strings.Join(versions, ",") + ")").Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return db.failed("settle changes", err)
	}
	if over {
		return fmt.Errorf("settle changes: %w", gateway.ErrLeaseOver)
	}
	return nil
}

func booksOf(changes []*model.Change) []uint {
	ids := make([]uint, len(changes))
	for i, c := range changes {
		ids[i] = c.BookID
	}
	return ids
}

// repeat puts books into the outbox again, with new versions.
func (w *writer) repeat(ids []uint) error {
	if err := w.touch(model.BookUpdated, ids); err != nil {
		return err
	}
	touched := make(map[uint]bool, len(ids))
	for _, c := range w.changes {
		touched[c.BookID] = true
	}
	return w.addDeleted(slices.DeleteFunc(slices.Clone(ids), func(id uint) bool { return touched[id] }))
}

func (db *DB) Generation(ctx context.Context) (generation model.Generation, highest int64, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return generation, 0, err
	}
	// One statement sees one state.
	var row struct {
		ID, Restored string
		Highest      int64
	}
	err = session.Raw(`SELECT d.value AS id, r.value AS restored, c.value AS highest
		FROM properties d, properties r, counters c WHERE d.name = ? AND r.name = ? AND c.name = ?`,
		idProperty, generationProperty, versionCounter).Scan(&row).Error
	if err != nil {
		return generation, 0, db.failed("read the generation of the catalogue", err)
	}
	return model.Generation{Database: row.ID, Restored: row.Restored}, row.Highest, nil
}

func (db *DB) Versions(ctx context.Context, books []uint) (map[uint]int64, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	versions := make(map[uint]int64, len(books))
	for part := range slices.Chunk(books, insertRows) {
		var rows []*bookRow
		if err := session.Select("id", "version").Where("id IN ? AND version IS NOT NULL", part).Find(&rows).Error; err != nil {
			return nil, db.failed("read versions of books", err)
		}
		for _, row := range rows {
			versions[row.ID] = row.Version
		}
	}
	return versions, nil
}

func (db *DB) Raise(ctx context.Context, seen int64, books []uint) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	err = db.change(session, deadlock, func(w *writer) error {
		var highest counter
		if err := db.locking(w.tx).Take(&highest, "name = ?", versionCounter).Error; err != nil {
			return err
		}
		by := max(seen, highest.Value) // no version lies above it, so none collides when they grow
		if err := w.tx.Model(&highest).Update("value", gorm.Expr("value + ?", by)).Error; err != nil {
			return err
		}
		if err := w.tx.Exec("UPDATE outbox SET version = version + ?", by).Error; err != nil {
			return err
		}
		if err := w.tx.Model(&property{Name: generationProperty}).Update("value", rand.Text()).Error; err != nil {
			return err
		}
		return w.repeat(books)
	})
	if err != nil {
		return db.failed("begin a new generation of the catalogue", err)
	}
	return nil
}
