package pages

import (
	"net/http"
	"net/url"
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
	// Back leads to the results that the reader came from. It may be empty.
	Back string
	// Related are books for readers of this one.
	Related []offers
}

// Book shows one book.
func (p *Pages) Book(c *gin.Context) error {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		return err
	}
	if token, there := query.ClickToken(c.Request.URL.RawQuery); there {
		p.openClick(c, id, token)
		return nil
	}
	b, err := p.Operator.GetBook(c.Request.Context(), id)
	if err != nil {
		return err
	}
	data := p.bookData(b)
	p.addWayBack(data, c.Request.URL.RawQuery)
	data.Related = p.related(c.Request.Context(), id)
	data.Visitor = p.welcome(c)
	c.Header("Cache-Control", "private, no-cache") // the answer may set the visitor's cookie
	p.render(c, http.StatusOK, bookTemplate, data)
	return nil
}

func (p *Pages) bookData(b *model.Book) *bookData {
	data := &bookData{frame: p.frame(title(b)), Book: p.view(b, "")}
	data.Canonical = data.Book.Link
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

// addWayBack fills search box and Back from the parameters that bookLink wrote. Only
// what the shop understands gets into the link.
func (p *Pages) addWayBack(data *bookData, rawQuery string) {
	search, _, err := query.ParseLenient(rawQuery, p.Links.PageSize)
	if err != nil || !p.isResult(search) {
		return
	}
	data.Search, data.Back = search, p.Links.ToSearch("/", search, "")
}

// bookLink returns the address of a book's page. The page leads back to the search with
// these encoded parameters, if there are any.
func (p *Pages) bookLink(id uint, search string) string {
	address := p.Links.ToBook("/books", id)
	if search != "" {
		address += "?" + search
	}
	return address
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
	// Highlights are the texts with the words that were searched.
	Highlights model.Highlights
	// NoFollow says that the link carries a search.
	NoFollow bool
	Cover    cover
	// Price and Published are for people: "€5.80", "26 April 1925".
	Price, Published string
	// Stock says in words whether shoppers can have the book, Availability as a
	// class of the stylesheet. Both are empty if that is unknown.
	Stock        string
	Availability model.Availability
	// Editions says how many further editions match, and EditionsLink leads to them. Both are
	// empty if there are none.
	Editions, EditionsLink string
	// Why is the reason for a recommendation.
	Why string
}

// view shows a book that the search with these encoded parameters found, if there are any.
func (p *Pages) view(b *model.Book, search string) bookView {
	v := bookView{
		Book: b, Title: title(b), Link: p.bookLink(b.ID, search), NoFollow: search != "", Cover: p.cover(b),
		Published: date(b.PublishedAt), Availability: availability(b),
	}
	v.Stock = messages.Stock[v.Availability]
	if b.Price != "" {
		v.Price = price(b.Price, b.Currency)
	}
	return v
}

// editionsLink returns the address of a search that lists all editions of a book that the
// search found.
func (p *Pages) editionsLink(s model.Search, b *model.Book, tag string) string {
	s.ByWork, s.Offset, s.Exact = false, 0, false
	if typed, err := model.ParseKeyword(`title:"` + strings.ReplaceAll(b.Title, `"`, " ") + `"`); err == nil {
		s.Keyword = typed
	}
	if authors := b.Authors(); len(authors) > 0 {
		s.Filters.Author = authors[0]
	}
	return p.Links.ToSearch("/", s, tag)
}

func title(b *model.Book) string {
	if strings.TrimSpace(b.Title) == "" {
		return messages.Untitled
	}
	return b.Title
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
