package model

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

const (
	// MaxKeyword is the longest keyword, in code points after trimming.
	MaxKeyword = 1000
	// MaxWords is how many words of a keyword are searched; further ones are ignored.
	MaxWords = 16
	// MaxLimit is the largest page.
	MaxLimit = 100
	// MaxOffset is the furthest place that a page can start at.
	MaxOffset = 1<<31 - 1
)

// Keyword is what a shopper searches for: valid UTF-8 in Unicode NFC, without
// NUL, without white space around it, at most MaxKeyword code points. The
// empty keyword means all books.
type Keyword string

// ParseKeyword checks and normalizes what was typed. Its error names the
// parameter q.
func ParseKeyword(typed string) (Keyword, error) {
	if !utf8.ValidString(typed) {
		return "", Errorf(Malformed, "q", "is not valid UTF-8")
	}
	if strings.ContainsRune(typed, 0) {
		return "", Errorf(Malformed, "q", "contains a NUL character")
	}
	typed = strings.TrimFunc(typed, unicode.IsSpace)
	// Composing makes text shorter, but hardly ever to a sixteenth: what is
	// longer is not worth the work.
	if utf8.RuneCountInString(typed) > 16*MaxKeyword {
		return "", keywordTooLong()
	}
	keyword := norm.NFC.String(typed)
	if utf8.RuneCountInString(keyword) > MaxKeyword {
		return "", keywordTooLong()
	}
	return Keyword(keyword), nil
}

func keywordTooLong() error {
	return Errorf(Malformed, "q", "is longer than %d characters", MaxKeyword)
}

// Words returns the folded words that are searched, at most MaxWords; a
// complete valid ISBN among them is given as its 13 digits. It also returns
// how many words were ignored.
func (k Keyword) Words() (words []string, ignored int) {
	words = strings.Fields(Fold(string(k)))
	if len(words) > MaxWords {
		words, ignored = words[:MaxWords], len(words)-MaxWords
	}
	for i, word := range words {
		// Shorter numbers are more likely a year or a price than a book number.
		if isbn, ok := ParseISBN(word); ok && len(word) >= 10 {
			words[i] = isbn
		}
	}
	return words, ignored
}

// Served returns the keyword as it is really searched: without the typed words
// behind the last one that counts.
func (k Keyword) Served() string {
	typed, counted := strings.Fields(string(k)), 0
	if len(typed) <= MaxWords && !strings.ContainsFunc(string(k), func(r rune) bool { return r > unicode.MaxASCII }) {
		return string(k) // folding splits no ASCII
	}
	for i, word := range typed {
		if counted >= MaxWords {
			return strings.Join(typed[:i], " ")
		}
		counted += len(strings.Fields(Fold(word))) // folding can split one: ´ has a space in it
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

// ParseSort reads a name of an order; "" is the default.
func ParseSort(name string) (Sort, error) {
	if name == "" {
		return ByRelevance, nil
	}
	for _, s := range Sorts {
		if name == string(s) {
			return s, nil
		}
	}
	return "", Errorf(Malformed, "sort", "must be one of relevance, title, newest, oldest")
}

// Filters narrow a search. A zero field doesn't filter.
type Filters struct {
	// Author is one author or the whole author line, compared folded.
	Author string
	// Language is a BCP 47 tag; "en" also takes "en-GB".
	Language string
	// Subject is one subject, compared folded.
	Subject string
	// Decade is the first year of ten, nil for all.
	Decade *int
	// Available, if set, keeps the books in stock, or those that are not.
	Available *bool
}

// ParseFilters reads the filters among the parameters of a request. Its
// errors name the parameter.
func ParseFilters(get func(name string) string) (Filters, error) {
	var f Filters
	for name, field := range map[string]*string{"author": &f.Author, "subject": &f.Subject, "language": &f.Language} {
		value := get(name)
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return f, Errorf(Malformed, name, "is not valid UTF-8 text without NUL")
		}
		value = strings.TrimSpace(norm.NFC.String(value))
		if utf8.RuneCountInString(value) > MaxKeyword {
			return f, Errorf(Malformed, name, "is longer than %d characters", MaxKeyword)
		}
		*field = value
	}
	if f.Language != "" {
		tag, err := ParseLanguage(f.Language)
		if err != nil {
			return f, Errorf(Malformed, "language", "is not a BCP 47 language tag")
		}
		f.Language = tag
	}
	if s := get("decade"); s != "" {
		decade, err := strconv.Atoi(s)
		if err != nil || decade%10 != 0 || decade < -9990 || decade > 9990 {
			return f, Errorf(Malformed, "decade", "must be the first year of a decade, such as 1990")
		}
		f.Decade = &decade
	}
	switch s := get("available"); s {
	case "":
	case "true", "false":
		available := s == "true"
		f.Available = &available
	default:
		return f, Errorf(Malformed, "available", "must be true or false")
	}
	return f, nil
}

// Values returns the filters as parameters of a request, only those that are set.
func (f Filters) Values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"author": f.Author, "language": f.Language, "subject": f.Subject} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if f.Decade != nil {
		v.Set("decade", strconv.Itoa(*f.Decade))
	}
	if f.Available != nil {
		v.Set("available", strconv.FormatBool(*f.Available))
	}
	return v
}

// ParseLanguage returns the canonical BCP 47 tag: "eng" gives "en", "EN-us"
// gives "en-US".
func ParseLanguage(s string) (string, error) {
	tag, err := language.Parse(s)
	if err != nil {
		return "", err
	}
	if tag == language.Und {
		return "", Errorf(Invalid, "language", "names no language")
	}
	return tag.String(), nil
}

// Search is one question to the catalogue.
type Search struct {
	Keyword Keyword
	Filters Filters
	Sort    Sort
	// Offset and Limit cut a page out of the result, in books.
	Offset, Limit int
}

// SearchResult is one page of what a search found.
type SearchResult struct {
	// Books is never nil.
	Books []*Book
	// Total counts the books found over all pages.
	Total int
}
