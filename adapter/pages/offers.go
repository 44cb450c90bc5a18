package pages

import (
	"context"
	"time"

	"literank.com/event-books/domain/model"
)

const (
	// maxOffers is how many books a page without books of its own offers.
	maxOffers = 6
	// offersTimeout is how long such a page waits for them. It is as good without.
	offersTimeout = time.Second
)

// offers returns some books: those that pass the filters, or else available ones, or
// else any. It sends no event. If the search fails, there are none.
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
			p.Log.Debug("no books to offer", "error", err)
			return nil
		}
		for _, b := range answer.Books {
			books = append(books, p.view(b, nil))
		}
		if len(books) > 0 {
			return books
		}
	}
	return nil
}
