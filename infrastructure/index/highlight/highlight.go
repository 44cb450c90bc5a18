// Package highlight shows why books were found: it marks the words of a query in the texts of
// a book. It compares them as the search index does, so it needs no index. It must not
// know how a search engine stores or ranks books.
package highlight

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/keyword"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

const (
	// maxRead is how much of a description is read, in characters.
	maxRead = 32 << 10
	// excerptLength is the length of an excerpt, and before how much of it stands before its
	// first marked word, in characters.
	excerptLength, before = 180, 60
)

// Highlighter implements gateway.Highlighter.
type Highlighter struct{}

// Highlight implements gateway.Highlighter.
func (Highlighter) Highlight(k model.Keyword, books []*model.Book) []model.Highlights {
	all := make([]model.Highlights, len(books))
	q := newQuery(k)
	if len(q.fields) == 0 {
		return all
	}
	for i, b := range books {
		all[i] = q.book(b)
	}
	return all
}

// query has the words that are marked, by number.
type query struct {
	fields []keyword.Field // where each word may stand
	own    [][]string      // the terms of each word itself
	terms  map[string][]int
	stems  map[string][]int // nil until they are needed: see stemmed
	// lengths are those of the terms, in bytes: few pairs of neighbours in a text are as long.
	lengths map[int]bool
}

func newQuery(k model.Keyword) *query {
	q := &query{terms: map[string][]int{}, lengths: map[int]bool{}}
	parsed := keyword.Parse(k)
	for i := 0; i < len(parsed.Clauses); i++ {
		c := parsed.Clauses[i]
		switch {
		case c.Excluded || c.Field == keyword.Year || c.Field == keyword.ISBN:
		case c.Field != keyword.Any || c.Phrase:
			q.add(c.Text, c.Field)
		default:
			// Words that follow each other are analysed together, as the search does.
			last := i
			for last+1 < len(parsed.Clauses) && isPlain(parsed.Clauses[last+1]) {
				last++
			}
			q.add(parsed.Served[c.Start:parsed.Clauses[last].End], keyword.Any)
			i = last
		}
	}
	return q
}

func isPlain(c keyword.Clause) bool { return c.Field == keyword.Any && !c.Phrase && !c.Excluded }

func (q *query) add(words string, field keyword.Field) {
	for _, token := range text.Query(words) {
		n := len(q.fields)
		q.fields = append(q.fields, field)
		for _, term := range token.Terms {
			q.terms[term] = append(q.terms[term], n)
			q.lengths[len(term)] = true
		}
		q.own = append(q.own, token.Terms[:token.Own])
	}
}

// stemmed returns the words by the stems of their terms.
func (q *query) stemmed() map[string][]int {
	if q.stems == nil {
		q.stems = map[string][]int{}
		for word, terms := range q.own {
			for _, term := range terms {
				for _, stem := range text.Stems(term) {
					q.stems[stem.Term] = append(q.stems[stem.Term], word)
				}
			}
		}
	}
	return q.stems
}

// mark is a part of a text that has a word of the query.
type mark struct{ start, end, word int }

func (q *query) book(b *model.Book) (h model.Highlights) {
	missing := make([]bool, len(q.fields))
	for i := range missing {
		missing[i] = true
	}
	in := func(s string, kind text.Kind, field keyword.Field) []mark {
		marks := q.marks(s, b.Language, kind, field)
		for _, m := range marks {
			missing[m.word] = false
		}
		return marks
	}
	h.Title = fragments(b.Title, in(b.Title, text.Title, keyword.Title))
	h.Author = fragments(b.Author, in(b.Author, text.Name, keyword.Author))
	// The other texts only explain words that stand neither in the title nor in the author.
	elsewhere := func(s string, field keyword.Field) []model.Fragment {
		if !slices.Contains(missing, true) {
			return nil
		}
		marks := slices.DeleteFunc(q.marks(s, b.Language, text.Other, field), func(m mark) bool { return !missing[m.word] })
		shown, marks := excerpt(s, marks)
		for _, m := range marks {
			missing[m.word] = false
		}
		return fragments(shown, marks)
	}
	h.Series = elsewhere(b.Series, keyword.Any)
	for _, subject := range b.Subjects {
		if marked := elsewhere(subject, keyword.Subject); marked != nil {
			if h.Subjects != nil {
				h.Subjects = append(h.Subjects, model.Fragment{Text: "; "})
			}
			h.Subjects = append(h.Subjects, marked...)
		}
	}
	h.Publisher = elsewhere(b.Publisher, keyword.Any)
	h.Description = elsewhere(start(b.Description, maxRead), keyword.Any)
	return h
}

// marks finds the words of the query in a text, in its order. The field is that of the text.
// Other forms of a word only count where the word itself isn't.
func (q *query) marks(s, language string, kind text.Kind, field keyword.Field) (marks []mark) {
	tokens := text.Book(s, language, kind)
	seen := make([]bool, len(q.fields))
	add := func(words []int, from, to int) {
		for _, word := range words {
			if f := q.fields[word]; f == keyword.Any || f == field {
				marks = append(marks, mark{tokens[from].Start, tokens[to].End, word})
				seen[word] = true
			}
		}
	}
	for i, token := range tokens {
		next := i + 1
		for _, term := range token.Terms {
			to := i
			if next < len(tokens) && term == token.Terms[0]+tokens[next].Terms[0] {
				to = next // two letters of a script without blanks, or parts of a compound
			}
			add(q.terms[term], i, to)
		}
		if next < len(tokens) && q.lengths[len(token.Terms[0])+len(tokens[next].Terms[0])] {
			for _, pair := range text.Pairs(tokens[i : next+1]) {
				add(q.terms[pair], i, next)
			}
		}
	}
	if !slices.Contains(seen, false) {
		return marks
	}
	exact := slices.Clone(seen)
	known := map[string][]int{} // of the terms: words repeat
	for i, token := range tokens {
		for _, term := range token.Terms {
			words, ok := known[term]
			if !ok {
				words = slices.DeleteFunc(slices.Clone(q.stemmed()[text.Stem(term, language)]), func(word int) bool { return exact[word] })
				known[term] = words
			}
			add(words, i, i)
		}
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return a.start - b.start })
	return marks
}

// excerpt returns the part of a text that has most of the marked words, with its marks. It is
// the whole text if that is short, and empty if there are no marks.
func excerpt(s string, marks []mark) (string, []mark) {
	if len(marks) == 0 {
		return "", nil
	}
	if utf8.RuneCountInString(s) <= excerptLength {
		return s, marks
	}
	best, most := 0, 0
	for i := range marks {
		if n := distinct(within(marks[i:], marks[i].start+excerptLength-before)); n > most {
			best, most = i, n
		}
	}
	from := back(s, marks[best].start, before)
	to := from + len(start(s[from:], excerptLength))
	to = max(to, marks[best].end)
	if to < len(s) {
		if blank := strings.LastIndexFunc(s[marks[best].end:to], unicode.IsSpace); blank >= 0 {
			to = marks[best].end + blank
		}
	}
	shown, shift := s[from:to], -from
	if from > 0 {
		shown, shift = ellipsis+shown, shift+len(ellipsis)
	}
	if to < len(s) {
		shown += ellipsis
	}
	var kept []mark
	for _, m := range marks {
		if m.start >= from && m.end <= to {
			kept = append(kept, mark{m.start + shift, m.end + shift, m.word})
		}
	}
	return shown, kept
}

const ellipsis = "…"

// within returns the marks that end before a byte.
func within(marks []mark, end int) []mark {
	for i, m := range marks {
		if m.end > end {
			return marks[:max(i, 1)]
		}
	}
	return marks
}

func distinct(marks []mark) int {
	words := map[int]bool{}
	for _, m := range marks {
		words[m.word] = true
	}
	return len(words)
}

// back returns a byte at most n characters before another one, behind a blank if there is one.
func back(s string, at, n int) int {
	from := at
	for ; n > 0 && from > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:from])
		from -= size
	}
	if from == 0 {
		return 0
	}
	if blank := strings.IndexFunc(s[from:at], unicode.IsSpace); blank >= 0 {
		from += blank
		_, size := utf8.DecodeRuneInString(s[from:])
		return from + size
	}
	return from
}

// start returns the first n characters of a text.
func start(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// fragments cuts a text at its marks. It returns nil if there are none.
func fragments(s string, marks []mark) (list []model.Fragment) {
	if len(marks) == 0 {
		return nil
	}
	slices.SortFunc(marks, func(a, b mark) int { return a.start - b.start })
	done := 0
	for i := 0; i < len(marks); {
		from, to := marks[i].start, marks[i].end
		// Neighbours are one fragment.
		for i++; i < len(marks) && strings.TrimSpace(s[min(to, marks[i].start):marks[i].start]) == ""; i++ {
			to = max(to, marks[i].end)
		}
		if from > done {
			list = append(list, model.Fragment{Text: s[done:from]})
		}
		list = append(list, model.Fragment{Text: s[from:to], Match: true})
		done = to
	}
	if done < len(s) {
		list = append(list, model.Fragment{Text: s[done:]})
	}
	return list
}
