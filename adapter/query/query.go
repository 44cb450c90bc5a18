// Package query reads searches from addresses and writes them into links. No
// other package knows what the parameters are called. It must not know gin or
// the application.
package query

import (
	"cmp"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// The parameters of a search.
const (
	Keyword   = "q"
	Offset    = "o"
	Limit     = "limit"
	Sort      = "sort"
	Author    = "author"
	Language  = "language"
	Subject   = "subject"
	Decade    = "decade"
	Available = "available"
	Exact     = "exact"
	Group     = "group"
	Explain   = "explain"
	Tag       = "tag"
)

// Click is the parameter with the token of a link from a result to a book.
const Click = "click"

// Parameters lists the parameters of a search.
var Parameters = []string{Keyword, Offset, Limit, Sort, Author, Language, Subject, Decade, Available, Exact, Group, Tag}

// ParseStrict reads a search and its tag from a raw query string. It refuses
// unknown and repeated parameters. Without the parameter limit, a page has
// pageSize books; without group, it lists books. Errors have the code Malformed and
// name the parameter.
func ParseStrict(rawQuery string, pageSize int) (search model.Search, tag string, err error) {
	values, err := parseOnly(rawQuery, Parameters)
	if err != nil {
		return search, "", err
	}
	if search, err = parseSearch(values, pageSize, model.GroupByBook); err != nil {
		return search, "", err
	}
	tag, err = model.ParseTag(values.Get(Tag))
	return search, tag, inParameter(Tag, err)
}

// parseOnly decodes a query string that may have each of these parameters once, and no others.
func parseOnly(rawQuery string, names []string) (url.Values, error) {
	values, err := parse(rawQuery)
	if err != nil {
		return nil, err
	}
	for name, list := range values {
		if name == "" {
			return nil, model.Errorf(model.Malformed, "", "the query has a parameter without a name")
		}
		if !slices.Contains(names, name) {
			return nil, model.Errorf(model.Malformed, name, "is not a parameter of this address; these are: %s", strings.Join(names, ", "))
		}
		if len(list) > 1 {
			return nil, model.Errorf(model.Malformed, name, "is given %d times", len(list))
		}
	}
	return values, nil
}

// ParseLenient is ParseStrict for pages. Links pick up foreign parameters on their
// way, so it ignores unknown ones, even if they can't be decoded, repeated ones, and a
// malformed tag. Without group, a page lists works. With an error it returns what it
// could read: the keyword, if that isn't at fault itself, and offset and limit that are
// TooDeep.
func ParseLenient(rawQuery string, pageSize int) (search model.Search, tag string, err error) {
	values, undecodable := decodeKnown(rawQuery)
	search, err = parseSearch(values, pageSize, model.GroupByWork)
	if err = cmp.Or(undecodable, err); err != nil {
		return search, "", err
	}
	tag, err = model.ParseTag(values.Get(Tag))
	if err != nil {
		return search, "", nil
	}
	return search, tag, nil
}

// decodeKnown decodes the first of each known parameter, and ignores all others. If
// one of the known can't be decoded, the values don't have it, and the error names it.
func decodeKnown(rawQuery string) (values url.Values, undecodable error) {
	values = url.Values{}
	for pair := range strings.SplitSeq(Known(rawQuery, Parameters...), "&") {
		name, _, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name)
		decoded, err := url.ParseQuery(pair)
		switch {
		case err == nil:
			values.Set(name, decoded.Get(name))
		case name != Tag:
			undecodable = &model.Error{Code: model.Malformed, Field: name, Message: "can't be decoded", Cause: err}
		}
	}
	return values, undecodable
}

// Known returns the first of each of some parameters of a raw query string, without decoding them.
func Known(rawQuery string, names ...string) string {
	seen := map[string]bool{}
	var known []string
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil && !seen[name] && slices.Contains(names, name) {
			seen[name] = true
			known = append(known, pair)
		}
	}
	return strings.Join(known, "&")
}

// ClickToken returns the token of a link to a book from a raw query string. there is false if
// it has none.
func ClickToken(rawQuery string) (token string, there bool) {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if name, value, _ := strings.Cut(pair, "="); name == Click {
			return value, true
		}
	}
	return "", false
}

// ParseSuggest reads what a shopper has typed and the number of suggestions wanted from a
// raw query string, as strictly as ParseStrict.
func ParseSuggest(rawQuery string) (typed model.Keyword, limit int, err error) {
	values, err := parseOnly(rawQuery, []string{Keyword, Limit})
	if err != nil {
		return "", 0, err
	}
	if typed, err = model.ParseKeyword(values.Get(Keyword)); err != nil {
		return "", 0, inParameter(Keyword, err)
	}
	limit, err = parseNumber(values, Limit, model.MaxSuggestions, 1, model.MaxSuggestions)
	return typed, limit, err
}

// The parameters of trends.
const (
	PageSize = "ps"
	Window   = "window"
)

// ParseTrends reads a window of time, an order and the number of keywords wanted from a raw
// query string, as strictly as ParseStrict. The default is the top ten of 24 hours.
func ParseTrends(rawQuery string) (window trend.Window, order trend.Order, n int, err error) {
	values, err := parseOnly(rawQuery, []string{PageSize, Window, Sort})
	if err != nil {
		return "", "", 0, err
	}
	window, known := trend.ParseWindow(cmp.Or(values.Get(Window), string(trend.Today)))
	if !known {
		return "", "", 0, model.Errorf(model.Malformed, Window, "must be one of %s", joined(trend.Windows[:]))
	}
	order = cmp.Or(trend.Order(values.Get(Sort)), trend.Top)
	if !slices.Contains(trend.Orders[:], order) {
		return "", "", 0, model.Errorf(model.Malformed, Sort, "must be one of %s", joined(trend.Orders[:]))
	}
	n, err = parseNumber(values, PageSize, 10, 1, model.MaxLimit)
	return window, order, n, err
}

// ParsePageSize reads the length of a list from a raw query string, as strictly as ParseStrict. The
// default is ten.
func ParsePageSize(rawQuery string) (n int, err error) {
	values, err := parseOnly(rawQuery, []string{PageSize})
	if err != nil {
		return 0, err
	}
	return parseNumber(values, PageSize, 10, 1, model.MaxLimit)
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, text := range list {
		texts[i] = string(text)
	}
	return strings.Join(texts, ", ")
}

// The parameters of insights. Of these, Tag and Language may be empty: then they stand for searches
// without any.
const (
	Surface = "surface"
	Format  = "format"
	Table   = "table"
)

// Insights are the parameters of a request for insights.
type Insights struct {
	Window trend.Window
	// Group has trend.Any for what the request doesn't name.
	Group trend.Scope
	// CSV says that the answer is wanted as CSV, Table which part of it.
	CSV   bool
	Table string
}

// ParseInsights reads parameters of insights from a raw query string, as strictly as ParseStrict.
// tables are the tables of the answer, the default first. The request may have other parameters,
// too: those of more, which are returned.
func ParseInsights(rawQuery string, tables []string, more ...string) (i Insights, others url.Values, err error) {
	names := append([]string{Window, Surface, Tag, Format, Table}, more...)
	values, err := parseOnly(rawQuery, names)
	if err != nil {
		return i, nil, err
	}
	var known bool
	if i.Window, known = trend.ParseWindow(cmp.Or(values.Get(Window), string(trend.Today))); !known {
		return i, nil, model.Errorf(model.Malformed, Window, "must be one of %s", joined(trend.Windows[:]))
	}
	if i.Group, err = parseGroup(values); err != nil {
		return i, nil, err
	}
	switch format := values.Get(Format); {
	case format == "csv":
		i.CSV = true
	case format != "" && format != "json":
		return i, nil, model.Errorf(model.Malformed, Format, "must be json or csv")
	}
	if i.Table = cmp.Or(values.Get(Table), tables[0]); !slices.Contains(tables, i.Table) {
		return i, nil, model.Errorf(model.Malformed, Table, "must be one of %s", strings.Join(tables, ", "))
	}
	return i, values, nil
}

func parseGroup(values url.Values) (group trend.Scope, err error) {
	surfaces := []model.Surface{model.PageSurface, model.APISurface, model.DemoSurface}
	group = trend.Scope{Kind: trend.People, Tag: trend.Any, Language: trend.Any}
	if surface := model.Surface(values.Get(Surface)); surface != "" {
		if !slices.Contains(surfaces, surface) {
			return group, model.Errorf(model.Malformed, Surface, "must be one of %s", joined(surfaces))
		}
		group.Kind = trend.KindOf(surface)
	}
	if values.Has(Tag) {
		if group.Tag, err = model.ParseTag(values.Get(Tag)); err != nil {
			return group, inParameter(Tag, err)
		}
	}
	if values.Has(Language) {
		if group.Language = ""; values.Get(Language) != "" {
			if group.Language, err = model.ParseLanguage(values.Get(Language)); err != nil {
				return group, inParameter(Language, err)
			}
		}
	}
	return group, nil
}

// The parameters of the order list.
const (
	State = "state"
	Note  = "note"
)

// Orders are the parameters of a request for the order list.
type Orders struct {
	// State is the name of the choice of states, States what it means.
	State  string
	States []demand.State
	// Offset and Limit select the part that is wanted.
	Offset, Limit int
	CSV           bool
}

// Choices of several states.
const (
	Waiting   = "waiting"
	AllStates = "all"
)

// MaxOrders is how many entries one answer has at most.
const MaxOrders = 1000

// ParseOrders reads what is wanted of the order list from a raw query string, as strictly as ParseStrict.
// Without a state, entries that wait for a book are wanted; without ps, usual of them.
func ParseOrders(rawQuery string, usual int) (o Orders, err error) {
	values, err := parseOnly(rawQuery, []string{State, Offset, PageSize, Format})
	if err != nil {
		return o, err
	}
	o.State = cmp.Or(values.Get(State), Waiting)
	switch state := demand.State(o.State); {
	case o.State == Waiting:
		o.States = []demand.State{demand.Open, demand.Ordered}
	case o.State == AllStates:
		o.States = demand.States[:]
	case slices.Contains(demand.States[:], state):
		o.States = []demand.State{state}
	default:
		return o, model.Errorf(model.Malformed, State, "must be one of %s, %s, %s", Waiting, joined(demand.States[:]), AllStates)
	}
	if o.Offset, err = parseNumber(values, Offset, 0, 0, model.MaxOffset); err != nil {
		return o, err
	}
	if o.Limit, err = parseNumber(values, PageSize, usual, 1, MaxOrders); err != nil {
		return o, err
	}
	format := values.Get(Format)
	if o.CSV = format == "csv"; !o.CSV && format != "" && format != "json" {
		return o, model.Errorf(model.Malformed, Format, "must be json or csv")
	}
	return o, nil
}

// ParseStaffList reads an order and the number of keywords wanted from parameters.
func ParseStaffList(values url.Values) (order trend.Order, n int, err error) {
	order = cmp.Or(trend.Order(values.Get(Sort)), trend.Top)
	if !slices.Contains(trend.StaffOrders[:], order) {
		return "", 0, model.Errorf(model.Malformed, Sort, "must be one of %s", joined(trend.StaffOrders[:]))
	}
	const usual = 20
	n, err = parseNumber(values, PageSize, usual, 1, model.MaxLimit)
	return order, n, err
}

// ParseOneKeyword reads a keyword, which must not be empty, from parameters.
func ParseOneKeyword(values url.Values) (model.Keyword, error) {
	keyword, err := model.ParseKeyword(values.Get(Keyword))
	if err == nil && keyword == "" {
		err = model.Errorf(model.Malformed, "", "must not be empty")
	}
	return keyword, inParameter(Keyword, err)
}

// CutExplain reads the book to explain from a raw query string, and returns the rest of it.
// wanted is false if there is none.
func CutExplain(rawQuery string) (book uint, wanted bool, rest string, err error) {
	values, err := parse(rawQuery)
	if err != nil || !values.Has(Explain) {
		return 0, false, rawQuery, err
	}
	if len(values[Explain]) > 1 {
		return 0, true, "", model.Errorf(model.Malformed, Explain, "is given %d times", len(values[Explain]))
	}
	if book, err = ParseBookID(values.Get(Explain)); err != nil {
		return 0, true, "", model.Errorf(model.Malformed, Explain, "must be the id of a book")
	}
	values.Del(Explain)
	return book, true, values.Encode(), nil
}

// RequireNone returns an error if there are any parameters.
func RequireNone(rawQuery string) error {
	values, err := parse(rawQuery)
	if err != nil {
		return err
	}
	for name := range values {
		if name == "" {
			return model.Errorf(model.Malformed, "", "this address takes no parameters")
		}
		return model.Errorf(model.Malformed, name, "is not a parameter of this address, which takes none")
	}
	return nil
}

// ParseBookID reads the id of a book from a path. For text that is no id it returns
// an error with the code NotFound, as for an id that no book has.
func ParseBookID(text string) (uint, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 || id > math.MaxInt64 {
		return 0, model.Errorf(model.NotFound, "id", "belongs to no book")
	}
	return uint(id), nil
}

func parse(rawQuery string) (url.Values, error) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &model.Error{Code: model.Malformed, Message: "the query can't be decoded", Cause: err}
	}
	return values, nil
}

func parseSearch(values url.Values, pageSize int, group string) (s model.Search, err error) {
	if s.Keyword, err = model.ParseKeyword(values.Get(Keyword)); err != nil {
		return s, inParameter(Keyword, err)
	}
	if s.Filters, err = parseFilters(values); err != nil {
		return s, err
	}
	if s.Sort, err = model.ParseSort(values.Get(Sort)); err != nil {
		return s, inParameter(Sort, err)
	}
	if text := values.Get(Exact); text != "" {
		if s.Exact, err = model.ParseBool(text); err != nil {
			return s, inParameter(Exact, err)
		}
	}
	if s.ByWork, err = model.ParseGroup(cmp.Or(values.Get(Group), group)); err != nil {
		return s, inParameter(Group, err)
	}
	if s.Offset, err = parseNumber(values, Offset, 0, 0, model.MaxOffset); err != nil {
		return s, err
	}
	if s.Limit, err = parseNumber(values, Limit, pageSize, 1, model.MaxLimit); err != nil {
		return s, err
	}
	if s.TooDeep() {
		return s, model.Errorf(model.Malformed, Offset, "and limit together may be at most %d if there is a keyword, a filter or a sort", model.MaxDepth)
	}
	return s, nil
}

func parseFilters(values url.Values) (f model.Filters, err error) {
	for _, text := range []struct {
		name string
		into *string
	}{{Author, &f.Author}, {Subject, &f.Subject}, {Language, &f.Language}} {
		if *text.into, err = model.ParseFilterText(values.Get(text.name)); err != nil {
			return f, inParameter(text.name, err)
		}
	}
	if f.Language != "" {
		if f.Language, err = model.ParseLanguage(f.Language); err != nil {
			return f, inParameter(Language, err)
		}
	}
	if text := values.Get(Decade); text != "" {
		decade, err := model.ParseDecade(text)
		if err != nil {
			return f, inParameter(Decade, err)
		}
		f.Decade = &decade
	}
	if text := values.Get(Available); text != "" {
		available, err := model.ParseBool(text)
		if err != nil {
			return f, inParameter(Available, err)
		}
		f.Available = &available
	}
	return f, nil
}

// IsFilter reports whether a filter takes a value as it is.
func IsFilter(name, value string) bool {
	f, err := parseFilters(url.Values{name: {value}})
	return err == nil && value != "" && FilterValues(f).Get(name) == value
}

func parseNumber(values url.Values, name string, fallback, least, most int) (int, error) {
	text := values.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, model.Errorf(model.Malformed, name, "must be a whole number from %d to %d", least, most)
	}
	return n, nil
}

// inParameter names the parameter in an error of the domain, which doesn't know
// the names.
func inParameter(name string, err error) error {
	if e, ok := errors.AsType[*model.Error](err); ok {
		named := *e
		named.Field = name
		return &named
	}
	return err
}
