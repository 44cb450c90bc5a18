package recommending

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
)

const (
	// maxSimilar is how many similar books of a book are kept.
	maxSimilar = 30
	// similarAge is how long they are used: books come and go.
	similarAge = 10 * time.Minute
	// maxKept bounds the books whose contents, and similar books, are kept in memory: 2 kB each.
	maxKept = 20_000
	// perSearch is how many books of an author, a subject or a series are compared.
	perSearch = 20
	// maxAuthors and maxSubjects bound the searches for similar books.
	maxAuthors, maxSubjects = 2, 3
	// searchTimeout is how long a list waits for similar books. It works without.
	searchTimeout = time.Second
)

// Contents compares books by what they are about. Its methods may be called concurrently.
type Contents struct {
	books gateway.BookManager
	index gateway.BookIndex
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	known   map[uint]knownContent
	similar map[uint]similarBooks
}

type knownContent struct {
	interest.Content
	version int64
}

// similarBooks are the ids of similar books. They belong to one version of a book.
type similarBooks struct {
	ids     []uint
	version int64
	made    time.Time
}

// NewContents returns the contents of the books in a catalogue. It finds similar books with index.
func NewContents(books gateway.BookManager, index gateway.BookIndex, log *slog.Logger) *Contents {
	return &Contents{books: books, index: index, log: log, now: time.Now, known: map[uint]knownContent{}, similar: map[uint]similarBooks{}}
}

// compare returns how similar books are to one of them: the others given, and the most similar books
// of the catalogue. Books that no longer exist are left out.
func (c *Contents) compare(ctx context.Context, book uint, others []uint) (map[uint]float64, error) {
	seed, err := c.books.GetBooks(ctx, []uint{book})
	if err != nil {
		return nil, err
	}
	similarity := map[uint]float64{}
	if len(seed) == 0 {
		for _, other := range others {
			similarity[other] = 0
		}
		return similarity, nil
	}
	books, err := c.books.GetBooks(ctx, append(others, c.similarTo(ctx, seed[0])...))
	if err != nil {
		return nil, err
	}
	own := c.of(seed[0])
	for _, other := range books {
		if other.ID != book {
			similarity[other.ID] = own.Similarity(c.of(other))
		}
	}
	return similarity, nil
}

// of returns the content of a book.
func (c *Contents) of(b *model.Book) interest.Content {
	c.mu.Lock()
	known, ok := c.known[b.ID]
	c.mu.Unlock()
	if ok && known.version == b.Version {
		return known.Content
	}
	content := interest.ContentOf(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKept {
		clear(c.known)
	}
	c.known[b.ID] = knownContent{content, b.Version}
	return content
}

// similarTo returns the ids of the books that are most similar to a book.
func (c *Contents) similarTo(ctx context.Context, b *model.Book) []uint {
	c.mu.Lock()
	known, ok := c.similar[b.ID]
	c.mu.Unlock()
	if ok && known.version == b.Version && c.now().Sub(known.made) < similarAge {
		return known.ids
	}
	own, similarity, complete := c.of(b), map[uint]float64{}, true
	for _, s := range searches(b) {
		found, ok := c.search(ctx, s)
		if complete = ok; !ok {
			break // the engine has enough to do
		}
		for _, other := range found {
			if other.ID != b.ID {
				similarity[other.ID] = own.Similarity(c.of(other))
			}
		}
	}
	var ids []uint
	for id := range similarity {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uint) int { return cmp.Or(cmp.Compare(similarity[b], similarity[a]), cmp.Compare(a, b)) })
	ids = ids[:min(len(ids), maxSimilar)]
	if !complete {
		return ids
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.similar) >= maxKept {
		clear(c.similar)
	}
	c.similar[b.ID] = similarBooks{ids, b.Version, c.now()}
	return ids
}

// searches are the searches that find books like one: by its authors, its subjects and its series, in
// its language.
func searches(b *model.Book) (all []model.Search) {
	authors := b.Authors()
	for _, author := range authors[:min(len(authors), maxAuthors)] {
		all = append(all, model.Search{Filters: model.Filters{Author: author, Language: b.Language}})
	}
	for _, subject := range b.Subjects[:min(len(b.Subjects), maxSubjects)] {
		all = append(all, model.Search{Filters: model.Filters{Subject: subject, Language: b.Language}})
	}
	if series, err := model.ParseKeyword(b.Series); err == nil && series != "" {
		all = append(all, model.Search{Keyword: series, Exact: true, Filters: model.Filters{Language: b.Language}})
	}
	for i := range all {
		all[i].Limit = perSearch
	}
	return all
}

// search returns the first books of a search, and false if it fails: a list works without.
func (c *Contents) search(ctx context.Context, s model.Search) ([]*model.Book, bool) {
	// A deadline would count as a failure of the search engine.
	ctx, cancel := context.WithCancel(ctx)
	defer time.AfterFunc(searchTimeout, cancel).Stop()
	defer cancel()
	s.Sort, s.WithoutTotal = model.ByRelevance, true
	result, err := c.index.SearchBooks(ctx, s)
	var books []*model.Book
	if err == nil {
		books, err = c.books.GetBooks(ctx, result.IDs)
	}
	if err != nil {
		c.log.Debug("similar books not found", "error", err)
	}
	return books, err == nil
}
