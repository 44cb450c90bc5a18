package pages

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

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
	// Pages are links to single pages, with gaps.
	Pages []pageLink
	// Reachable is how many books of a larger result the pages show; 0 for all.
	Reachable int
	// Ignored counts the words beyond MaxWords.
	Ignored, MaxWords int
	// WaysOn are searches that may find something if this one didn't.
	WaysOn []link
	// Offers are books for a result without any.
	Offers []bookView
}

// option is one choice of a list in a form.
type option struct {
	Value, Label string
	Selected     bool
}

type hiddenInput struct{ Name, Value string }

// pageLink leads to one page of the result. A gap stands for pages left out.
type pageLink struct {
	Number       int
	Link         string
	Current, Gap bool
}

// Index shows one page of books: the result of a search, or of all.
func (p *Pages) Index(c *gin.Context) error {
	answer, tag, err := p.Searcher.Search(c, model.PageSurface, true)
	if err != nil {
		return err
	}
	data := p.indexData(answer, tag)
	if data.Results && answer.Total == 0 {
		filters := answer.Search.Filters
		if answer.Search.Keyword == "" {
			filters = model.Filters{} // nothing passes them
		}
		data.Offers = p.offers(c.Request.Context(), filters)
	}
	if answer.Search.Keyword == "" {
		data.Visitor = p.welcome(c)
	} else {
		// The form of the welcome redirects back to this page. With a keyword, that
		// would be another search.
		p.Visitors.Renew(c.Writer, c.Request)
	}
	if data.NoIndex {
		c.Header("X-Robots-Tag", "noindex")
	}
	p.render(c, http.StatusOK, indexTemplate, data)
	return nil
}

func (p *Pages) indexData(a *executor.Answer, tag string) *indexData {
	data := &indexData{
		frame:   p.frame(messages.AllBooks),
		Results: p.isResult(a.Search),
		Total:   a.Total,
		From:    a.Search.Offset + 1,
		To:      a.Search.Offset + len(a.Books),
		Sorts:   sortOptions(a.Search),

		MaxWords: model.MaxWords,
	}
	data.Search, data.NoIndex = a.Search, data.Results
	if !data.Results {
		data.Canonical = data.Action
	}
	if a.Search.Keyword != "" {
		data.Title = string(a.Search.Keyword)
	}
	parameters := p.Links.Values(a.Search, "")
	for _, b := range a.Books {
		data.Books = append(data.Books, p.view(b, parameters))
	}
	data.Ignored = a.Ignored
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
	p.addPages(data, a, tag)
	if a.Total == 0 {
		data.WaysOn = p.waysOn(a.Search, tag)
	}
	return data
}

// isResult reports whether a search shows anything else than the shop's home page.
func (p *Pages) isResult(s model.Search) bool { return len(p.Links.Values(s, "")) > 0 }

func (p *Pages) addPages(data *indexData, a *executor.Answer, tag string) {
	before := 0
	for _, page := range a.Pages() {
		if page.Number > before+1 {
			data.Pages = append(data.Pages, pageLink{Gap: true})
		}
		before = page.Number
		data.Pages = append(data.Pages, pageLink{Number: page.Number, Link: p.Links.ToSearch("/", page.Search, tag), Current: page.Current})
	}
	if out := a.Unreachable(); out > 0 {
		data.Reachable = a.Total - out
	}
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
	filters, words := query.FilterValues(s.Filters), filterWords(s.Filters)
	for _, name := range []string{query.Author, query.Language, query.Subject, query.Decade, query.Available} {
		value := filters.Get(name)
		if value == "" {
			continue
		}
		data.Hidden = append(data.Hidden, hiddenInput{name, value})
		without := p.Links.Values(s, tag)
		without.Del(name)
		data.Filters = append(data.Filters, link{messages.Filters[name] + ": " + cmp.Or(words[name], value), p.Links.To("/", without)})
	}
}

// filterWords puts the values of filters into words, where they are no words.
func filterWords(f model.Filters) map[string]string {
	words := map[string]string{}
	if f.Language != "" {
		words[query.Language] = languageName(f.Language)
	}
	if f.Decade != nil {
		words[query.Decade] = decade(*f.Decade)
	}
	if f.Available != nil {
		words[query.Available] = messages.NotAvailable
		if *f.Available {
			words[query.Available] = messages.Available
		}
	}
	return words
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
