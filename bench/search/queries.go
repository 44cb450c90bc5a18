//go:build unix

package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"literank.com/event-books/domain/model"
)

// set is a set of queries that are measured together.
type set struct {
	name, what string
	queries    []string
	kind       kind
	reach      float64 // the asked ratio of p99 to the reference's
}

// kind says how a set is searched.
type kind int

const (
	plain kind = iota
	misspelt
	typing // the answer are suggestions
	faceted
)

// queriesPerSet is the number of queries of a set.
const queriesPerSet = 400

// draw draws the query sets from the catalogue.
func (b *bench) draw() ([]*set, error) {
	random := rand.New(rand.NewPCG(14, 1))
	anyBook := func() *model.Book { return &b.books[random.IntN(len(b.books))] }
	q1 := fill(func() string {
		words := wordsOf(anyBook().Title)
		if len(words) == 0 {
			return ""
		}
		from := random.IntN(len(words))
		return strings.Join(words[from:min(len(words), from+1+random.IntN(3))], " ")
	})
	q2 := fill(func() string {
		book := anyBook()
		words, name := wordsOf(book.Title), wordsOf(author(book))
		if len(words) == 0 || len(name) == 0 {
			return ""
		}
		return name[len(name)-1] + " " + words[random.IntN(len(words))]
	})
	q3 := fill(func() string { return author(anyBook()) })
	q6 := fill(func() string {
		title := []rune(model.Fold(anyBook().Title))
		return strings.TrimSpace(string(title[:min(len(title), 2+random.IntN(5))]))
	})
	q8 := fill(func() string {
		var han []rune
		for len(han) < 2 {
			han = han[:0]
			for _, r := range anyBook().Title {
				if unicode.Is(unicode.Han, r) {
					han = append(han, r)
				} else if len(han) > 0 {
					break
				}
			}
		}
		n := min(len(han), 2+random.IntN(3))
		from := random.IntN(len(han) - n + 1)
		return string(han[from : from+n])
	})
	q4, heavy := b.common()
	q5, err := b.typos()
	if err != nil {
		return nil, err
	}
	sets := []*set{
		{"Q1", "1–3 words of a title", q1, plain, 0.055},
		{"Q2", "a surname and a word of a title", q2, plain, 0.085},
		{"Q3", "an author", q3, plain, 0.10},
		{"Q4", "very common words", q4, plain, 0.07},
		{"QH", "the 66 heaviest of them", heavy, plain, 0.07},
		{"Q5", "a title with a real misspelling", q5, misspelt, 0.24},
		{"Q6", "2–6 letters while typing, 8 suggestions", q6, typing, 0.017},
		{"Q7", "Q1 with facets", q1, faceted, 0.03},
		{"QF", "QH with facets", heavy, faceted, 0.033},
		{"Q8", "2–4 Chinese characters", q8, plain, 0.5},
	}
	return slices.DeleteFunc(sets, func(s *set) bool { return b.only != "" && b.only != s.name }), nil
}

// fill calls draw until it has returned enough queries.
func fill(draw func() string) []string {
	var queries []string
	for len(queries) < queriesPerSet {
		if query := draw(); query != "" {
			queries = append(queries, query)
		}
	}
	return queries
}

// wordsOf returns the folded words of a text.
func wordsOf(text string) []string {
	return strings.FieldsFunc(model.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// common returns the commonest sequences of one to three words, and of these the ones whose words
// have the most books.
func (b *bench) common() (all, heaviest []string) {
	counts, words := map[string]int{}, map[string]int{}
	for i := range b.books {
		title := wordsOf(b.books[i].Title)
		for n := 1; n <= 3; n++ {
			for from := 0; from+n <= len(title); from++ {
				counts[strings.Join(title[from:from+n], " ")]++
			}
		}
		for _, word := range title {
			words[word]++
		}
	}
	all = slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	all = all[:min(len(all), queriesPerSet)]
	weight := func(query string) (n int) {
		for word := range strings.FieldsSeq(query) {
			n += words[word]
		}
		return n
	}
	heaviest = slices.SortedFunc(slices.Values(all), func(a, b string) int { return cmp.Compare(weight(b), weight(a)) })
	return all, heaviest[:min(len(heaviest), 66)]
}

// typos reads misspelt titles of the catalogue.
func (b *bench) typos() ([]string, error) {
	f, err := os.Open(filepath.Join(b.dir, "typo_queries.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("typo_queries.csv: %w", err)
	}
	var queries []string
	for i := 1; i < len(rows) && len(queries) < queriesPerSet; i += 5 {
		if rows[i][1] == "gutenberg" {
			queries = append(queries, rows[i][0])
		}
	}
	return queries, nil
}

// author returns the first author of a book, or "".
func author(b *model.Book) string {
	for _, name := range b.Authors() {
		return name
	}
	return ""
}
