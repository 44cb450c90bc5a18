package database

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
)

// insertBytes bounds an INSERT. The server may have a lower limit.
const insertBytes = 8 << 20

func (db *DB) ImportBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error) {
	return db.importRows(ctx, rows, (*writer).store)
}

func (db *DB) PreviewBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error) {
	return db.importRows(ctx, rows, func(*writer, []*known) error { return nil })
}

func (db *DB) importRows(ctx context.Context, rows []*model.ImportRow, store func(*writer, []*known) error) ([]model.ImportResult, error) {
	if len(rows) > model.MaxImportBatch {
		return nil, fmt.Errorf("import books: %d rows at once, more than %d", len(rows), model.MaxImportBatch)
	}
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var results []model.ImportResult
	err = db.change(session, collision, func(w *writer) error {
		stored, err := db.lookUp(w.tx, rows)
		if err != nil {
			return err
		}
		var touched []*known
		results, touched = stored.take(rows, w.now)
		return store(w, touched)
	})
	if err != nil {
		return nil, db.failed("import books", err)
	}
	return results, nil
}

// known is a book that a row can be: as it is stored, or as an earlier row of
// the batch changed it.
type known struct {
	book     *model.Book
	identity identityRow
	line     int // the line of the batch's row that matched it, or 0
	created  bool
	changed  bool
	deleted  bool
	listed   bool // it is among the copies of its fingerprint
}

// matches holds the stored books that the rows of a batch can be.
type matches struct {
	byExternalID  map[[2]string]*known
	byISBN        map[string]*known
	byFingerprint map[model.Fingerprint]*copies
}

// take decides the outcome of each row, and returns the books that the rows
// matched or created.
func (c *matches) take(rows []*model.ImportRow, now time.Time) (results []model.ImportResult, touched []*known) {
	results = make([]model.ImportResult, len(rows))
	for i, row := range rows {
		match, rejected := c.match(row)
		switch {
		case rejected != nil:
			results[i] = model.ImportResult{Outcome: model.Rejected, Error: rejected}
			continue
		case match == nil && !row.Delete && row.Book.Title == "":
			results[i] = model.ImportResult{Outcome: model.Rejected, Error: row.Reject(model.RowUnknownBook)}
			continue
		case row.Delete && match == nil:
			results[i].Outcome = model.Unchanged
			continue
		case row.Delete:
			c.remove(match)
			match.line, match.deleted = row.Line, true
			results[i].Outcome = model.Deleted
		case match == nil:
			match = &known{book: &model.Book{CreatedAt: now}, created: true}
			results[i].Outcome = model.Created
			c.apply(match, row)
		case c.apply(match, row):
			match.changed = true
			results[i].Outcome = model.Updated
		default:
			results[i].Outcome = model.Unchanged
		}
		touched = append(touched, match)
	}
	return results, touched
}

// lookUp reads the books that the rows can be, and locks them.
func (db *DB) lookUp(tx *gorm.DB, rows []*model.ImportRow) (*matches, error) {
	l := &lookup{tx: db.locking(tx), found: map[uint]*known{}}
	identities := identitiesOf(rows)
	if err := l.findAll(identities); err != nil {
		return nil, err
	}
	windows, err := l.findWindows(identities.spans)
	if err != nil {
		return nil, err
	}
	c := &matches{map[[2]string]*known{}, map[string]*known{}, windows}
	for _, id := range slices.Sorted(maps.Keys(l.found)) {
		c.add(l.found[id])
	}
	return c, nil
}

// identities is everything that rows are recognised by.
type identities struct {
	ids   map[string][]string // external ids by source
	isbns []string
	// fingerprints are those of which only the first copy is wanted. spans has
	// the lowest and the highest wanted ordinal of each other fingerprint.
	fingerprints [][]byte
	spans        map[model.Fingerprint][2]int
}

func identitiesOf(rows []*model.ImportRow) *identities {
	w := &identities{ids: map[string][]string{}, spans: map[model.Fingerprint][2]int{}}
	want := func(fingerprint model.Fingerprint, from, to int) {
		if span, again := w.spans[fingerprint]; again {
			from, to = min(span[0], from), max(span[1], to)
		}
		w.spans[fingerprint] = [2]int{from, to}
	}
	// moved counts the rows of the batch that may take a book away from the copies
	// of a fingerprint: those behind it move up.
	moved := map[model.Fingerprint]int{}
	for _, row := range rows {
		if row.ExternalID != "" {
			w.ids[row.Source] = append(w.ids[row.Source], row.ExternalID)
		}
		for _, isbn := range []string{row.Book.ISBN, row.FormerISBN} {
			if isbn != "" {
				w.isbns = append(w.isbns, isbn)
			}
		}
		for _, c := range row.Alternatives {
			want(c.Fingerprint, c.Ordinal, c.Ordinal+moved[c.Fingerprint])
			moved[c.Fingerprint]++
		}
		if row.ExternalID == "" && row.Book.ISBN == "" {
			want(row.Fingerprint, row.Ordinal, row.Ordinal+moved[row.Fingerprint])
		}
	}
	for fingerprint, span := range w.spans {
		if span == [2]int{} {
			w.fingerprints = append(w.fingerprints, fingerprint[:])
			delete(w.spans, fingerprint)
		}
	}
	return w
}

// lookup collects the books that its queries find, by id.
type lookup struct {
	tx    *gorm.DB
	found map[uint]*known
}

func (l *lookup) find(query *gorm.DB) (ids []uint, err error) {
	var list []*knownRow
	if err := query.Find(&list).Error; err != nil {
		return nil, err
	}
	for _, row := range list {
		ids = append(ids, row.Shown.ID)
		l.found[row.Shown.ID] = &known{book: row.Shown.book(), identity: row.Identity}
	}
	return ids, nil
}

// findAll finds books by external id, ISBN and fingerprint.
func (l *lookup) findAll(w *identities) error {
	for source, ids := range w.ids {
		if _, err := l.find(l.tx.Where("external_id IN ? AND source = ?", ids, source)); err != nil {
			return err
		}
	}
	if len(w.isbns) > 0 {
		if _, err := l.find(l.tx.Where("isbn IN ?", w.isbns)); err != nil {
			return err
		}
	}
	if len(w.fingerprints) > 0 {
		if _, err := l.find(l.tx.Where("fingerprint IN ?", w.fingerprints)); err != nil {
			return err
		}
	}
	return nil
}

// findWindows finds the copies of each fingerprint that the ordinals select. The
// database may have a million copies of a book that the file has a thousand
// times.
func (l *lookup) findWindows(spans map[model.Fingerprint][2]int) (map[model.Fingerprint]*copies, error) {
	windows := map[model.Fingerprint]*copies{}
	ids := map[model.Fingerprint][]uint{}
	for fingerprint, span := range spans {
		var err error
		ids[fingerprint], err = l.find(l.tx.Where("fingerprint = ?", fingerprint[:]).Order("id").Offset(span[0]).Limit(span[1] - span[0] + 1))
		if err != nil {
			return nil, err
		}
	}
	// A book may be found by several queries. The last one's known counts.
	for fingerprint, span := range spans {
		window := &copies{first: span[0], window: true}
		for _, id := range ids[fingerprint] {
			l.found[id].listed = true
			window.books = append(window.books, l.found[id])
		}
		windows[fingerprint] = window
	}
	return windows, nil
}

// knownRow is a stored book with its identity.
type knownRow struct {
	Shown    bookRow     `gorm:"embedded"`
	Identity identityRow `gorm:"embedded"`
}

func (knownRow) TableName() string { return "books" }

func (c *matches) add(k *known) {
	if k.identity.ExternalID != nil && k.identity.Source != nil {
		c.byExternalID[[2]string{*k.identity.Source, *k.identity.ExternalID}] = k
	}
	if k.book.ISBN != "" {
		c.byISBN[k.book.ISBN] = k
	}
	if len(k.identity.Fingerprint) == len(model.Fingerprint{}) {
		fingerprint := model.Fingerprint(k.identity.Fingerprint)
		if c.byFingerprint[fingerprint] == nil {
			c.byFingerprint[fingerprint] = &copies{}
		}
		if equal := c.byFingerprint[fingerprint]; !k.listed && (k.created || !equal.window) {
			k.listed = true
			equal.books = append(equal.books, k)
		}
	}
}

// remove deletes a book, except from the copies of its fingerprint: the ordinals
// of later rows count it.
func (c *matches) remove(k *known) {
	if k.identity.ExternalID != nil && k.identity.Source != nil {
		delete(c.byExternalID, [2]string{*k.identity.Source, *k.identity.ExternalID})
	}
	delete(c.byISBN, k.book.ISBN)
}

// match finds the book of a row. It returns neither a book nor an error if the
// row is a new book, or the deletion of a book that isn't there.
func (c *matches) match(row *model.ImportRow) (match *known, rejected *model.RowError) {
	sameISBN := c.byISBN[row.Book.ISBN]
	switch {
	case row.ExternalID != "" && c.byExternalID[[2]string{row.Source, row.ExternalID}] != nil:
		match = c.byExternalID[[2]string{row.Source, row.ExternalID}]
	case sameISBN != nil:
		match = sameISBN
	case row.FormerISBN != "" && c.byISBN[row.FormerISBN] != nil:
		match = c.byISBN[row.FormerISBN]
	default:
		match = c.oldestCopy(row)
	}
	switch {
	case match == nil:
		return nil, nil
	case row.Delete && match != c.byExternalID[[2]string{row.Source, row.ExternalID}]:
		return nil, nil // a row deletes only the book that came under its id
	case match.line != 0:
		rejected = row.Reject(model.RowSameBook)
		rejected.OtherLine = match.line
		return nil, rejected
	case sameISBN != nil && sameISBN != match:
		rejected = row.Reject(model.RowISBNTaken)
		rejected.Value = row.Book.ISBN
		return nil, rejected
	}
	return match, nil
}

// apply copies a row into a book and reports whether that changed the book.
func (c *matches) apply(k *known, row *model.ImportRow) bool {
	before, identity := *k.book, k.identity
	if k.book.ISBN != "" {
		delete(c.byISBN, k.book.ISBN)
	}
	overlay(k.book, &row.Book, row.Fields)
	if row.ExternalID != "" && k.identity.ExternalID == nil {
		k.identity.Source, k.identity.ExternalID = &row.Source, &row.ExternalID
	}
	if len(k.identity.Fingerprint) == len(row.Fingerprint) {
		c.move(k, row)
	} else if row.Fingerprint != (model.Fingerprint{}) && k.identity.Fingerprint == nil {
		k.identity.Fingerprint = row.Fingerprint[:]
	}
	k.line = row.Line
	c.add(k)
	return !reflect.DeepEqual(before, *k.book) || !reflect.DeepEqual(identity, k.identity)
}

// overlay copies the given fields from row to b.
func overlay(b, row *model.Book, fields model.Field) {
	set := func(field model.Field, copy func()) {
		if fields&field != 0 {
			copy()
		}
	}
	text := func(field model.Field, to *string, from string) {
		// Another program's white space around a text stays.
		if fields&field != 0 && strings.TrimSpace(*to) != from {
			*to = from
		}
	}
	list := func(field model.Field, to *[]string, from []string) {
		set(field, func() {
			*to = nil
			if len(from) > 0 {
				*to = from
			}
		})
	}
	text(model.TitleField, &b.Title, row.Title)
	text(model.AuthorField, &b.Author, row.Author)
	text(model.PublishedAtField, &b.PublishedAt, row.PublishedAt)
	text(model.DescriptionField, &b.Description, row.Description)
	// A row without an ISBN doesn't remove the book's: the row may have been
	// recognised by its id, or its ISBN was wrong and dropped.
	set(model.ISBNField, func() {
		if row.ISBN != "" {
			b.ISBN = row.ISBN
		}
	})
	text(model.LanguageField, &b.Language, row.Language)
	text(model.PublisherField, &b.Publisher, row.Publisher)
	list(model.SubjectsField, &b.Subjects, row.Subjects)
	text(model.SeriesField, &b.Series, row.Series)
	text(model.EditionField, &b.Edition, row.Edition)
	text(model.PriceField, &b.Price, row.Price)
	text(model.CurrencyField, &b.Currency, row.Currency)
	set(model.StockField, func() { b.Stock = row.Stock })
	set(model.AvailabilityField, func() { b.Availability = row.Availability })
	text(model.BuyURLField, &b.BuyURL, row.BuyURL)
	text(model.CoverURLField, &b.CoverURL, row.CoverURL)
	set(model.PopularityField, func() { b.Popularity = row.Popularity })
	list(model.AuthorAliasesField, &b.AuthorAliases, row.AuthorAliases)
}

// store writes the changed books. It updates and deletes in the order of the rows, and
// inserts afterwards: a new book may have the ISBN that another book gives up.
func (w *writer) store(touched []*known) error {
	touched = slices.DeleteFunc(touched, func(k *known) bool { return !k.created && !k.changed && !k.deleted })
	version, err := w.versions(len(touched))
	if err != nil {
		return err
	}
	var created []*storedRow
	for _, k := range touched {
		if k.deleted {
			if err := w.tx.Delete(&bookRow{}, k.book.ID).Error; err != nil {
				return err
			}
			w.add(model.BookDeleted, k.book.ID, version)
			version++
			continue
		}
		row, err := newRow(k.book)
		if err != nil {
			return err
		}
		row.Identity = k.identity
		if k.created {
			created = append(created, row)
			continue
		}
		row.Shown.Version = version
		if err := w.tx.Select("*").Omit("id", "created_at").Updates(row).Error; err != nil {
			return err
		}
		w.add(model.BookUpdated, k.book.ID, version)
		version++
	}
	return w.insert(created, version)
}

// insert adds rows with statements of bounded size. They get versions from the given one on.
func (w *writer) insert(rows []*storedRow, version int64) error {
	if len(rows) == 0 {
		return nil
	}
	limit, err := w.db.dialect.maxStatement(w.tx)
	if err != nil {
		return err
	}
	limit = min(limit, insertBytes)
	for i, row := range rows {
		row.Shown.Version = version + int64(i)
	}
	for len(rows) > 0 {
		n, size := 0, 0
		for n < len(rows) && n < w.db.dialect.rowsPerInsert() {
			if size += rows[n].statementSize(); size > limit && n > 0 {
				break
			}
			n++
		}
		if err := w.tx.Create(rows[:n]).Error; err != nil {
			return err
		}
		for _, row := range rows[:n] {
			w.add(model.BookCreated, row.Shown.ID, row.Shown.Version)
		}
		rows = rows[n:]
	}
	return nil
}
