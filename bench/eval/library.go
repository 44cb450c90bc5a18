package main

import (
	"context"
	"errors"
	"io/fs"
	"log"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// relation says that two queries find the same books, or that the other one finds some of
// those of the first, or that the book with the title of the query is first.
type relation struct {
	kind         string // of the row
	query, other string
	part         bool
	title        bool
}

// library measures the queries of library_queries.csv. Its ids and counts are those of
// another catalogue, so only the relations between queries are compared.
func (e *eval) library(ctx context.Context) error {
	rows, err := e.rows("library_queries.csv")
	if err != nil {
		return err
	}
	all, some := e.newScore("library queries: the relation holds", "95 %"), e.newScore("the same, of those that find something", "95 %")
	byKind := map[string]*score{}
	for _, kind := range []string{"spellings", "word forms", "hyphens", "phrases", "titles"} {
		byKind[kind] = e.newScore("library queries, "+kind, "")
	}
	seen := map[relation]bool{}
	for _, row := range rows {
		for _, r := range relationsOf(row) {
			if seen[r] {
				continue
			}
			seen[r] = true
			ok, books, result, err := e.holds(ctx, r)
			if err != nil {
				return err
			}
			if result == nil {
				continue
			}
			scores := []*score{all, byKind[r.kind]}
			if result.Total > 0 {
				scores = append(scores, some)
			}
			for _, s := range scores {
				e.add(s, ok, r.query+" ~ "+r.other, books, result)
			}
		}
	}
	return nil
}

// relations measures pairs of queries that lie beside the catalogues, if they do.
func (e *eval) relations(ctx context.Context) error {
	rows, err := e.rows(filepath.Join("..", "cases", "search_relations.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		log.Print("relations aren't measured: ", err)
		return nil
	}
	if err != nil {
		return err
	}
	s := e.newScore("pairs of queries: the relation holds, and something is found", "100 %")
	for _, row := range rows {
		ok, books, result, err := e.holds(ctx, relation{query: row["query"], other: row["other_query"], part: row["relation"] == "contains"})
		if err != nil {
			return err
		}
		e.add(s, ok && result.Total > 0, row["query"]+" ~ "+row["other_query"], books, result)
	}
	return nil
}

// holds compares two queries. The result is nil if there is nothing to compare.
func (e *eval) holds(ctx context.Context, r relation) (bool, []*model.Book, *model.SearchResult, error) {
	books, result, err := e.search(ctx, r.query, model.MaxLimit)
	if err != nil {
		return false, nil, nil, err
	}
	if r.title {
		if !e.folded[model.Fold(r.query)] {
			return false, nil, nil, nil
		}
		return place(books, titled(r.query)) == 1, books, result, nil
	}
	others, otherResult, err := e.search(ctx, r.other, model.MaxLimit)
	if err != nil {
		return false, nil, nil, err
	}
	if r.part {
		return otherResult.Total <= result.Total && (r.kind != "" || otherResult.Total > 0), books, result, nil
	}
	return result.Total == otherResult.Total && (result.Total > model.MaxLimit || slices.Equal(sorted(books), sorted(others))), books, result, nil
}

var (
	sameAs  = regexp.MustCompile(`expect\(resp2?\)\.to have_(?:about_)?the_same_number_of_(?:results|documents)_as(.*)`)
	moreAs  = regexp.MustCompile(`expect\(resp\)\.to have_more_results_than(.*)`)
	literal = regexp.MustCompile(`'q' ?=> ?("(?:\\.|[^"])*"|'(?:\\.|[^'])*')|("(?:\\.|[^"])*"|'(?:\\.|[^'])*')`)
	hyphens = regexp.MustCompile(`\s*[-–]\s*`)
)

// relationsOf reads what a row expects.
func relationsOf(row map[string]string) []relation {
	query, expect := row["query"], row["expect"]
	kind := "spellings"
	if strings.Contains(row["test"], "stem") || strings.Contains(row["test"], "tattoo") {
		kind = "word forms"
	}
	relations := []relation{{kind: "titles", query: query, title: true}}
	for clause := range strings.SplitSeq(expect, " ; ") {
		switch {
		case sameAs.MatchString(clause):
			// Some rows have variants of the query that expects this.
			if other := quoted(sameAs.FindStringSubmatch(clause)[1]); other != "" && (query[0] == '"') == (other[0] == '"') {
				relations = append(relations, relation{kind: kind, query: query, other: other})
			}
		case moreAs.MatchString(clause):
			if other := quoted(moreAs.FindStringSubmatch(clause)[1]); other != "" {
				relations = append(relations, relation{kind: "phrases", query: query, other: other, part: true})
			}
		case clause == "hyphens ignored" || clause == "hyphens without spaces":
			relations = append(relations, relation{kind: "hyphens", query: query, other: hyphens.ReplaceAllString(query, " ")})
		case clause == "ampersand ignored":
			relations = append(relations, relation{kind: "spellings", query: query, other: strings.ReplaceAll(query, "&", "and")})
		}
	}
	return relations
}

// quoted returns the query in the source of a test, or "".
func quoted(source string) string {
	found := literal.FindStringSubmatch(source)
	if found == nil {
		return ""
	}
	text := found[1]
	if text == "" {
		text = found[2]
	}
	text = text[1 : len(text)-1]
	return strings.NewReplacer(`\'`, `'`, `\"`, `"`).Replace(text)
}
