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
	// from. It is small because bots ask for many pages that don't exist.
	considered = 24
	// offersTimeout is how long such a page waits for them. It works without.
	offersTimeout = time.Second
)

// offers are books with a headline.
type offers struct {
	Title string
	Books []bookView
}

// briefly returns a context for what a page can do without.
func briefly(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	// A deadline would count as a failure of the search engine.
	timer := time.AfterFunc(offersTimeout, cancel)
	return ctx, func() { timer.Stop(); cancel() }
}

// offers returns some books: those that pass the filters, then popular ones. If the search engine
// doesn't know these, the beginning of the catalogue takes their place. Available books come
// first. It sends no event. If a search fails, there are fewer books.
func (p *Pages) offers(ctx context.Context, like model.Filters) offers {
	o := offers{Title: messages.SomeBooks}
	var books []*model.Book
	add := func(b *model.Book) {
		if !slices.ContainsFunc(books, func(other *model.Book) bool { return other.ID == b.ID }) {
			books = append(books, b)
		}
	}
	if like != (model.Filters{}) {
		books = p.some(ctx, like, maxOffers)
	}
	if p.Operator.Capabilities().Facets { // such an engine orders filtered books by popularity
		o.Title = messages.Popular
		for _, available := range []bool{true, false} {
			if len(books) < maxOffers {
				for _, b := range p.some(ctx, model.Filters{Available: &available}, maxOffers) {
					add(b)
				}
			}
		}
	} else if len(books) < maxOffers {
		first := p.some(ctx, model.Filters{}, considered)
		for _, available := range []bool{true, false} {
			for _, b := range first {
				if b.InStock() == available {
					add(b)
				}
			}
		}
	}
	for _, b := range books[:min(len(books), maxOffers)] {
		o.Books = append(o.Books, p.view(b, ""))
	}
	return o
}

// some returns the first books that pass the filters.
func (p *Pages) some(ctx context.Context, filters model.Filters, limit int) []*model.Book {
	search := model.Search{Filters: filters, Sort: model.ByRelevance, Limit: limit, WithoutTotal: true, ByWork: p.Links.ByWork}
	answer, err := p.Operator.GetBooks(ctx, search, model.Visit{})
	if err != nil {
		p.Log.Debug("books to offer not found", "error", err)
		return nil
	}
	return answer.PlainBooks()
}
