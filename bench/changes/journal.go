//go:build unix

package main

import (
	"fmt"
	"sync"
	"time"
)

// write is a write that somebody asked for: a client of the API, an import, or the other
// program.
type write struct {
	what  string // for people
	start time.Time
	// end is when the answer came. It is zero if there was none: then the write may have
	// happened at any time since start, or not at all.
	end time.Time
	// values are the new values of fields. Each is unique. A nil map deletes the book.
	values map[string]string
}

func (w *write) answered() bool { return !w.end.IsZero() }

func (w *write) String() string {
	if !w.answered() {
		return fmt.Sprintf("%s, unanswered, from %s", w.what, w.start.Format("15:04:05.000"))
	}
	return fmt.Sprintf("%s, %s to %s", w.what, w.start.Format("15:04:05.000"), w.end.Format("15:04:05.000"))
}

// journal has all writes. Its methods may be called concurrently.
type journal struct {
	mu      sync.Mutex
	books   map[uint][]*write
	imports map[string][]*write // by source and external id
	// rowOf is the row of the files that a book comes from.
	rowOf map[uint]string
}

func newJournal() *journal {
	return &journal{books: map[uint][]*write{}, imports: map[string][]*write{}, rowOf: map[uint]string{}}
}

func (j *journal) note(id uint, w *write) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.books[id] = append(j.books[id], w)
}

// answered returns the number of answered writes of single books.
func (j *journal) answered() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, writes := range j.books {
		for _, w := range writes {
			if w.answered() {
				n++
			}
		}
	}
	return n
}

// fields are the fields whose values tell which write they come from.
var fields = []string{"title", "publisher", "description"}

// judge returns what is missing of the writes of one book, or "". stored are the values of
// the fields in the database, nil if the book isn't there.
func judge(writes []*write, stored map[string]string) string {
	var deletion, answered *write
	for _, w := range writes {
		if w.values == nil && (deletion == nil || w.answered()) {
			deletion = w
		}
		if w.answered() {
			answered = w
		}
	}
	switch {
	case stored == nil && deletion == nil && answered != nil:
		return fmt.Sprintf("the book isn't there, but nobody deleted it (%v)", answered)
	case stored == nil:
		return ""
	case deletion != nil && deletion.answered():
		return fmt.Sprintf("the book is there, but it was deleted (%v)", deletion)
	}
	for _, field := range fields {
		if lost := overwritten(writes, field, stored[field]); lost != nil {
			return fmt.Sprintf("%s is %q, which a later write replaced (%v)", field, stored[field], lost)
		}
	}
	return ""
}

// overwritten returns an answered write that replaced the field's value, or nil.
func overwritten(writes []*write, field, value string) *write {
	var origin *write // nil: the field had no value yet
	for _, w := range writes {
		if v, sets := w.values[field]; sets && v == value {
			origin = w
		}
	}
	for _, w := range writes {
		_, sets := w.values[field]
		after := origin == nil && value == "" || origin != nil && origin.answered() && w.start.After(origin.end)
		if unknown := origin == nil && value != ""; sets && w.answered() && (after || unknown) {
			return w
		}
	}
	return nil
}

// judgeRow is judge for a row of the imported files. id is its book, 0 if it has none; the
// book's own writes count, too.
func (j *journal) judgeRow(row string, id uint, stored map[string]string) string {
	if stored != nil {
		return judge(append(j.imports[row], j.books[id]...), stored)
	}
	var last *write
	for _, w := range j.imports[row] {
		if w.answered() && (last == nil || w.start.After(last.start)) {
			last = w
		}
	}
	if last == nil {
		return ""
	}
	for book, r := range j.rowOf {
		if r != row {
			continue
		}
		for _, w := range j.books[book] {
			if w.values == nil && (!w.answered() || w.end.After(last.start)) {
				return ""
			}
		}
	}
	return fmt.Sprintf("row %s isn't there (%v)", row, last)
}
