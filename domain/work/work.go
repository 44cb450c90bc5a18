// Package work tells which books are editions of the same work: the hardback, the
// paperback, the e-book and the unabridged audiobook of one text in one language. It
// knows only what the catalogue says about each book, and rather keeps two editions
// apart than it puts two works together.
package work

import (
	"strings"

	"literank.com/event-books/domain/model"
)

// Key returns a text that is the same for all editions of a work, and different for
// other works. It consists of the language, the first author and the title without
// what only describes an edition. Key reports false for a book that may be merged with
// no other: without an author, with a generic title such as Poems, an abridgement, a
// study guide or a box of several works.
//
// A language that isn't known is one of its own, since the same title by the same
// author may be an original and its translation.
func Key(b *model.Book) (key string, ok bool) {
	author, names := firstAuthor(b.Author)
	if author == "" {
		return "", false
	}
	language, _, _ := strings.Cut(strings.ToLower(b.Language), "-")
	t := readTitle(b.Title, language, b.Publisher)
	t.addSeries(b.Series, language)
	t.addEdition(b.Edition, language)
	if t.derived || isStudyAid(b) || isGeneric(t.words, names) {
		return "", false
	}
	form := ""
	if isComic(b.Subjects) {
		form = "comic"
	}
	return strings.Join([]string{language, author, strings.Join(t.words, " "), form}, "|"), true
}
