// Package keyword reads what a shopper typed: words, phrases in quotes, excluded
// words, fields and ISBNs. It knows no index; any engine can run its Query.
package keyword

import (
	"literank.com/event-books/domain/model"
)

// Query is a parsed keyword.
type Query struct {
	// Clauses are in the order typed. A book must match all clauses, except that it
	// must match none of the excluded ones. A query with an excluded clause has one
	// that isn't.
	Clauses []Clause
	// Ignored is the number of words beyond model.MaxWords.
	Ignored int
	// Served is the typed text up to the last word searched.
	Served string
	// WrongISBN is a number that has the form of an ISBN and the wrong check digit,
	// without separators. It is also one of the clauses, as text.
	WrongISBN string
}

// Field says where a clause must match.
type Field string

const (
	Any     Field = ""
	Author  Field = "author"
	Title   Field = "title"
	ISBN    Field = "isbn"
	Year    Field = "year"
	Subject Field = "subject"
)

// Clause is one condition of a query.
type Clause struct {
	Field Field
	// Text is what to find, as typed, without operators, quotes and the brackets
	// around it. That of a number with the form of an ISBN has no separators.
	Text string
	// Phrase says that the words of Text must follow each other. Text has at least
	// two of them.
	Phrase   bool
	Excluded bool
	// ISBN has 13 digits, or, if Prefix is set, at least the first seven. If Field is
	// Any, a book whose words match Text matches as well: the number may be something else.
	ISBN   string
	Prefix bool
	// From and To are the first and the last year of a clause whose Field is Year.
	From, To int
	// Start and End are byte offsets of the whole clause in the typed text: with its
	// operators and quotes, without brackets around it.
	Start, End int

	textStart, textEnd int  // what Rewrite replaces
	wrong              bool // the check digit of an ISBN
}

// Parse reads a keyword. Every text is a valid query: what isn't an operator is
// text.
//
//   - A phrase stands in quotes of any shape. Quotes without a partner are text.
//   - A hyphen directly before a word or a phrase excludes it, unless nothing else is
//     searched.
//   - A field is one of the names author, title, isbn, year and subject in any case, a
//     colon, and a word or phrase. It is text where a title seems to continue: if it is
//     capitalized, a blank and a capital follow, and only plain words stand before it
//     ("The Title: A Comedy").
//   - A year is 1990, 1990-1999 or the decade 1990s; anything else is text.
//   - A number with the form and the check digit of an ISBN is one, with or without
//     the word ISBN. Words such as "book" and "no." beside it don't count.
//   - AND, OR, NOT, wildcards and regular expressions are text.
//
// A word is what stands between white space and is more than punctuation.
// Punctuation is searched only if there is nothing else.
func Parse(k model.Keyword) Query {
	p := parser{typed: string(k), tokens: split(string(k))}
	for p.next < len(p.tokens) {
		p.clause()
	}
	return finish(p.typed, p.clauses)
}

// Plain reads a keyword as words only: no character in it is an operator.
func Plain(k model.Keyword) Query {
	var clauses []Clause
	for _, t := range words(string(k), 0, len(k)) {
		clauses = append(clauses, t.asText())
	}
	return finish(string(k), clauses)
}

// finish makes the query of all clauses, which end at any word.
func finish(typed string, clauses []Clause) Query {
	clauses = withoutPunctuation(clauses)
	q := Query{Served: typed}
	q.Clauses, q.Ignored = limit(clauses, typed)
	if n := len(q.Clauses); q.Ignored > 0 {
		q.Served = typed[:q.Clauses[n-1].End]
	}
	q.Clauses = withoutNoise(q.Clauses)
	positive := false
	for _, c := range q.Clauses {
		positive = positive || !c.Excluded
		if c.wrong && !c.Excluded {
			q.WrongISBN = c.Text
		}
	}
	for i := range q.Clauses {
		q.Clauses[i].Excluded = q.Clauses[i].Excluded && positive
	}
	return q
}

// withoutPunctuation drops the clauses without a word, unless all are.
func withoutPunctuation(clauses []Clause) []Clause {
	var kept []Clause
	for _, c := range clauses {
		if !isPunctuation(c.Text) {
			kept = append(kept, c)
		}
	}
	if len(kept) > 0 {
		return kept
	}
	for _, c := range clauses {
		if model.Fold(c.Text) != "" {
			kept = append(kept, c)
		}
	}
	return kept
}

// limit keeps the first model.MaxWords words. It shortens a phrase.
func limit(clauses []Clause, typed string) (kept []Clause, ignored int) {
	left := model.MaxWords
	for _, c := range clauses {
		n := 1
		if c.Phrase {
			n = len(searched(typed, c.textStart, c.textEnd))
		}
		switch {
		case n <= left:
			kept = append(kept, c)
		case left > 0:
			kept = append(kept, c.shortened(typed, left))
		}
		ignored += max(0, n-left)
		left = max(0, left-n)
	}
	return kept, ignored
}

// shortened returns the clause with the first n words of its phrase.
func (c Clause) shortened(typed string, n int) Clause {
	last := searched(typed, c.textStart, c.textEnd)[n-1]
	c.textEnd, c.End = last.end, last.end
	c.Text = typed[c.textStart:c.textEnd]
	c.Phrase = n > 1
	return c
}
