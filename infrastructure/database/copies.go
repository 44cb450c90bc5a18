package database

import (
	"slices"

	"literank.com/event-books/domain/model"
)

// copies are the books of one fingerprint, ordered by id. The ordinal of the
// first one is first.
type copies struct {
	first int
	books []*known
	// window is set if books holds every copy that the batch needs. Otherwise it
	// holds those that some query found.
	window bool
}

// oldestCopy finds the book of a row by its fingerprints. Books have the order of
// the rows that created them. If a later row of the file is read as an earlier one
// was before, both books are found, and the older one belongs to the earlier row.
func (c *matches) oldestCopy(row *model.ImportRow) (oldest *known) {
	candidates := row.Alternatives
	if row.ExternalID == "" && row.Book.ISBN == "" {
		candidates = append([]model.Alternative{{Fingerprint: row.Fingerprint, Ordinal: row.Ordinal}}, candidates...)
	}
	for _, candidate := range candidates {
		if k := c.byFingerprint[candidate.Fingerprint].at(candidate.Ordinal); k != nil && (oldest == nil || k.isOlder(oldest)) {
			oldest = k
		}
	}
	return oldest
}

// isOlder reports whether k was stored before other. Those of the batch have no id
// yet.
func (k *known) isOlder(other *known) bool {
	return k.book.ID != 0 && (other.book.ID == 0 || k.book.ID < other.book.ID)
}

// at returns the copy with an ordinal, or nil if there is none.
func (c *copies) at(ordinal int) *known {
	if c == nil || ordinal < c.first || ordinal-c.first >= len(c.books) {
		return nil
	}
	return c.books[ordinal-c.first]
}

// remove takes a book out of the copies: those behind it move up.
func (c *copies) remove(k *known) {
	if c != nil {
		c.books = slices.DeleteFunc(c.books, func(other *known) bool { return other == k })
	}
}

// insert adds a book in the order of ids.
func (c *copies) insert(k *known) {
	at := 0
	for at < len(c.books) && !k.isOlder(c.books[at]) {
		at++
	}
	if at == 0 && c.first > 0 { // it stands before the window
		c.first++
		return
	}
	c.books = slices.Insert(c.books, at, k)
}

// move gives a book the fingerprint of a row that was found under another one.
func (c *matches) move(k *known, row *model.ImportRow) {
	former := model.Fingerprint(k.identity.Fingerprint)
	if former == row.Fingerprint || !slices.ContainsFunc(row.Alternatives, func(other model.Alternative) bool { return other.Fingerprint == former }) {
		return
	}
	c.byFingerprint[former].remove(k)
	k.identity.Fingerprint, k.listed = nil, true
	if row.Fingerprint == (model.Fingerprint{}) {
		return // an id or an ISBN recognises the book from now on
	}
	k.identity.Fingerprint = row.Fingerprint[:]
	if c.byFingerprint[row.Fingerprint] == nil {
		c.byFingerprint[row.Fingerprint] = &copies{}
	}
	c.byFingerprint[row.Fingerprint].insert(k)
}
