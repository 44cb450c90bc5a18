package adapter

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// bookView is a book with what a template needs to show it.
type bookView struct {
	*model.Book
	// Title is never empty, as that of another program's row can be.
	Title string
	Link  string
	Cover cover
	Price string
	// Published is PublishedAt for people: "-51" is "51 BCE", "8" is "8 CE".
	Published string
	// Stock says in words whether it can be had, Availability in a class of
	// the stylesheet; both are empty when unknown.
	Stock        string
	Availability model.Availability
}

func title(b *model.Book) string {
	if strings.TrimSpace(b.Title) == "" {
		return "Untitled"
	}
	return b.Title
}

func (s *Server) view(b *model.Book) bookView {
	v := bookView{Book: b, Title: title(b), Link: s.links.ToBook("/books", b.ID), Cover: s.cover(b)}
	v.Published = b.PublishedAt
	if year, ok := b.Year(); ok && year >= 0 && year < 1000 && len(b.PublishedAt) <= 4 {
		v.Published = strconv.Itoa(year) + " CE"
	}
	if year, ok := strings.CutPrefix(b.PublishedAt, "-"); ok {
		v.Published = strings.TrimLeft(year, "0") + " BCE"
	}
	if b.Price != "" {
		v.Price = strings.TrimSpace(b.Price + " " + b.Currency)
	}
	switch {
	case b.Availability == model.InStock, b.Availability == "" && b.Stock != nil && *b.Stock > 0:
		v.Stock, v.Availability = "In stock", model.InStock
	case b.Availability == model.ToOrder:
		v.Stock, v.Availability = "Can be ordered", model.ToOrder
	case b.Availability == model.Unavailable, b.Stock != nil:
		v.Stock, v.Availability = "Not available", model.Unavailable
	}
	return v
}

// option is one choice of a list in a form.
type option struct {
	Value, Label string
	Selected     bool
}

// labelled is a link with its words.
type labelled struct{ Label, Link string }

// frame is what every page shows around its content.
type frame struct {
	Title string
	// Action is where the search form goes.
	Action string
	Search model.Search
	// NoIndex keeps result pages out of search engines.
	NoIndex bool
	Visitor *visitorForm
}

// indexData is what index.html shows.
type indexData struct {
	frame
	Total   int
	From    int
	To      int
	Books   []bookView
	Sorts   []option
	Filters []labelled // each with the link that removes it
	// Hidden are the filters, the limit and the tag, to be kept by the form.
	Hidden     []option
	Prev, Next string
	// Ignored is how many words were too many.
	Ignored int
	// WaysOn are offered where nothing was found.
	WaysOn []labelled
}

var sortLabels = map[model.Sort]string{
	model.ByRelevance: "Best match", model.ByTitle: "Title", model.ByNewest: "Newest first", model.ByOldest: "Oldest first",
}

func (s *Server) indexPage(c *gin.Context) {
	answer, tag, ok := s.search(c, model.PageSurface)
	if !ok {
		return
	}
	data := s.indexData(answer, tag)
	if answer.Search.Keyword == "" {
		data.Visitor = s.welcome(c)
	}
	if data.NoIndex {
		c.Header("X-Robots-Tag", "noindex")
	}
	s.render(c, http.StatusOK, "index.html", data)
}

func (s *Server) indexData(a *executor.Answer, tag string) *indexData {
	data := &indexData{
		frame: frame{Title: "All books", Action: s.links.To("/", nil), Search: a.Search, NoIndex: len(s.links.Values(a.Search, "")) > 0},
		Total: a.Total,
		From:  a.Search.Offset + 1,
		To:    a.Search.Offset + len(a.Books),
	}
	if a.Search.Keyword != "" {
		data.Title = string(a.Search.Keyword)
	}
	for _, b := range a.Books {
		data.Books = append(data.Books, s.view(b))
	}
	for _, sort := range model.Sorts {
		label := sortLabels[sort]
		if sort == model.ByRelevance && a.Search.Keyword == "" {
			label = "As they came"
		}
		data.Sorts = append(data.Sorts, option{string(sort), label, sort == a.Search.Sort})
	}
	_, data.Ignored = a.Search.Keyword.Words()
	s.addFilters(data, a.Search, tag)
	if a.Search.Limit != s.PageSize {
		data.Hidden = append(data.Hidden, option{Value: strconv.Itoa(a.Search.Limit), Label: query.Limit})
	}
	if tag != "" {
		data.Hidden = append(data.Hidden, option{Value: tag, Label: query.Tag})
	}
	if prev := a.Previous(); prev != nil {
		data.Prev = s.links.To("/", s.links.Values(*prev, tag))
	}
	if next := a.Next(); next != nil {
		data.Next = s.links.To("/", s.links.Values(*next, tag))
	}
	if a.Total == 0 {
		data.WaysOn = s.waysOn(a.Search, tag)
	}
	return data
}

func (s *Server) addFilters(data *indexData, search model.Search, tag string) {
	search.Offset = 0
	for _, f := range []struct{ name, label string }{
		{query.Author, "Author"}, {query.Language, "Language"}, {query.Subject, "Subject"}, {query.Decade, "Decade"}, {query.Available, "Available"},
	} {
		value := query.FilterValues(search.Filters).Get(f.name)
		if value == "" {
			continue
		}
		data.Hidden = append(data.Hidden, option{Value: value, Label: f.name})
		without := s.links.Values(search, tag)
		without.Del(f.name)
		if f.name == query.Language {
			value = languageName(value)
		}
		data.Filters = append(data.Filters, labelled{f.label + ": " + value, s.links.To("/", without)})
	}
}

// languageName gives the English name of a BCP 47 tag.
func languageName(tag string) string {
	if name := display.English.Tags().Name(language.Make(tag)); name != "" {
		return name
	}
	return tag
}

// waysOn are searches that may find what this one didn't.
func (s *Server) waysOn(search model.Search, tag string) (ways []labelled) {
	search.Offset = 0
	if search.Filters != (model.Filters{}) && search.Keyword != "" {
		unfiltered := search
		unfiltered.Filters = model.Filters{}
		ways = append(ways, labelled{"Search the whole shop for “" + string(search.Keyword) + "”", s.links.To("/", s.links.Values(unfiltered, tag))})
	}
	words := strings.Fields(string(search.Keyword))
	if len(words) > 1 {
		for _, word := range words[:min(len(words), 6)] {
			ways = append(ways, labelled{"Search for “" + word + "” alone", s.links.To("/", url.Values{query.Keyword: {word}})})
		}
	}
	return append(ways, labelled{"Browse all books", s.links.To("/", nil)})
}

// bookData is what book.html shows.
type bookData struct {
	frame
	Book    bookView
	Authors []labelled
	// Subjects and Language lead to books that share them.
	Subjects []labelled
	Language *labelled
}

func (s *Server) bookPage(c *gin.Context) {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	b, err := s.Books.GetBook(c.Request.Context(), id)
	if err != nil {
		s.fail(c, err)
		return
	}
	data := &bookData{frame: frame{Title: title(b), Action: s.links.To("/", nil), Visitor: s.welcome(c)}, Book: s.view(b)}
	for author := range strings.SplitSeq(b.Author, model.AuthorSeparator) {
		if author != "" {
			data.Authors = append(data.Authors, labelled{author, s.links.To("/", url.Values{query.Author: {author}})})
		}
	}
	for _, subject := range b.Subjects {
		data.Subjects = append(data.Subjects, labelled{subject, s.links.To("/", url.Values{query.Subject: {subject}})})
	}
	if b.Language != "" {
		data.Language = &labelled{languageName(b.Language), s.links.To("/", url.Values{query.Language: {b.Language}})}
	}
	c.Header("Cache-Control", "private, no-cache") // it may carry the visitor's cookie
	s.render(c, http.StatusOK, "book.html", data)
}

// errorData is what error.html shows.
type errorData struct {
	frame
	Status  int
	Detail  string
	Request string
}

func (s *Server) errorPage(c *gin.Context, p problem) {
	data := &errorData{frame: frame{Action: s.links.To("/", nil), NoIndex: true}, Status: p.Status, Request: p.RequestID}
	switch p.Status {
	case http.StatusNotFound:
		data.Title, data.Detail = "Not found", "We have no such page. The book may have left the shop."
	case http.StatusServiceUnavailable:
		data.Title, data.Detail = "Back in a moment", "The shop can't answer just now. Please try again in a few seconds."
	case http.StatusInternalServerError:
		data.Title, data.Detail = "Something went wrong", "That was our fault. Please try again."
	case http.StatusBadRequest:
		data.Title, data.Detail = "We can't search for that", "The address can't be read: "+p.Detail+"."
		if p.Field == query.Keyword {
			data.Detail = "What you search for " + p.Detail + "."
		} else if p.Field != "" {
			data.Detail = "“" + p.Field + "” " + p.Detail + "."
		}
	default:
		data.Title, data.Detail = p.Title, p.Detail
	}
	s.render(c, p.Status, "error.html", data)
}
