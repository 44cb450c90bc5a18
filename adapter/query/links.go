package query

import (
	"net/url"
	"strconv"

	"literank.com/event-books/domain/model"
)

// Links writes the shop's public addresses.
type Links struct {
	// Base is the public address of the shop without a slash at its end; empty
	// for addresses relative to the host.
	Base string
	// PageSize is the limit that links leave out, ByWork the grouping.
	PageSize int
	ByWork   bool
}

// To returns the address of a path with parameters.
func (l Links) To(path string, parameters url.Values) string {
	if len(parameters) > 0 {
		path += "?" + parameters.Encode()
	}
	return l.Base + path
}

// ToSearch returns the address of a search below a path.
func (l Links) ToSearch(path string, s model.Search, tag string) string {
	return l.To(path, l.Values(s, tag))
}

// ToBook returns the address of a book below a path.
func (l Links) ToBook(path string, id uint) string {
	return l.Base + path + "/" + strconv.FormatUint(uint64(id), 10)
}

// Escape percent-encodes text for a header.
func Escape(text string) string { return url.PathEscape(text) }

// Values returns the parameters that ParseStrict reads as this search and tag,
// without those that have their default value. Links that continue a search
// keep its tag; links to another search don't.
func (l Links) Values(s model.Search, tag string) url.Values {
	values := FilterValues(s.Filters)
	if tag != "" {
		values.Set(Tag, tag)
	}
	if s.Keyword != "" {
		values.Set(Keyword, string(s.Keyword))
	}
	if s.Exact && s.Keyword != "" {
		values.Set(Exact, "true")
	}
	if s.ByWork != l.ByWork {
		values.Set(Group, model.Group(s.ByWork))
	}
	if s.Offset > 0 {
		values.Set(Offset, strconv.Itoa(s.Offset))
	}
	if s.Limit != l.PageSize {
		values.Set(Limit, strconv.Itoa(s.Limit))
	}
	if s.Sort != model.ByRelevance {
		values.Set(Sort, string(s.Sort))
	}
	return values
}

// FilterValues returns the parameters of the filters that are set.
func FilterValues(f model.Filters) url.Values {
	values := url.Values{}
	if f.Author != "" {
		values.Set(Author, f.Author)
	}
	if f.Language != "" {
		values.Set(Language, f.Language)
	}
	if f.Subject != "" {
		values.Set(Subject, f.Subject)
	}
	if f.Decade != nil {
		values.Set(Decade, strconv.Itoa(*f.Decade))
	}
	if f.Available != nil {
		values.Set(Available, strconv.FormatBool(*f.Available))
	}
	return values
}
