package text

import (
	"slices"
	"strings"
	"testing"
)

// finds reports whether a book with this text matches the query, as an index would: it has
// the terms and pairs of the book, and each token of the query needs one of its terms.
func finds(query, text, language string, kind Kind) bool {
	return missing(query, text, language, kind) == nil
}

// missing returns the terms of a query's token that the book lacks.
func missing(query, text, language string, kind Kind) []string {
	tokens := Book(text, language, kind)
	terms := map[string]bool{}
	for _, token := range tokens {
		for _, term := range token.Terms {
			terms[term] = true
		}
	}
	for _, pair := range Pairs(tokens) {
		terms[pair] = true
	}
	for _, token := range Query(query) {
		if !slices.ContainsFunc(token.Terms, func(term string) bool { return terms[term] }) {
			return token.Terms
		}
	}
	return nil
}

// same checks that all spellings find each other: spellings are separated by |.
func same(t *testing.T, spellings, language string, kind Kind) {
	t.Helper()
	all := strings.Split(spellings, "|")
	for _, text := range all {
		for _, query := range all {
			if terms := missing(query, text, language, kind); terms != nil {
				t.Errorf("%q doesn't find %q (%s): no %q in %v", query, text, language, terms, termsOf(Book(text, language, kind)))
			}
		}
	}
}

func termsOf(tokens []Token) (terms [][]string) {
	for _, token := range tokens {
		terms = append(terms, token.Terms)
	}
	return terms
}
