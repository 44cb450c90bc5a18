package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/model"
)

// bookData is the data of book.html.
type bookData struct {
	frame
	Book    bookView
	Authors []link
	// Subjects and Language lead to the books that share them.
	Subjects []link
	Language *link
}

// Book shows one book.
func (p *Pages) Book(c *gin.Context) error {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		return err
	}
	b, err := p.Operator.GetBook(c.Request.Context(), id)
	if err != nil {
		return err
	}
	data := p.bookData(b)
	data.Visitor = p.welcome(c)
	c.Header("Cache-Control", "private, no-cache") // the answer may set the visitor's cookie
	p.render(c, http.StatusOK, bookTemplate, data)
	return nil
}

func (p *Pages) bookData(b *model.Book) *bookData {
	data := &bookData{frame: frame{Title: title(b), Action: p.Links.To("/", nil)}, Book: p.view(b)}
	for author := range strings.SplitSeq(b.Author, model.AuthorSeparator) {
		if author != "" {
			data.Authors = append(data.Authors, p.filterLink(query.Author, author, author))
		}
	}
	for _, subject := range b.Subjects {
		data.Subjects = append(data.Subjects, p.filterLink(query.Subject, subject, subject))
	}
	if b.Language != "" {
		language := p.filterLink(query.Language, b.Language, languageName(b.Language))
		data.Language = &language
	}
	return data
}

func (p *Pages) filterLink(parameter, value, label string) link {
	return link{label, p.Links.To("/", url.Values{parameter: {value}})}
}

// bookView is a book as a template shows it.
type bookView struct {
	*model.Book
	// Title is never empty, even if another program wrote a book without one.
	Title string
	Link  string
	Cover cover
	Price string
	// Published is PublishedAt for people: "-51" becomes "51 BCE", "8" "8 CE".
	Published string
	// Stock says in words whether shoppers can have the book, Availability as a
	// class of the stylesheet. Both are empty if that is unknown.
	Stock        string
	Availability model.Availability
}

func (p *Pages) view(b *model.Book) bookView {
	v := bookView{
		Book: b, Title: title(b), Link: p.Links.ToBook("/books", b.ID), Cover: p.cover(b),
		Published: published(b), Availability: availability(b),
	}
	v.Stock = messages.Stock[v.Availability]
	if b.Price != "" {
		v.Price = strings.TrimSpace(b.Price + " " + b.Currency)
	}
	return v
}

func title(b *model.Book) string {
	if strings.TrimSpace(b.Title) == "" {
		return messages.Untitled
	}
	return b.Title
}

func published(b *model.Book) string {
	if year, negative := strings.CutPrefix(b.PublishedAt, "-"); negative {
		return fmt.Sprintf(messages.YearBCE, strings.TrimLeft(year, "0"))
	}
	if year, ok := b.Year(); ok && year >= 0 && year < 1000 && len(b.PublishedAt) <= 4 {
		return fmt.Sprintf(messages.YearCE, strconv.Itoa(year))
	}
	return b.PublishedAt
}

func availability(b *model.Book) model.Availability {
	switch {
	case b.Availability == model.InStock, b.Availability == "" && b.Stock != nil && *b.Stock > 0:
		return model.InStock
	case b.Availability == model.ToOrder:
		return model.ToOrder
	case b.Availability == model.Unavailable, b.Stock != nil:
		return model.Unavailable
	}
	return ""
}
