// Package recommending chooses books: for a visitor, and for readers of a book. It puts together
// which books are opened on the same day, and what similar books are about. It must not know
// databases, HTTP, or where its counts come from.
package recommending

import (
	"context"
	"slices"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// maxNeighbours is how many neighbours of a book are read on each side of its pairs.
	maxNeighbours = 40
	// maxCompared is how many of them are compared by their content.
	maxCompared = 40
	// spare is how many more books are looked at than asked for: some no longer exist, and some are
	// editions of one work.
	spare = 3
)

// Recommender makes recommendations. Its methods may be called concurrently.
type Recommender struct {
	interests gateway.InterestReader
	books     gateway.BookManager
	contents  *Contents // nil = they aren't compared
	popular   popularBooks
	now       func() time.Time
}

// New returns a recommender.
func New(interests gateway.InterestReader, books gateway.BookManager, contents *Contents) *Recommender {
	return &Recommender{interests: interests, books: books, contents: contents, now: time.Now}
}

// WithoutContent returns a recommender that ranks ids from counts alone, at a moment. Only its Rank
// may be called.
func WithoutContent(interests gateway.InterestReader, now time.Time) *Recommender {
	return &Recommender{interests: interests, now: func() time.Time { return now }}
}

// Rank returns the best n books for somebody who opened the seeds, the last one first. It leaves out
// the books of seen.
func (r *Recommender) Rank(ctx context.Context, seeds []uint, seen map[uint]bool, n int) ([]interest.Recommendation, error) {
	suggest := make(map[uint][]interest.Suggestion, len(seeds))
	for _, seed := range seeds {
		list, err := r.suggest(ctx, seed)
		if err != nil {
			return nil, err
		}
		suggest[seed] = list
	}
	return interest.Recommend(seeds, suggest, seen, n), nil
}

// suggest returns the books that suit readers of a book, in any order.
func (r *Recommender) suggest(ctx context.Context, book uint) (list []interest.Suggestion, err error) {
	own, neighbours, err := r.interests.Neighbours(ctx, book, maxNeighbours)
	if err != nil {
		return nil, err
	}
	today := trend.DayOf(r.now())
	for _, n := range neighbours {
		list = append(list, interest.Suggestion{Book: n.Book, Score: interest.Score(n, own, 0, today), Read: true})
	}
	if r.contents == nil {
		return list, nil
	}
	slices.SortFunc(list, interest.Suggestion.Compare)
	list = list[:min(len(list), maxCompared)]
	opened := make(map[uint]interest.Neighbour, len(list))
	for _, n := range neighbours {
		opened[n.Book] = n
	}
	ids := make([]uint, len(list))
	for i, s := range list {
		ids[i] = s.Book
	}
	similar, err := r.contents.compare(ctx, book, ids)
	if err != nil {
		return nil, err
	}
	list = list[:0]
	for other, content := range similar {
		n, read := opened[other]
		list = append(list, interest.Suggestion{Book: other, Score: interest.Score(n, own, content, today), Read: read})
	}
	return list, nil
}

// ForVisitor returns up to n books for the visitor with a cookie, or for anybody if it is "". It
// begins with the books that the visitor opened last, except those on sensitive subjects, and leaves
// out what the visitor has just seen. Books that are popular in the language complete the list.
func (r *Recommender) ForVisitor(ctx context.Context, cookie trend.Visitor, language string, n int) ([]model.Recommendation, error) {
	seeds, seen, err := r.opened(ctx, cookie)
	if err != nil {
		return nil, err
	}
	ids := make([]uint, 0, interest.Seeds)
	for _, b := range seeds {
		if len(ids) < interest.Seeds && !interest.IsSensitive(b) {
			ids = append(ids, b.ID)
		}
	}
	ranked, err := r.Rank(ctx, ids, seen, n*spare)
	if err != nil {
		return nil, err
	}
	list := newList(n, seeds)
	if err := r.add(ctx, list, ranked, func(interest.Recommendation) model.Reason { return model.BecauseOpened }, seeds); err != nil {
		return nil, err
	}
	err = r.complete(ctx, list, seen, language)
	return list.chosen, err
}

// opened returns the books that a visitor opened last, the latest first.
func (r *Recommender) opened(ctx context.Context, cookie trend.Visitor) ([]*model.Book, map[uint]bool, error) {
	seen := map[uint]bool{}
	if !cookie.Cookie() {
		return nil, seen, nil
	}
	history, err := r.interests.History(ctx, cookie)
	if err != nil {
		return nil, nil, err
	}
	history.Forget(trend.DayOf(r.now()) - interest.KeepDays)
	ids := make([]uint, len(history))
	for i, o := range history {
		ids[i], seen[o.Book] = o.Book, true
	}
	books, err := r.books.GetBooks(ctx, ids)
	return books, seen, err
}

// Related returns up to n books for readers of a book: what readers also opened, and similar books.
// The error has the code NotFound if there is no such book.
func (r *Recommender) Related(ctx context.Context, book uint, n int) ([]model.Recommendation, error) {
	b, err := r.books.GetBook(ctx, book)
	if err != nil {
		return nil, err
	}
	ranked, err := r.Rank(ctx, []uint{book}, map[uint]bool{book: true}, n*spare)
	if err != nil {
		return nil, err
	}
	list := newList(n, []*model.Book{b})
	err = r.add(ctx, list, ranked, func(s interest.Recommendation) model.Reason {
		if s.Read {
			return model.AlsoOpened
		}
		return model.SimilarTo
	}, []*model.Book{b})
	return list.chosen, err
}

// add reads the books that were ranked and adds them to a list.
func (r *Recommender) add(ctx context.Context, list *list, ranked []interest.Recommendation, reason func(interest.Recommendation) model.Reason, seeds []*model.Book) error {
	ids := make([]uint, len(ranked))
	for i, s := range ranked {
		ids[i] = s.Book
	}
	books, err := r.books.GetBooks(ctx, ids)
	if err != nil {
		return err
	}
	byID := byID(books, seeds)
	for _, s := range ranked {
		list.add(byID[s.Book], model.Recommendation{Score: s.Score, Reason: reason(s), Because: byID[s.Because]})
	}
	return nil
}

func byID(lists ...[]*model.Book) map[uint]*model.Book {
	books := map[uint]*model.Book{}
	for _, b := range slices.Concat(lists...) {
		books[b.ID] = b
	}
	return books
}
