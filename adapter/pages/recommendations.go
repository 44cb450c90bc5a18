package pages

import (
	"context"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/reason"
	"literank.com/event-books/domain/model"
)

// maxRecommended is how many books a page recommends.
const maxRecommended = 6

// forVisitor returns books for the visitor of the home page.
func (p *Pages) forVisitor(c *gin.Context) offers {
	if p.Recommendations == nil {
		return offers{}
	}
	ctx, cancel := briefly(c.Request.Context())
	defer cancel()
	_, list, err := p.Recommendations.ForVisitor(ctx, p.Visitors.Cookie(c.Request), p.Visitors.Language(c.Request), maxRecommended)
	p.notShown(err)
	if len(list) == 0 {
		return offers{}
	}
	switch list[0].Reason {
	case model.BecauseOpened:
		return p.recommended(messages.ForYou, list, reason.Text)
	case model.Popular, model.PopularInLanguage:
		return p.recommended(messages.Popular, list, reason.Text)
	}
	return offers{} // the list of all books begins with well-known ones anyway
}

// related returns books for readers of a book: what others opened, too, and similar books.
func (p *Pages) related(ctx context.Context, book uint) (shelves []offers) {
	if p.Recommendations == nil {
		return nil
	}
	ctx, cancel := briefly(ctx)
	defer cancel()
	list, err := p.Recommendations.Related(ctx, book, maxRecommended)
	p.notShown(err)
	for _, of := range []struct {
		reason model.Reason
		title  string
	}{{model.AlsoOpened, messages.AlsoOpened}, {model.SimilarTo, messages.Similar}} {
		var some []model.Recommendation
		for _, r := range list {
			if r.Reason == of.reason {
				some = append(some, r)
			}
		}
		if len(some) > 0 {
			shelves = append(shelves, p.recommended(of.title, some, func(model.Recommendation) string { return "" }))
		}
	}
	return shelves
}

func (p *Pages) recommended(title string, list []model.Recommendation, why func(model.Recommendation) string) offers {
	o := offers{Title: title}
	for _, r := range list {
		view := p.view(r.Book, "")
		view.Why = why(r)
		o.Books = append(o.Books, view)
	}
	return o
}

// notShown notes that a page goes without recommendations.
func (p *Pages) notShown(err error) {
	if err != nil {
		p.Log.Debug("recommendations not shown", "error", err)
	}
}
