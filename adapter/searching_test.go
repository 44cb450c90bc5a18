package adapter

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// The examples of docs/searching.md are true.
func TestExamplesOfSearching(t *testing.T) {
	s := newShop(t, withEngine(t))
	for title, change := range map[string]func(*model.Book){
		"Résumé": nil, "Müller": func(b *model.Book) { b.Language = "de" }, "Don’t Be Evil": nil, "Moby Dick": func(b *model.Book) { b.Subjects = []string{"Whales"} },
		"Mobydick": nil, "Pride and Prejudice": func(b *model.Book) { b.Author, b.Language = "Jane Austen", "en" }, "Emma": func(b *model.Book) { b.Author = "Jane Austen" },
		"Harry": func(b *model.Book) { b.Author = "J.K. Rowling" }, "1984": func(b *model.Book) { b.ISBN = "9780306406157" }, "紅樓夢": nil,
		"Märchen": func(b *model.Book) { b.Language = "de" }, "The Party": nil, "War and Peace": func(b *model.Book) { b.Author, b.PublishedAt = "Leo Tolstoy", "1869" },
		"Peace and War": nil, "The Hobbit": func(b *model.Book) { b.Author = "J. R. R. Tolkien" }, "Silmarillion": func(b *model.Book) { b.Author = "J. R. R. Tolkien" },
		"2001: A Space Odyssey": nil,
	} {
		b := &model.Book{Title: title}
		if change != nil {
			change(b)
		}
		s.add(b)
	}
	for query, want := range map[string][]string{
		"resume": {"Résumé"}, "RÉSUMÉ": {"Résumé"}, "muller": {"Müller"}, "mueller": {"Müller"}, "don't be evil": {"Don’t Be Evil"},
		"moby dick": {"Moby Dick", "Mobydick"}, "mobydick": {"Mobydick", "Moby Dick"}, "pride & prejudice": {"Pride and Prejudice"},
		"jk rowling": {"Harry"}, "j. k. rowling": {"Harry"}, "austen, jane": {"Emma", "Pride and Prejudice"}, "nineteen eighty-four": {"1984"}, "红楼梦": {"紅樓夢"},
		"märchens": {"Märchen"}, "978-0-306-40615-7": {"1984"}, "0306406152": {"1984"}, "9780306": {"1984"}, "art": {},
		`"war and peace"`: {"War and Peace"}, "tolkien -hobbit": {"Silmarillion"}, "Tolkien - The Hobbit": {"The Hobbit"},
		"author:tolstoy": {"War and Peace"}, `author:"leo tolstoy"`: {"War and Peace"}, "title:emma": {"Emma"}, "subject:whales": {"Moby Dick"},
		"isbn:9780306406157": {"1984"}, "year:1869": {"War and Peace"}, "year:1860-1869": {"War and Peace"}, "year:1860s": {"War and Peace"},
		"2001: A Space Odyssey": {"2001: A Space Odyssey"}, `"emma`: {"Emma"},
	} {
		answer := s.get("/api/books?exact=true&q=" + url.QueryEscape(query))
		require.Equal(t, http.StatusOK, answer.Code, query)
		assert.Equal(t, want, titles(t, answer.Body.Bytes()), query)
	}
	for query, match := range map[string]string{"emma by jane austen": "relaxed", "books about whales": "relaxed", "tolstoi": "corrected", "silmarillion qqqq": "relaxed"} {
		assert.Equal(t, match, s.get("/api/books?q="+url.QueryEscape(query)).Header().Get("X-Match"), query)
	}
}
