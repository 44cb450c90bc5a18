package executor

import (
	"cmp"
	"time"

	"literank.com/event-books/domain/keyword"
	"literank.com/event-books/domain/model"
)

// Answer is one page of a result.
type Answer struct {
	// SearchID identifies a keyword search and its event. It is empty if the
	// search has no keyword or no event.
	SearchID string
	// SearchedAt and Visit are time and visit of the event.
	SearchedAt time.Time
	Visit      model.Visit
	Search     model.Search
	// SearchResult is complete: if there is a keyword, it has Match and Served.
	model.SearchResult
	// Ignored counts the words of the keyword beyond model.MaxWords.
	Ignored int
	// WrongISBN is a number in the keyword that has the form of an ISBN and the wrong check
	// digit, or empty.
	WrongISBN string
	// Books are the books found, without those that were deleted in the meantime.
	Books []model.ListedBook
	// Body is the JSON array of the books. The API answers these bytes, and
	// the event's value holds them, so they must not be changed.
	Body []byte
}

func newAnswer(search model.Search, result *model.SearchResult, books []model.ListedBook, body []byte) *Answer {
	a := &Answer{Search: search, SearchResult: *result, Books: books, Body: body}
	if search.Keyword != "" {
		read := keyword.Parse(search.Keyword)
		a.Match, a.Served = cmp.Or(a.Match, model.MatchOf(a.Total)), cmp.Or(a.Served, read.Served)
		a.Ignored, a.WrongISBN = read.Ignored, read.WrongISBN
	}
	return a
}

// list returns the books of a result with the numbers of their further editions.
func list(result *model.SearchResult, books []*model.Book) []model.ListedBook {
	editions := make(map[uint]int, len(result.Editions))
	for i, n := range result.Editions {
		editions[result.IDs[i]] = n
	}
	listed := make([]model.ListedBook, len(books))
	for i, b := range books {
		listed[i] = model.ListedBook{Book: b, Editions: editions[b.ID]}
	}
	return listed
}

// PlainBooks returns the books without what the result says about them.
func (a *Answer) PlainBooks() []*model.Book {
	books := make([]*model.Book, len(a.Books))
	for i, listed := range a.Books {
		books[i] = listed.Book
	}
	return books
}

// Click returns the click on a book of the answer, by its index, or nil if the search has no
// event.
func (a *Answer) Click(i int) *model.ClickEvent {
	if a.SearchID == "" {
		return nil
	}
	return &model.ClickEvent{
		SearchID: a.SearchID, SearchTime: a.SearchedAt, Keyword: a.Search.Keyword, Offset: a.Search.Offset,
		Surface: a.Visit.Surface, Tag: a.Visit.Tag, ClientID: a.Visit.ClientID, Visitor: a.Visit.Visitor, Agent: a.Visit.Agent,
		Book: a.Books[i].ID, Ordinal: a.Search.Offset + i + 1,
	}
}

// Changed reports whether another keyword than the one typed was searched.
func (a *Answer) Changed() bool {
	return a.Match == model.CorrectedMatch || a.Match == model.RelaxedMatch
}

// typed counts the books that the keyword finds as typed.
func (a *Answer) typed() int {
	if a.Changed() {
		return a.Typed
	}
	return a.Total
}

// Previous returns the search for the page before, or nil if this is the first.
// From beyond the end of the result it leads to the last page.
func (a *Answer) Previous() *model.Search {
	if a.Search.Offset == 0 {
		return nil
	}
	lastPage := max(0, a.Total-1) / a.Search.Limit * a.Search.Limit
	before := a.Search
	before.Offset = max(0, min(a.Search.Offset-a.Search.Limit, lastPage))
	return &before
}

// Next returns the search for the page after, or nil if there is none that may be
// asked for.
func (a *Answer) Next() *model.Search {
	end := a.Search.Offset + len(a.IDs)
	if len(a.IDs) == 0 || end >= a.Total {
		return nil
	}
	after := a.Search
	after.Offset = end
	if after.TooDeep() {
		return nil
	}
	return &after
}

// Page is a page of a result.
type Page struct {
	Number int // from 1
	Search model.Search
	// Current pages begin where the answer does.
	Current bool
}

// nearby is how many pages on each side of the current one Pages lists.
const nearby = 2

// Pages lists the first page, the last one that may be asked for, and those around the
// answer, in order. It never leaves out a single page between two others.
func (a *Answer) Pages() (pages []Page) {
	limit := a.Search.Limit
	last := (a.Total + limit - 1) / limit
	if !a.Search.Plain() {
		last = min(last, model.MaxDepth/limit)
	}
	at := min(a.Search.Offset/limit+1, last)
	for number := 1; number <= last; number++ {
		switch from, to := at-nearby, at+nearby; {
		case number == 2 && from > 3:
			number = from
		case number == to+1 && last > to+2:
			number = last
		}
		page := Page{Number: number, Search: a.Search}
		page.Search.Offset = (number - 1) * limit
		page.Current = page.Search.Offset == a.Search.Offset
		pages = append(pages, page)
	}
	return pages
}

// Unreachable returns how many books of the result lie behind the last page that may be
// asked for.
func (a *Answer) Unreachable() int {
	if a.Search.Plain() {
		return 0
	}
	return max(0, a.Total-model.MaxDepth/a.Search.Limit*a.Search.Limit)
}
