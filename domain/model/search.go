package model

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

const (
	// MaxKeyword is the longest keyword, in code points after trimming.
	MaxKeyword = 1000
	// MaxWords is the number of words that a search uses; it ignores the others.
	MaxWords = 16
	// MaxLimit is the largest page, in books.
	MaxLimit = 100
	// MaxOffset is the largest offset of a page of the plain list.
	MaxOffset = 1<<31 - 1
	// MaxDepth is how many books of any other result can be reached: to find a page,
	// an index must sort all books before it.
	MaxDepth = 10_000
)

// Keyword is what a shopper searches for: valid UTF-8 in Unicode NFC, without
// NUL, without white space around it, at most MaxKeyword code points. The
// empty keyword means all books.
type Keyword string

// ParseKeyword checks and normalizes a keyword as typed. Its error has the
// code Malformed.
func ParseKeyword(typed string) (Keyword, error) {
	if !utf8.ValidString(typed) {
		return "", Errorf(Malformed, "", "is not valid UTF-8")
	}
	if strings.ContainsRune(typed, 0) {
		return "", Errorf(Malformed, "", "contains a NUL character")
	}
	typed = strings.TrimFunc(typed, unicode.IsSpace)
	// NFC can't shorten longer text to MaxKeyword.
	if utf8.RuneCountInString(typed) > maxDecomposition*MaxKeyword {
		return "", tooLong(MaxKeyword)
	}
	keyword := nfc(typed)
	if utf8.RuneCountInString(keyword) > MaxKeyword {
		return "", tooLong(MaxKeyword)
	}
	return Keyword(keyword), nil
}

func tooLong(most int) error {
	return Errorf(Malformed, "", "is longer than %d characters", most)
}

// Words returns the folded words of the search, at most MaxWords, with each
// complete valid ISBN as its 13 digits, and the number of ignored words.
func (k Keyword) Words() (words []string, ignored int) {
	words = strings.Fields(Fold(string(k)))
	if len(words) > MaxWords {
		words, ignored = words[:MaxWords], len(words)-MaxWords
	}
	for i, word := range words {
		// A shorter number is more likely a year or a price than an ISBN.
		if isbn, ok := ParseISBN(word); ok && len(word) >= 10 {
			words[i] = isbn
		}
	}
	return words, ignored
}

// Served returns the keyword that the search really uses: the typed words up to
// the last one within MaxWords.
func (k Keyword) Served() string {
	typed, counted := strings.Fields(string(k)), 0
	if len(typed) <= MaxWords && !strings.ContainsFunc(string(k), func(r rune) bool { return r > unicode.MaxASCII }) {
		return string(k) // folding never splits an ASCII word
	}
	for i, word := range typed {
		if counted >= MaxWords {
			return strings.Join(typed[:i], " ")
		}
		counted += len(strings.Fields(Fold(word))) // folding can split a word: ´ becomes a space and a mark
	}
	return string(k)
}

// Sort is the order of a result.
type Sort string

const (
	// ByRelevance puts books with all words in the title first, then the
	// rest; within each by id.
	ByRelevance Sort = "relevance"
	// ByTitle is the byte order of folded titles, then id.
	ByTitle Sort = "title"
	// ByNewest and ByOldest order by year, books without one last, then id.
	ByNewest Sort = "newest"
	ByOldest Sort = "oldest"
)

// Sorts lists the orders, the default first.
var Sorts = []Sort{ByRelevance, ByTitle, ByNewest, ByOldest}

// ParseSort reads the name of an order; "" means the default. Its error has
// the code Malformed.
func ParseSort(name string) (Sort, error) {
	if name == "" {
		return ByRelevance, nil
	}
	if !slices.Contains(Sorts, Sort(name)) {
		return "", Errorf(Malformed, "", "must be one of relevance, title, newest, oldest")
	}
	return Sort(name), nil
}

// Filters narrow a search. A zero field doesn't filter.
type Filters struct {
	// Author is one author or the whole author line, compared folded.
	Author string
	// Language is a BCP 47 tag; "en" also matches "en-GB".
	Language string
	// Subject is one subject, compared folded.
	Subject string
	// Decade is the first year of a decade; nil matches all.
	Decade *int
	// Available keeps the books in stock if it is true, and the others if it is
	// false. nil keeps all.
	Available *bool
}

// ParseFilterText checks and normalizes the text of a filter. Its error has the
// code Malformed.
func ParseFilterText(text string) (string, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", Errorf(Malformed, "", "is not valid UTF-8 text without NUL")
	}
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxDecomposition*MaxKeyword {
		return "", tooLong(MaxKeyword)
	}
	text = nfc(text)
	if utf8.RuneCountInString(text) > MaxKeyword {
		return "", tooLong(MaxKeyword)
	}
	return text, nil
}

// ParseDecade reads the first year of a decade. Its error has the code
// Malformed.
func ParseDecade(text string) (int, error) {
	decade, err := strconv.Atoi(text)
	if err != nil || decade%10 != 0 || decade < -9990 || decade > 9990 {
		return 0, Errorf(Malformed, "", "must be the first year of a decade, such as 1990")
	}
	return decade, nil
}

// GroupByWork and GroupByBook name what a result lists: one edition of each work, or each
// book.
const (
	GroupByWork = "work"
	GroupByBook = "book"
)

// ParseGroup reads what a result lists. Its error has the code Malformed.
func ParseGroup(name string) (byWork bool, err error) {
	if name != GroupByWork && name != GroupByBook {
		return false, Errorf(Malformed, "", "must be %s or %s", GroupByWork, GroupByBook)
	}
	return name == GroupByWork, nil
}

// Group is the reverse of ParseGroup.
func Group(byWork bool) string {
	if byWork {
		return GroupByWork
	}
	return GroupByBook
}

// ParseBool reads "true" or "false". Its error has the code Malformed.
func ParseBool(text string) (bool, error) {
	if text != "true" && text != "false" {
		return false, Errorf(Malformed, "", "must be true or false")
	}
	return text == "true", nil
}

// ParseLanguage returns the canonical BCP 47 tag: "eng" gives "en", "EN-us"
// gives "en-US". Its error has the code Malformed.
func ParseLanguage(text string) (string, error) {
	tag, err := language.Parse(text)
	if err != nil || tag == language.Und {
		return "", Errorf(Malformed, "", "is not a BCP 47 language tag")
	}
	return tag.String(), nil
}

// Search is one search of the catalogue, from the request to the index.
type Search struct {
	Keyword Keyword
	Filters Filters
	Sort    Sort
	// Offset and Limit select the page of the result, in books.
	Offset, Limit int
	// WithoutTotal says that the total isn't wanted. Counting takes as long as finding.
	WithoutTotal bool
	// Exact says that the keyword must not be corrected or relaxed.
	Exact bool
	// WithFacets says that facets are wanted.
	WithFacets bool
	// ByWork lists one edition of each work, if the engine knows works: the one that matches
	// best. Total and facets count works then.
	ByWork bool
}

// Plain reports whether this is the list of all books in the order of the catalogue.
func (s Search) Plain() bool {
	return s.Keyword == "" && s.Filters == Filters{} && (s.Sort == "" || s.Sort == ByRelevance)
}

// TooDeep reports whether the page ends behind MaxDepth.
func (s Search) TooDeep() bool { return !s.Plain() && s.Offset > MaxDepth-s.Limit }

// SearchResult is one page of a result.
type SearchResult struct {
	// IDs are those of its books, in order.
	IDs []uint
	// Total counts the books on all pages. It may be less for a search WithoutTotal.
	Total int
	// Match says how the books relate to the keyword. If it is empty, that follows from
	// Total.
	Match Match
	// Served is the keyword that was searched. If it is empty, that is all words of the one
	// typed within MaxWords, as package keyword reads it.
	Served string
	// Typed counts the books that the keyword finds as typed, if Match is CorrectedMatch or
	// RelaxedMatch.
	Typed int
	// Suggested is a keyword that the shopper may have meant, or empty.
	Suggested string
	// ByWork says that works are listed. Then Editions counts, for each of IDs, the further
	// editions that match.
	ByWork   bool
	Editions []int
	// Facets is nil unless the search asked for facets and the engine has them.
	Facets *Facets
}

// Capabilities are what a search engine can do beyond finding every word.
type Capabilities struct {
	// Correction: keywords that find nothing are corrected and relaxed.
	Correction bool `json:"correction"`
	// Facets: results are counted by their values.
	Facets bool `json:"facets"`
	// Suggestions: what a shopper types is completed.
	Suggestions bool `json:"suggestions"`
	// Works: editions are grouped by work.
	Works bool `json:"works"`
	// Explanations: the place of a book in a result is explained.
	Explanations bool `json:"explanations"`
}

// Suggestion completes what a shopper has typed.
type Suggestion struct {
	Text string         `json:"text"`
	Kind SuggestionKind `json:"kind"`
	// BookID is a book with this title, or 0.
	BookID uint `json:"book_id,omitempty"`
}

// MaxSuggestions is how many suggestions a shopper gets at most.
const MaxSuggestions = 8

// SuggestionKind says what the text of a Suggestion is.
type SuggestionKind string

const (
	TitleSuggestion  SuggestionKind = "title"
	AuthorSuggestion SuggestionKind = "author"
)

// Explanation says why a book stands where it does in a result, or why it is missing.
type Explanation struct {
	BookID uint `json:"book_id"`
	Found  bool `json:"found"`
	// Rank is the place of the book in the result, or of its work if the search is ByWork,
	// from 1. It is 0 if the book isn't found, or lies behind MaxDepth.
	Rank int `json:"rank,omitempty"`
	// Tier is the number of the group of matches that the book belongs to, from 1. Better
	// groups come first. Within a group, the higher weight does.
	Tier       int             `json:"tier,omitempty"`
	Why        string          `json:"why"`
	Words      []ExplainedWord `json:"words,omitempty"`
	Weight     float64         `json:"weight"`
	Popularity int64           `json:"popularity"`
	InStock    bool            `json:"in_stock"`
}

// ExplainedWord says where a book has a word of the query.
type ExplainedWord struct {
	Word string `json:"word"`
	// Term is how the index spells the word.
	Term string `json:"term,omitempty"`
	// In lists title, authors, subjects, facts (such as series and publisher), description, or
	// else "another form".
	In []string `json:"in"`
}

// Facets count the books of a result by their values, the commonest values first. The filter
// of a facet doesn't narrow its counts. Values have the form that the filter takes; in JSON, each
// facet has the name of its filter.
type Facets struct {
	Authors      []FacetValue `json:"author,omitempty"`
	Languages    []FacetValue `json:"language,omitempty"`
	Decades      []FacetValue `json:"decade,omitempty"`
	Subjects     []FacetValue `json:"subject,omitempty"`
	Availability []FacetValue `json:"available,omitempty"`
}

// FacetValue is a value with the number of books that have it.
type FacetValue struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}
