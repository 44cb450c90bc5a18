package database

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/trend"
)

// The tables of interests. One transaction writes them at a time: it holds the row of the counter
// interestCounter until its commit. So the partitions that bring a visitor's clicks can share the
// visitor's session, and consumers can share books and pairs.
var (
	openingTable = table{"interest_openings", []string{"visitor", "day", "book_id"}, []string{"opened_at"}}
	visitorTable = table{"interest_visitors", []string{"visitor"}, []string{"history", "erased_day", "due_day"}}
	bookTable    = table{"interest_books", []string{"book_id"}, []string{"weight", "sessions"}}
	pairTable    = table{"interest_pairs", []string{"book_a", "book_b"}, []string{"weight", "sessions", "shown"}}
)

const interestCounter = "interests"

// sessionKey is the visitor and the day of a session.
type sessionKey struct {
	visitor trend.Visitor
	day     trend.Day
}

func (k sessionKey) compare(o sessionKey) int {
	return cmp.Or(cmp.Compare(k.visitor, o.visitor), cmp.Compare(k.day, o.day))
}

func (k sessionKey) row() []any { return []any{[]byte(k.visitor), k.day} }

// changedSession is a session as it is stored, and as it is to be.
type changedSession struct{ before, after interest.Session }

// knownVisitor is a row of interest_visitors. The history is that of a cookie.
type knownVisitor struct {
	history   interest.History
	erasedDay trend.Day // 0 for none
	changed   bool
}

// due is the day on which something of the row must be deleted. Erasures are kept as long as events
// from before them may arrive.
func (v *knownVisitor) due() trend.Day {
	if len(v.history) > 0 {
		return trend.DayOf(timeOf(v.history.Oldest())) + interest.KeepDays + 1
	}
	return v.erasedDay + trend.KeepDays + 2
}

func (v *knownVisitor) row(visitor trend.Visitor) []any {
	return []any{[]byte(visitor), v.history.Encode(), v.erasedDay, v.due()}
}

// sessionCount is the count of a book or a pair: a sum of weights, and the number of sessions.
type sessionCount struct {
	weight   float64
	sessions int64
}

func (c *sessionCount) add(other sessionCount) {
	c.weight += other.weight
	c.sessions += other.sessions
}

// pairCount is the count of a pair. Sessions may have gained it, and others lost it.
type pairCount struct {
	sessionCount
	gained, lost, shown bool
}

// interestTally gathers what a batch changes.
type interestTally struct {
	*consumerTx
	visitors map[trend.Visitor]*knownVisitor
	sessions map[sessionKey]*changedSession
	books    map[uint]*sessionCount
	pairs    map[interest.Pair]*pairCount
}

func (w *consumerTx) newInterestTally() *interestTally {
	return &interestTally{
		consumerTx: w, visitors: map[trend.Visitor]*knownVisitor{}, sessions: map[sessionKey]*changedSession{},
		books: map[uint]*sessionCount{}, pairs: map[interest.Pair]*pairCount{},
	}
}

// lockInterests waits until no other transaction writes interests. It must come before the first
// read, as in lockTrends.
func (w *consumerTx) lockInterests(ctx context.Context) error {
	if w.locked {
		return nil
	}
	if err := w.tx.WithContext(ctx).Exec("UPDATE counters SET value = value + 1 WHERE name = ?", interestCounter).Error; err != nil {
		return fmt.Errorf("lock the interests: %w", err)
	}
	w.locked = true
	return nil
}

func (w *consumerTx) CountOpenings(ctx context.Context, openings []*interest.Opening) error {
	if err := w.lockInterests(ctx); err != nil {
		return err
	}
	t := w.newInterestTally()
	if err := t.loadVisitors(ctx, openings); err != nil {
		return err
	}
	opened := map[sessionKey][]interest.Opened{}
	for _, o := range openings {
		key := sessionKey{o.Visitor, trend.DayOf(o.At)}
		if v := t.visitors[o.Visitor]; key.day > v.erasedDay {
			opened[key] = append(opened[key], interest.Opened{Book: o.Book, At: milli(o.At)})
		}
	}
	if err := t.loadSessions(ctx, sortedKeys(opened, sessionKey.compare)); err != nil {
		return err
	}
	for key, list := range opened {
		for _, o := range list {
			t.open(key, o)
		}
	}
	return t.write(ctx)
}

// open adds a book to a session, and to the history of a cookie.
func (t *interestTally) open(key sessionKey, o interest.Opened) {
	t.sessions[key].after.Add(o)
	if key.visitor.Cookie() {
		v := t.visitors[key.visitor]
		v.history.Add(o)
		v.changed = true
	}
}

func (w *consumerTx) EraseInterests(ctx context.Context, erasures []*trend.Erasure) error {
	if err := w.lockInterests(ctx); err != nil {
		return err
	}
	t := w.newInterestTally()
	var visitors []*interest.Opening
	for _, e := range erasures {
		visitors = append(visitors, &interest.Opening{Visitor: e.Visitor})
	}
	if err := t.loadVisitors(ctx, visitors); err != nil {
		return err
	}
	for _, e := range erasures {
		v := t.visitors[e.Visitor]
		if day := interest.ErasedDay(e); day > v.erasedDay && e.Visitor != "" {
			v.erasedDay, v.changed = day, true
			v.history.Forget(day + 1)
		}
	}
	if err := t.loadErased(ctx); err != nil {
		return err
	}
	return t.write(ctx)
}

// loadErased reads the sessions that erasures take away.
func (t *interestTally) loadErased(ctx context.Context) error {
	byVisitor := table{openingTable.name, []string{"visitor"}, []string{"day", "book_id", "opened_at"}}
	var keys [][]any
	for _, visitor := range slices.Sorted(maps.Keys(t.visitors)) {
		if t.visitors[visitor].changed {
			keys = append(keys, []any{[]byte(visitor)})
		}
	}
	return t.bulk.load(ctx, byVisitor, keys, func(rows *sql.Rows) error {
		key, o, err := scanOpening(rows)
		if err != nil || key.day > t.visitors[key.visitor].erasedDay {
			return err
		}
		if t.sessions[key] == nil {
			t.sessions[key] = &changedSession{}
		}
		t.sessions[key].before.Add(o)
		return nil
	})
}

func scanOpening(rows *sql.Rows) (key sessionKey, o interest.Opened, err error) {
	var visitor []byte
	err = rows.Scan(&visitor, &key.day, &o.Book, &o.At)
	key.visitor = trend.Visitor(visitor)
	return key, o, err
}

func (t *interestTally) loadVisitors(ctx context.Context, openings []*interest.Opening) error {
	for _, o := range openings {
		t.visitors[o.Visitor] = &knownVisitor{}
	}
	var keys [][]any
	for _, visitor := range slices.Sorted(maps.Keys(t.visitors)) {
		keys = append(keys, []any{[]byte(visitor)})
	}
	return t.bulk.load(ctx, visitorTable, keys, func(rows *sql.Rows) error {
		visitor, known, err := scanVisitor(rows)
		if err == nil {
			t.visitors[visitor] = known
		}
		return err
	})
}

func scanVisitor(rows *sql.Rows) (trend.Visitor, *knownVisitor, error) {
	var visitor, history []byte
	var due trend.Day
	known := &knownVisitor{}
	err := rows.Scan(&visitor, &history, &known.erasedDay, &due)
	if err == nil {
		known.history, err = interest.DecodeHistory(history)
	}
	return trend.Visitor(visitor), known, err
}

func (t *interestTally) loadSessions(ctx context.Context, keys []sessionKey) error {
	for _, key := range keys {
		t.sessions[key] = &changedSession{}
	}
	bySession := table{openingTable.name, []string{"visitor", "day"}, []string{"book_id", "opened_at"}}
	return t.bulk.load(ctx, bySession, rowsOf(keys), func(rows *sql.Rows) error {
		key, o, err := scanOpening(rows)
		if err == nil {
			t.sessions[key].before.Add(o)
			t.sessions[key].after.Add(o)
		}
		return err
	})
}

// write stores sessions and visitors, and adds to the counts what has changed.
func (t *interestTally) write(ctx context.Context) error {
	if err := t.writeSessions(ctx); err != nil {
		return err
	}
	if err := t.writeBooks(ctx); err != nil {
		return err
	}
	if err := t.writePairs(ctx); err != nil {
		return err
	}
	var rows [][]any
	for _, visitor := range slices.Sorted(maps.Keys(t.visitors)) {
		if v := t.visitors[visitor]; v.changed {
			rows = append(rows, v.row(visitor))
		}
	}
	return t.bulk.store(ctx, visitorTable, rows)
}

func (t *interestTally) writeSessions(ctx context.Context) error {
	var stored, gone [][]any
	for _, key := range sortedKeys(t.sessions, sessionKey.compare) {
		s := t.sessions[key]
		for _, o := range s.after {
			if !slices.Contains(s.before, o) {
				stored = append(stored, append(key.row(), o.Book, o.At))
			}
		}
		after := s.after.Books()
		for _, o := range s.before {
			if _, kept := slices.BinarySearch(after, o.Book); !kept {
				gone = append(gone, append(key.row(), o.Book))
			}
		}
		t.differ(interest.Weight(key.day), s.before.Books(), after)
	}
	if err := t.bulk.store(ctx, openingTable, stored); err != nil {
		return err
	}
	return t.bulk.remove(ctx, openingTable, gone)
}

// differ notes by how much a session changes the counts.
func (t *interestTally) differ(weight float64, before, after []uint) {
	interest.Difference(before, after, func(book uint, n int) {
		if t.books[book] == nil {
			t.books[book] = &sessionCount{}
		}
		t.books[book].add(sessionCount{weight * float64(n), int64(n)})
	}, func(pair interest.Pair, n int) {
		if t.pairs[pair] == nil {
			t.pairs[pair] = &pairCount{}
		}
		c := t.pairs[pair]
		c.add(sessionCount{weight * float64(n), int64(n)})
		c.gained, c.lost = c.gained || n > 0, c.lost || n < 0
	})
}

func (t *interestTally) writeBooks(ctx context.Context) error {
	var keys [][]any
	for _, id := range slices.Sorted(maps.Keys(t.books)) {
		keys = append(keys, []any{id})
	}
	err := t.bulk.load(ctx, bookTable, keys, func(rows *sql.Rows) error {
		var id uint
		var known sessionCount
		err := rows.Scan(&id, &known.weight, &known.sessions)
		if err == nil {
			t.books[id].add(known)
		}
		return err
	})
	if err != nil {
		return err
	}
	var stored, gone [][]any
	for _, key := range keys {
		if c := t.books[key[0].(uint)]; c.sessions > 0 {
			stored = append(stored, append(key, c.weight, c.sessions))
		} else {
			gone = append(gone, key)
		}
	}
	if err := t.bulk.store(ctx, bookTable, stored); err != nil {
		return err
	}
	return t.bulk.remove(ctx, bookTable, gone)
}

func (t *interestTally) writePairs(ctx context.Context) error {
	pairs := sortedKeys(t.pairs, interest.Pair.Compare)
	keys := make([][]any, len(pairs))
	for i, p := range pairs {
		keys[i] = []any{p.A, p.B}
	}
	err := t.bulk.load(ctx, pairTable, keys, func(rows *sql.Rows) error {
		var p interest.Pair
		var known pairCount
		err := rows.Scan(&p.A, &p.B, &known.weight, &known.sessions, &known.shown)
		if err == nil {
			t.pairs[p].add(known.sessionCount)
			t.pairs[p].shown = known.shown
		}
		return err
	})
	if err != nil {
		return err
	}
	var stored, gone [][]any
	for i, p := range pairs {
		c := t.pairs[p]
		if c.sessions <= 0 {
			gone = append(gone, keys[i])
			continue
		}
		shown, err := t.mayShow(ctx, p)
		if err != nil {
			return err
		}
		stored = append(stored, append(keys[i], c.weight, c.sessions, shown))
	}
	if err := t.bulk.store(ctx, pairTable, stored); err != nil {
		return err
	}
	return t.bulk.remove(ctx, pairTable, gone)
}

// mayShow reports whether enough visitors stand behind a pair. It looks at their sessions only if
// the answer may have changed.
func (t *interestTally) mayShow(ctx context.Context, p interest.Pair) (bool, error) {
	switch c := t.pairs[p]; {
	case c.sessions < interest.Crowd:
		return false, nil
	case c.shown && !c.lost, !c.shown && !c.gained:
		return c.shown, nil
	}
	// SQLite reads the tables of a CROSS JOIN in this order, so the book of fewer sessions comes first.
	const query = `SELECT x.visitor, x.day FROM interest_openings x CROSS JOIN interest_openings y
		ON y.visitor = x.visitor AND y.day = x.day AND y.book_id = ? WHERE x.book_id = ?`
	statement, err := t.bulk.statement(ctx, query)
	if err != nil {
		return false, err
	}
	rarer, other, err := t.byRarity(ctx, p)
	if err != nil {
		return false, err
	}
	rows, err := statement.QueryContext(ctx, other, rarer)
	if err != nil {
		return false, fmt.Errorf("find who stands behind a pair of books: %w", err)
	}
	defer rows.Close()
	var support interest.Support
	for !support.Enough() && rows.Next() {
		var key sessionKey
		var visitor []byte
		if err := rows.Scan(&visitor, &key.day); err != nil {
			return false, err
		}
		support.Add(trend.Visitor(visitor), key.day)
	}
	return support.Enough(), rows.Err()
}

// byRarity returns the books of a pair, the one of fewer sessions first.
func (t *interestTally) byRarity(ctx context.Context, p interest.Pair) (rarer, other uint, err error) {
	sessions := map[uint]int64{}
	find := table{bookTable.name, bookTable.key, []string{"sessions"}}
	err = t.bulk.load(ctx, find, [][]any{{p.A}, {p.B}}, func(rows *sql.Rows) error {
		var book uint
		var n int64
		err := rows.Scan(&book, &n)
		sessions[book] = n
		return err
	})
	if sessions[p.B] < sessions[p.A] {
		return p.B, p.A, err
	}
	return p.A, p.B, err
}
