package pages

import (
	"fmt"
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

// indexData is the data of index.html.
type indexData struct {
	frame
	// Results says that the page shows the result of a search; otherwise it is
	// the shop's home page.
	Results bool
	Total   int
	From    int
	To      int
	Books   []bookView
	Sorts   []option
	Filters []link // each link removes its filter
	// Hidden are the parameters that the sort form keeps.
	Hidden     []hiddenInput
	Prev, Next string
	// Ignored counts the words beyond MaxWords.
	Ignored, MaxWords int
	// WaysOn are searches that may find something if this one didn't.
	WaysOn []link
}

// option is one choice of a list in a form.
type option struct {
	Value, Label string
	Selected     bool
}

type hiddenInput struct{ Name, Value string }

// Index shows one page of books: the result of a search, or of all.
func (p *Pages) Index(c *gin.Context) error {
	answer, tag, err := p.Searcher.Search(c, model.PageSurface)
	if err != nil {
		return err
	}
	data := p.indexData(answer, tag)
	if answer.Search.Keyword == "" {
		// Its form redirects back to this page. With a keyword, that would be
		// another search.
		data.Visitor = p.welcome(c)
	}
	if data.NoIndex {
		c.Header("X-Robots-Tag", "noindex")
	}
	p.render(c, http.StatusOK, indexTemplate, data)
	return nil
}

func (p *Pages) indexData(a *executor.Answer, tag string) *indexData {
	results := len(p.Links.Values(a.Search, "")) > 0
	data := &indexData{
		frame:   frame{Title: messages.AllBooks, Action: p.Links.To("/", nil), Search: a.Search, NoIndex: results},
		Results: results,
		Total:   a.Total,
		From:    a.Search.Offset + 1,
		To:      a.Search.Offset + len(a.Books),
		Sorts:   sortOptions(a.Search),

		MaxWords: model.MaxWords,
	}
	if a.Search.Keyword != "" {
		data.Title = string(a.Search.Keyword)
	}
	for _, b := range a.Books {
		data.Books = append(data.Books, p.view(b))
	}
	_, data.Ignored = a.Search.Keyword.Words()
	p.addFilters(data, a.Search, tag)
	if a.Search.Limit != p.Links.PageSize {
		data.Hidden = append(data.Hidden, hiddenInput{query.Limit, strconv.Itoa(a.Search.Limit)})
	}
	if tag != "" {
		data.Hidden = append(data.Hidden, hiddenInput{query.Tag, tag})
	}
	if prev := a.Previous(); prev != nil {
		data.Prev = p.Links.ToSearch("/", *prev, tag)
	}
	if next := a.Next(); next != nil {
		data.Next = p.Links.ToSearch("/", *next, tag)
	}
	if a.Total == 0 {
		data.WaysOn = p.waysOn(a.Search, tag)
	}
	return data
}

func sortOptions(s model.Search) (options []option) {
	for _, sort := range model.Sorts {
		label := messages.Sorts[sort]
		if sort == model.ByRelevance && s.Keyword == "" {
			label = messages.CatalogueOrder
		}
		options = append(options, option{string(sort), label, sort == s.Sort})
	}
	return options
}

func (p *Pages) addFilters(data *indexData, s model.Search, tag string) {
	s.Offset = 0
	filters := query.FilterValues(s.Filters)
	for _, name := range []string{query.Author, query.Language, query.Subject, query.Decade, query.Available} {
		value := filters.Get(name)
		if value == "" {
			continue
		}
		data.Hidden = append(data.Hidden, hiddenInput{name, value})
		without := p.Links.Values(s, tag)
		without.Del(name)
		if name == query.Language {
			value = languageName(value)
		}
		data.Filters = append(data.Filters, link{messages.Filters[name] + ": " + value, p.Links.To("/", without)})
	}
}

// languageName gives the English name of a BCP 47 tag.
func languageName(tag string) string {
	if name := display.English.Tags().Name(language.Make(tag)); name != "" {
		return name
	}
	return tag
}

// maxAlone is how many words of a fruitless search get a link of their own.
const maxAlone = 6

func (p *Pages) waysOn(s model.Search, tag string) (ways []link) {
	s.Offset = 0
	if s.Filters != (model.Filters{}) && s.Keyword != "" {
		unfiltered := s
		unfiltered.Filters = model.Filters{}
		ways = append(ways, link{fmt.Sprintf(messages.SearchWholeShop, s.Keyword), p.Links.ToSearch("/", unfiltered, tag)})
	}
	words := strings.Fields(string(s.Keyword))
	if len(words) > 1 {
		for _, word := range words[:min(len(words), maxAlone)] {
			ways = append(ways, link{fmt.Sprintf(messages.SearchAlone, word), p.Links.To("/", url.Values{query.Keyword: {word}})})
		}
	}
	return append(ways, link{messages.BrowseAll, p.Links.To("/", nil)})
}
