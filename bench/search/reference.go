//go:build unix

package main

import (
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	bleve "github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	"github.com/blevesearch/bleve/v2/analysis/token/lowercase"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/unicode"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"

	"literank.com/event-books/domain/model"
)

// words is the analyzer of the reference.
const words = "words"

// stockBatch is the number of books that the reference indexes at once: larger batches are
// faster, and take more memory.
const stockBatch = 2000

// fields are those that a query is searched in, with their boosts.
var fields = []struct {
	name  string
	boost float64
}{{"title", 3}, {"author", 2}, {"aliases", 1}, {"subjects", 0.5}}

// reference measures a stock Bleve index of the same books, which don't change.
func (b *bench) reference(ctx context.Context, sets []*set) (o *outcome, err error) {
	folder, err := os.MkdirTemp("", "event-books-stock-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	before := anonymous()
	m, err := newMapping()
	if err != nil {
		return nil, err
	}
	x, err := bleve.New(filepath.Join(folder, "index"), m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	o = &outcome{}
	began := time.Now()
	for n := 0; n < b.wanted && ctx.Err() == nil; {
		batch := x.NewBatch()
		for ; n < b.wanted && batch.Size() < stockBatch; n++ {
			book := b.book(n)
			if err := batch.Index(strconv.Itoa(n), stockDocument(book)); err != nil {
				return nil, err
			}
		}
		if err := x.Batch(batch); err != nil {
			return nil, err
		}
	}
	took := time.Since(began)
	o.perSecond = float64(b.wanted) / took.Seconds()
	log.Printf("stock Bleve: %d books indexed in %.1f s: %.0f/s", b.wanted, took.Seconds(), o.perSecond)
	analyzer := m.AnalyzerNamed(words)
	o.times, err = b.measure(ctx, sets, func(ctx context.Context, k kind, typed string) error {
		var terms []string
		for _, token := range analyzer.Analyze([]byte(typed)) {
			terms = append(terms, string(token.Term))
		}
		_, err := x.SearchInContext(ctx, request(k, terms))
		return err
	})
	if err != nil {
		return nil, err
	}
	if stats, ok := x.StatsMap()["index"].(map[string]any); ok {
		root, _ := stats["num_root_filesegments"].(uint64)
		memory, _ := stats["num_root_memorysegments"].(uint64)
		o.parts = int(root + memory)
	}
	o.memory = anonymous() - before
	o.disk, err = sizeOf(folder)
	return o, err
}

func newMapping() (*mapping.IndexMappingImpl, error) {
	m := bleve.NewIndexMapping()
	err := m.AddCustomAnalyzer(words, map[string]any{
		"type": custom.Name, "tokenizer": unicode.Name, "token_filters": []string{cjk.WidthName, lowercase.Name, cjk.BigramName},
	})
	if err != nil {
		return nil, err
	}
	book := bleve.NewDocumentStaticMapping()
	for _, field := range fields {
		f := bleve.NewTextFieldMapping()
		f.Analyzer, f.Store, f.IncludeInAll, f.IncludeTermVectors, f.DocValues = words, false, false, false, false
		book.AddFieldMappingsAt(field.name, f)
	}
	for _, facet := range []string{"by", "language", "decade"} {
		f := bleve.NewTextFieldMapping()
		f.Analyzer, f.Store, f.IncludeInAll, f.IncludeTermVectors = keyword.Name, false, false, false
		book.AddFieldMappingsAt(facet, f)
	}
	m.DefaultMapping = book
	return m, nil
}

func stockDocument(b *model.Book) map[string]any {
	document := map[string]any{"title": b.Title, "author": b.Author, "aliases": b.AuthorAliases, "subjects": b.Subjects, "by": b.Authors(), "language": b.Language}
	if year, ok := b.Year(); ok {
		document["decade"] = strconv.Itoa(year / 10 * 10)
	}
	return document
}

// request builds the search: every term must match one of the fields.
func request(k kind, terms []string) *bleve.SearchRequest {
	all := bleve.NewConjunctionQuery()
	for i, term := range terms {
		any := bleve.NewDisjunctionQuery()
		for _, field := range fields {
			any.AddQuery(fieldQuery(k, i == len(terms)-1, term, field.name, field.boost))
		}
		all.AddQuery(any)
	}
	r := bleve.NewSearchRequestOptions(all, 10, 0, false)
	switch k {
	case typing:
		r.Size = 8
	case faceted:
		for _, facet := range []string{"by", "language", "decade"} {
			r.AddFacet(facet, bleve.NewFacetRequest(facet, 10))
		}
	}
	return r
}

func fieldQuery(k kind, last bool, term, field string, boost float64) query.Query {
	switch {
	case k == misspelt:
		q := bleve.NewFuzzyQuery(term)
		q.SetField(field)
		q.SetBoost(boost)
		q.SetPrefix(min(1, len(strings.TrimSpace(term))))
		return q
	case k == typing && last:
		q := bleve.NewPrefixQuery(term)
		q.SetField(field)
		q.SetBoost(boost)
		return q
	}
	q := bleve.NewTermQuery(term)
	q.SetField(field)
	q.SetBoost(boost)
	return q
}
