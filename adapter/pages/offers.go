package pages

import (
	"context"
	"slices"
	"time"

	"literank.com/event-books/domain/model"
)

const (
	// maxOffers is how many books a page without books of its own offers.
	maxOffers = 6
	// considered is how many books at the beginning of the catalogue such a page chooses
	// from. It is small, because programs ask for many pages that don't exist.
	considered = 24
	// offersTimeout is how long such a page waits for them. It is as good without.
	offersTimeout = time.Second
)

// offers returns some books: those that pass the filters, then some of the beginning of the
// catalogue, available ones first. It sends no event. If the search fails, there are fewer.
func (p *Pages) offers(ctx context.Context, like model.Filters) (views []bookView) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A deadline would count as a failure of the search engine.
	defer time.AfterFunc(offersTimeout, cancel).Stop()
	var books []*model.Book
	if like != (model.Filters{}) {
		books = p.some(ctx, like, maxOffers)
	}
	if len(books) < maxOffers {
		first := p.some(ctx, model.Filters{}, considered)
		for _, available := range []bool{true, false} {
			for _, b := range first {
				offered := slices.ContainsFunc(books, func(other *model.Book) bool { return other.ID == b.ID })
				if !offered && (availability(b) == model.InStock) == available {
					books = append(books, b)
				}
			}
		}
	}
	for _, b := range books[:min(len(books), maxOffers)] {
		views = append(views, p.view(b, nil))
	}
	return views
}

// some returns the first books that pass the filters.
func (p *Pages) some(ctx context.Context, filters model.Filters, limit int) []*model.Book {
	search := model.Search{Filters: filters, Sort: model.ByRelevance, Limit: limit, WithoutTotal: true}
	answer, err := p.Operator.GetBooks(ctx, search, model.Visit{})
	if err != nil {
		p.Log.Debug("books to offer not found", "error", err)
		return nil
	}
	return answer.Books
}
