package database

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"slices"
	"time"

	"gorm.io/gorm"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// addOrders adds what is stored of the order list. Times are in unix milliseconds, 0 for never.
func (db *DB) addOrders(ctx context.Context, conn *sql.DB) error {
	of := db.dialect.columnType
	return db.createTables(ctx, conn, []string{
		"order_entries (hash " + of(key) + ", keyword " + of(longText) + ", state VARCHAR(16) NOT NULL, note " + of(longText) +
			", requests BIGINT NOT NULL, requested_at BIGINT NOT NULL, decided_at BIGINT NOT NULL, closed_at BIGINT NOT NULL, book_id BIGINT NOT NULL, PRIMARY KEY (hash))",
		"order_requests (hash " + of(key) + ", requested_at BIGINT NOT NULL, PRIMARY KEY (hash))",
	}, nil)
}

// orderEntry is a keyword of the order list. Hash is that of its folded text.
type orderEntry struct {
	Hash     []byte `gorm:"primaryKey"`
	Keyword  string
	State    string
	Note     string
	Requests int64

	RequestedAt, DecidedAt, ClosedAt int64

	BookID uint
}

func (orderEntry) TableName() string { return "order_entries" }

// orderRequest remembers that a visitor has requested a keyword; the hash tells neither.
type orderRequest struct {
	Hash        []byte `gorm:"primaryKey"`
	RequestedAt int64
}

func (orderRequest) TableName() string { return "order_requests" }

func hashOfKeyword(keyword string) []byte {
	sum := sha256.Sum256([]byte(model.Fold(keyword)))
	return sum[:]
}

func (db *DB) NotFoundRows(ctx context.Context, keywords []int64, from trend.Day, visit func(*trend.Row) error) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	query := selectRows + " AND surface IN ? AND (not_found > 0 OR not_found IS NULL)"
	people := trend.Scope{Kind: trend.People}.Kinds()
	if keywords == nil {
		return db.visitRows(session.Raw(query, from, people), visit)
	}
	for part := range slices.Chunk(keywords, keywordsPerQuery) {
		if err := db.visitRows(session.Raw(query+" AND keyword_id IN ?", from, people, part), visit); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) VisitsOf(ctx context.Context, days []gateway.KeywordDay, visit func(of gateway.KeywordDay, visitor trend.Visitor, facts trend.Facts)) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	keys := make([][]any, len(days))
	for i, d := range days {
		keys[i] = []any{d.Day, d.Keyword}
	}
	people := trend.Scope{Kind: trend.People}.Kinds()
	byKeyword := table{liveTables.visits.name, []string{"day", "keyword_id"}, []string{"visitor", "surface", "facts"}}
	reading := newBulk(session, db.dialect)
	defer reading.close()
	err = reading.load(ctx, byKeyword, keys, func(rows *sql.Rows) error {
		var of gateway.KeywordDay
		var kind trend.Kind
		var visitor, data []byte
		if err := rows.Scan(&of.Day, &of.Keyword, &visitor, &kind, &data); err != nil {
			return err
		}
		if len(visitor) == 0 || !slices.Contains(people, kind) {
			return nil
		}
		facts, err := trend.DecodeFacts(data)
		if err == nil {
			visit(of, trend.Visitor(visitor), facts)
		}
		return err
	})
	if err != nil {
		return db.failed("read the visitors of keywords", err)
	}
	return nil
}

func (db *DB) FoldedTexts(ctx context.Context, keywords []int64) (map[int64]string, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	texts := make(map[int64]string, len(keywords))
	for part := range slices.Chunk(keywords, keywordsPerQuery) {
		var rows []struct {
			ID     int64
			Folded string
		}
		if err := session.Raw("SELECT id, folded FROM trend_keywords WHERE id IN ?", part).Scan(&rows).Error; err != nil {
			return nil, db.failed("read keywords", err)
		}
		for _, row := range rows {
			texts[row.ID] = row.Folded
		}
	}
	return texts, nil
}

func (db *DB) StoredOrders(ctx context.Context) ([]demand.Stored, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var rows []orderEntry
	if err := session.Order("hash").Find(&rows).Error; err != nil {
		return nil, db.failed("read the order list", err)
	}
	stored := make([]demand.Stored, len(rows))
	for i, row := range rows {
		stored[i] = demand.Stored{
			Keyword: row.Keyword, State: demand.State(row.State), Note: row.Note, Requests: row.Requests, Book: row.BookID,
			RequestedAt: timeOf(row.RequestedAt), DecidedAt: timeOf(row.DecidedAt), ClosedAt: timeOf(row.ClosedAt),
		}
	}
	return stored, nil
}

func (db *DB) RequestOrder(ctx context.Context, r demand.Request) (first bool, err error) {
	err = db.changeOrder(ctx, string(r.Keyword), "store a request", func(tx *gorm.DB, e *orderEntry) (bool, error) {
		var known []orderRequest
		if err := db.locking(tx).Where("hash = ?", r.Once[:]).Find(&known).Error; err != nil {
			return false, err
		}
		if first = len(known) == 0; !first {
			return false, nil
		}
		if demand.State(e.State) == demand.Done {
			e.State, e.ClosedAt, e.BookID = string(demand.Open), 0, 0
		}
		e.Requests, e.RequestedAt = e.Requests+1, milli(r.At)
		return true, tx.Create(&orderRequest{Hash: r.Once[:], RequestedAt: milli(r.At)}).Error
	})
	return first && err == nil, err
}

func (db *DB) DecideOrder(ctx context.Context, s demand.Stored) error {
	return db.changeOrder(ctx, s.Keyword, "change the order list", func(_ *gorm.DB, e *orderEntry) (bool, error) {
		if s.State != demand.Done {
			e.ClosedAt, e.BookID = 0, 0
		} else if demand.State(e.State) != demand.Done {
			e.ClosedAt = milli(s.DecidedAt)
		}
		e.State, e.Note, e.DecidedAt = string(s.State), s.Note, milli(s.DecidedAt)
		return true, nil
	})
}

func (db *DB) CloseOrder(ctx context.Context, keyword string, book uint, at time.Time) (closed bool, err error) {
	err = db.changeOrder(ctx, keyword, "close an entry of the order list", func(_ *gorm.DB, e *orderEntry) (bool, error) {
		if closed = demand.State(e.State).Waiting(); closed {
			e.State, e.ClosedAt, e.BookID = string(demand.Done), milli(at), book
		}
		return closed, nil
	})
	return closed && err == nil, err
}

// changeOrder stores what change makes of a keyword, which is open if it was unknown. If change returns
// false, nothing is stored. It may be called again after a collision.
func (db *DB) changeOrder(ctx context.Context, keyword, operation string, change func(tx *gorm.DB, e *orderEntry) (bool, error)) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	err = db.transaction(session, collision, func(tx *gorm.DB) error {
		var rows []orderEntry
		if err := db.locking(tx).Where("hash = ?", hashOfKeyword(keyword)).Find(&rows).Error; err != nil {
			return err
		}
		e := &orderEntry{Hash: hashOfKeyword(keyword), Keyword: keyword, State: string(demand.Open)}
		if len(rows) > 0 {
			e = &rows[0]
		}
		changed, err := change(tx, e)
		if err != nil || !changed {
			return err
		}
		if len(rows) > 0 {
			return tx.Save(e).Error
		}
		return tx.Create(e).Error
	})
	if err != nil {
		return db.failed(operation, err)
	}
	return nil
}

// rememberRequested is how much longer keywords are kept that several visitors have asked for.
const rememberRequested = 365 * 24 * time.Hour

func (db *DB) ForgetOrders(ctx context.Context, before time.Time) error {
	session, err := db.session(ctx)
	if err == nil {
		err = session.Where("requested_at < ?", milli(before)).Delete(&orderRequest{}).Error
	}
	if err == nil {
		const untouched = "decided_at = 0 AND requested_at < ? AND closed_at < ?"
		old, older := milli(before), milli(before.Add(-rememberRequested))
		err = session.Where(untouched+" AND requests < 2", old, old).Or(untouched, older, older).Delete(&orderEntry{}).Error
	}
	if err != nil {
		return db.failed("forget old requests", err)
	}
	return nil
}
