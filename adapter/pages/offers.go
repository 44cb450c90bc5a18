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
	// offersTimeout is how long such a page waits for them. It is as good without.
	offersTimeout = time.Second
)

// offers returns some books: those that pass the filters, then available ones, then any.
// It sends no event. If the search fails, there are fewer.
func (p *Pages) offers(ctx context.Context, like model.Filters) (books []bookView) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A deadline would count as a failure of the search engine.
	defer time.AfterFunc(offersTimeout, cancel).Stop()
	available := true
	choices := []model.Filters{{Available: &available}, {}}
	if like != (model.Filters{}) {
		choices = append([]model.Filters{like}, choices...)
	}
	for _, filters := range choices {
		search := model.Search{Filters: filters, Sort: model.ByRelevance, Limit: maxOffers}
		answer, err := p.Operator.GetBooks(ctx, search, model.Visit{})
		if err != nil {
			p.Log.Debug("books to offer not found", "error", err)
			break
		}
		for _, b := range answer.Books {
			offered := slices.ContainsFunc(books, func(v bookView) bool { return v.ID == b.ID })
			if len(books) < maxOffers && !offered {
				books = append(books, p.view(b, nil))
			}
		}
		if len(books) == maxOffers {
			break
		}
	}
	return books
}
