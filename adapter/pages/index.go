package pages

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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
	// EventLink leads staff to the event of the search.
	EventLink string
	// Results says that the page shows the result of a search; otherwise it is
	// the shop's home page.
	Results bool
	Total   int
	From    int
	To      int
	Books   []bookView
	Sorts   []option
	Filters []link // each link removes its filter; it is empty if nothing would be found then
	// Facets narrow the result, Browse leads from the home page to parts of the catalogue.
	Facets, Browse []facetView
	// Served is the keyword that was searched. If it was Corrected or Relaxed, Instead leads to
	// the search as typed; LeftOut are the words that Served doesn't have.
	Served             string
	Corrected, Relaxed bool
	LeftOut            []string
	Instead            string
	// Suggested is a keyword that the shopper may have meant.
	Suggested *link
	// WrongISBN has the form of an ISBN and the wrong check digit.
	WrongISBN string
	// Hidden are the parameters that the sort form keeps.
	Hidden     []hiddenInput
	Prev, Next string
	// Pages are links to single pages, with gaps.
	Pages []pageLink
	// Reachable is how many books of a larger result the pages show; 0 for all.
	Reachable int
	// Ignored counts the words beyond MaxWords.
	Ignored, MaxWords int
	// WaysOn are searches that find something if this one didn't, and all books.
	WaysOn []link
	// Request asks the shop for what was not found.
	Request *requestForm
	// Offers are books for a result without any.
	Offers offers
	// RelatedSearches find the same books; nil if there are none.
	RelatedSearches *facetView
	// ForYou are books that the home page recommends.
	ForYou offers
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
	for i, highlights := range p.Operator.Highlight(answer) {
		data.Books[i].Highlights = highlights
	}
	if data.Results && answer.Total == 0 {
		data.Request = p.requestForm(c, answer)
		p.addWaysOn(c.Request.Context(), data, answer.Search, tag)
	}
	if data.Results {
		data.RelatedSearches = p.relatedSearches(answer)
	} else {
		data.ForYou = p.forVisitor(c)
		data.Browse = append(p.trends(c.Request.Context()), p.browse(c.Request.Context())...)
	}
	if answer.SearchID != "" {
		data.EventLink = p.EventLink(c, answer.SearchID)
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
		p.addMatch(data, a, tag)
	}
	if data.Results {
		data.Facets = p.facets(a, tag)
	}
	parameters := p.Links.Values(a.Search, "").Encode()
	for i, b := range a.Books {
		view := p.view(b.Book, parameters)
		view.Link = p.clickLink(a, i, view.Link)
		if b.Editions > 0 {
			view.Editions = editions(b.Editions)
			view.EditionsLink = p.editionsLink(a.Search, b.Book, tag)
		}
		data.Books = append(data.Books, view)
	}
	data.Ignored = a.Ignored
	p.addFilters(data, a.Search, tag)
	if a.Search.Limit != p.Links.PageSize {
		data.Hidden = append(data.Hidden, hiddenInput{query.Limit, strconv.Itoa(a.Search.Limit)})
	}
	if a.Search.ByWork != p.Links.ByWork {
		data.Hidden = append(data.Hidden, hiddenInput{query.Group, model.Group(a.Search.ByWork)})
	}
	if a.Search.Exact {
		data.Hidden = append(data.Hidden, hiddenInput{query.Exact, "true"})
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
	return data
}

// addMatch says how the books match the keyword.
func (p *Pages) addMatch(data *indexData, a *executor.Answer, tag string) {
	data.Served, data.WrongISBN = string(a.Search.Keyword), a.WrongISBN
	first := a.Search
	first.Offset = 0
	if a.Changed() {
		data.Served = a.Served
		data.Corrected, data.Relaxed = a.Match == model.CorrectedMatch, a.Match == model.RelaxedMatch
		typed := first
		typed.Exact = true
		data.Instead = p.Links.ToSearch("/", typed, tag)
		data.LeftOut = missing(string(a.Search.Keyword), a.Served)
	}
	if a.Suggested != "" {
		suggested := first
		suggested.Keyword = model.Keyword(a.Suggested)
		data.Suggested = &link{a.Suggested, p.Links.ToSearch("/", suggested, "")}
	}
}

// missing returns the words of a text that another one doesn't have.
func missing(text, other string) (words []string) {
	there := strings.Fields(other)
	for word := range strings.FieldsSeq(text) {
		if !slices.Contains(there, word) && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
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
	filters := query.FilterValues(s.Filters)
	for _, name := range filterOrder {
		value := filters.Get(name)
		if value == "" {
			continue
		}
		data.Hidden = append(data.Hidden, hiddenInput{name, value})
		without := p.Links.Values(s, tag)
		without.Del(name)
		data.Filters = append(data.Filters, link{filterWords(name, value), p.Links.To("/", without)})
	}
}

var filterOrder = []string{query.Author, query.Language, query.Subject, query.Decade, query.Available}

// filterWords names a filter and its value.
func filterWords(name, value string) string {
	return messages.Filters[name] + ": " + filterLabel(name, value)
}

// addWaysOn adds what helps where nothing was found.
func (p *Pages) addWaysOn(ctx context.Context, data *indexData, s model.Search, tag string) {
	ctx, cancel := briefly(ctx)
	defer cancel()
	for _, found := range p.Operator.Alternatives(ctx, s) {
		data.WaysOn = append(data.WaysOn, p.wayOn(s, found, tag))
	}
	for i, filter := range data.Filters {
		if !slices.ContainsFunc(data.WaysOn, func(way link) bool { return way.Link == filter.Link }) {
			data.Filters[i].Link = ""
		}
	}
	data.WaysOn = append(data.WaysOn, link{messages.BrowseAll, p.Links.To("/", nil)})
	filters := s.Filters
	if s.Keyword == "" {
		filters = model.Filters{} // nothing passes them
	}
	data.Offers = p.offers(ctx, filters)
}

// wayOn links a search that finds something where s doesn't.
func (p *Pages) wayOn(s, found model.Search, tag string) link {
	if found.Keyword != s.Keyword {
		return link{fmt.Sprintf(messages.SearchAlone, found.Keyword), p.Links.ToSearch("/", found, "")}
	}
	label := fmt.Sprintf(messages.SearchSimilar, s.Keyword)
	if found.Filters != s.Filters {
		label = fmt.Sprintf(messages.SearchWholeShop, s.Keyword)
		removed, kept := query.FilterValues(s.Filters), query.FilterValues(found.Filters)
		if len(removed)-len(kept) == 1 {
			for name := range removed {
				if !kept.Has(name) {
					label = fmt.Sprintf(messages.RemoveFilter, filterWords(name, removed.Get(name)))
				}
			}
		}
	}
	return link{label, p.Links.ToSearch("/", found, tag)}
}
