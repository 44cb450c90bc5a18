package recommending

import (
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
)

// list gathers recommendations: each work once, and none of those that the reader knows.
type list struct {
	chosen []model.Recommendation
	most   int
	books  map[uint]bool
	works  map[string]bool
}

// newList returns a list of at most n books. The reader knows some books.
func newList(n int, known []*model.Book) *list {
	l := &list{chosen: []model.Recommendation{}, most: n, books: map[uint]bool{}, works: map[string]bool{}}
	for _, b := range known {
		l.isNew(b)
	}
	return l
}

// isNew notes a book, and reports whether neither it nor another edition was noted before.
func (l *list) isNew(b *model.Book) bool {
	key, known := work.Key(b)
	if l.books[b.ID] || known && l.works[key] {
		return false
	}
	l.books[b.ID] = true
	if known {
		l.works[key] = true
	}
	return true
}

func (l *list) full() bool { return len(l.chosen) >= l.most }

// add adds a book, unless it is nil, since it no longer exists, or nothing new.
func (l *list) add(b *model.Book, r model.Recommendation) {
	if b == nil || l.full() || !l.isNew(b) {
		return
	}
	r.Book = b
	l.chosen = append(l.chosen, r)
}
