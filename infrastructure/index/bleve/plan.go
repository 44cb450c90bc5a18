package bleve

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"literank.com/event-books/domain/keyword"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

// plan is a query in the terms of the index.
type plan struct {
	typed string
	words []word
	// longest has the numbers of all words, the longest first: they are likely to be the rarest.
	longest []int
	// key and exact are what whole titles are compared with, or empty. Only exact has
	// punctuation.
	key, exact string
	// conditions must all hold.
	conditions []condition
	filters    model.Filters
	all        bool // every book matches
}

// word must match by any of its terms.
type word struct {
	text.Token // Start and End are bytes of what was typed
	// fixed words are not corrected: numbers, and the words of phrases and fields.
	fixed bool
	// stems are those of the terms in all languages, for the query's isn't known.
	stems []text.Stemmed
}

// own returns the terms of the word itself, without compounds with its neighbours.
func (w *word) own() []string { return w.Terms[:w.Own] }

// condition holds for a book that has all words in the field, or any of the terms, or an ISBN
// with the prefix.
type condition struct {
	field    string
	words    []text.Token
	pairs    []string // neighbours of a phrase
	terms    []string
	isbn     string // a prefix
	excluded bool
}

// newPlan translates a query.
func newPlan(k model.Keyword, filters model.Filters) *plan {
	q := keyword.Parse(k)
	p := &plan{typed: q.Served, filters: filters}
	var whole []string
	for i := 0; i < len(q.Clauses); {
		c := q.Clauses[i]
		if !plain(c) {
			p.clause(c)
			if !c.Excluded && c.Field == keyword.Any {
				whole = append(whole, c.Text)
			}
			i++
			continue
		}
		// Words that follow each other are analysed together: "J. K." and "twenty one" are
		// one term each.
		end := i + 1
		for end < len(q.Clauses) && plain(q.Clauses[end]) && !strings.ContainsFunc(q.Served[q.Clauses[end-1].End:q.Clauses[end].Start], isWord) {
			end++
		}
		run := q.Served[c.Start:q.Clauses[end-1].End]
		p.add(run, c.Start, false)
		whole = append(whole, run)
		i = end
	}
	p.exact = wholeText(string(k))
	if len(whole) > 0 {
		// A long title is more than the words that are searched.
		p.key = text.Key(strings.Join(whole, " ") + string(k[len(q.Served):]))
	}
	p.order()
	return p
}

// order sets the order in which words are looked up.
func (p *plan) order() {
	p.longest = make([]int, len(p.words))
	for i := range p.longest {
		p.longest[i] = i
	}
	slices.SortStableFunc(p.longest, func(a, b int) int { return cmp.Compare(len(p.words[b].Terms[0]), len(p.words[a].Terms[0])) })
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// plain reports whether the clause is a word and nothing else.
func plain(c keyword.Clause) bool {
	return c.Field == keyword.Any && !c.Phrase && !c.Excluded && c.ISBN == ""
}

// add adds the words of a text that was typed at an offset.
func (p *plan) add(typed string, offset int, fixed bool) {
	for _, token := range text.Query(typed) {
		w := word{Token: token, fixed: fixed || isNumber(token.Terms[0])}
		w.Start += offset
		w.End += offset
		for _, term := range w.own() {
			w.stems = append(w.stems, text.Stems(term)...)
		}
		p.words = append(p.words, w)
	}
}

func isNumber(term string) bool {
	return strings.ContainsAny(term, "0123456789")
}

// fieldOf says where the words of a clause must match.
var fieldOf = map[keyword.Field]string{
	keyword.Any: textField, keyword.Author: authorField, keyword.Title: titleField, keyword.Subject: subjectField,
}

func (p *plan) clause(c keyword.Clause) {
	switch {
	case c.Field == keyword.Year:
		var years []string
		for year := c.From; year <= c.To; year++ {
			years = append(years, yearIs+strconv.Itoa(year))
		}
		p.conditions = append(p.conditions, condition{field: exactField, terms: years, excluded: c.Excluded})
		return
	case c.ISBN != "" && c.Prefix:
		number := condition{isbn: c.ISBN, excluded: c.Excluded}
		if c.Field == keyword.Any { // it may be another number
			number.field, number.words = textField, text.Query(c.Text)
		}
		p.conditions = append(p.conditions, number)
		return
	case c.ISBN != "":
		p.conditions = append(p.conditions, condition{field: isbnField, terms: []string{c.ISBN}, excluded: c.Excluded})
		return
	}
	words := text.Query(c.Text)
	if len(words) == 0 {
		return
	}
	condition := condition{field: fieldOf[c.Field], words: words, excluded: c.Excluded}
	if c.Phrase {
		condition.pairs = text.Pairs(words)
	}
	p.conditions = append(p.conditions, condition)
	if !c.Excluded {
		p.add(c.Text, c.Start, true)
	}
}

// empty reports whether the plan asks for nothing that a book can have.
func (p *plan) empty() bool {
	for _, c := range p.conditions {
		if !c.excluded {
			return false
		}
	}
	return !p.all && len(p.words) == 0
}

// unfiltered returns the plan without filters.
func (p *plan) unfiltered() *plan {
	without := *p
	without.filters = model.Filters{}
	return &without
}

// with returns the plan with other words.
func (p *plan) with(words []word) *plan {
	changed := *p
	changed.words = words
	terms := make([]string, len(words))
	for i, w := range words {
		terms[i] = w.Terms[0]
	}
	changed.key = strings.Join(terms, " ")
	changed.exact = "" // nobody typed it
	changed.order()
	return &changed
}

// served returns what was typed, with the words that this plan has instead. A word without
// terms in p is left out.
func (p *plan) served(original *plan) string {
	kept := map[int]word{}
	for _, w := range p.words {
		kept[w.Start] = w
	}
	out, end := strings.Builder{}, 0
	for i, w := range original.words {
		out.WriteString(p.typed[end:max(end, w.Start)])
		end = max(end, w.Start)
		switch now, ok := kept[w.Start]; {
		case !ok: // the next word may cover its last letter
			if i+1 < len(original.words) {
				w.End = min(w.End, original.words[i+1].Start)
			}
		case now.Terms[0] == w.Terms[0]:
			out.WriteString(p.typed[end:max(end, w.End)])
		default:
			out.WriteString(now.Terms[0])
		}
		end = max(end, w.End)
	}
	out.WriteString(p.typed[end:])
	return strings.Join(strings.Fields(out.String()), " ")
}
