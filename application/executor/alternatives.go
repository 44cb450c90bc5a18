package executor

import (
	"context"
	"slices"
	"unicode/utf8"

	"literank.com/event-books/domain/keyword"
	"literank.com/event-books/domain/model"
)

// maxAlone is how many words of a keyword are searched alone.
const maxAlone = 4

// Alternatives returns searches that find something, for one that found nothing: without one
// of its filters, else without all of them; with corrections; and by words of the keyword alone.
// It sends no event. If ctx ends or a search fails, there are fewer.
func (o *BookOperator) Alternatives(ctx context.Context, s model.Search) (found []model.Search) {
	s.Offset, s.WithFacets = 0, false
	try := func(alternative model.Search) {
		if ctx.Err() == nil && o.findsAny(ctx, alternative) {
			found = append(found, alternative)
		}
	}
	if s.Exact {
		corrected := s
		corrected.Exact = false
		try(corrected)
	}
	if others := withoutOne(s.Filters); len(others) > 0 {
		for _, filters := range others {
			alternative := s
			alternative.Filters = filters
			if filters != (model.Filters{}) || s.Keyword != "" {
				try(alternative)
			}
		}
		if len(found) == 0 && len(others) > 1 && s.Keyword != "" {
			alternative := s
			alternative.Filters = model.Filters{}
			try(alternative)
		}
	}
	if len(found) == 0 {
		for _, word := range wordsAlone(s.Keyword) {
			try(model.Search{Keyword: word, Sort: model.ByRelevance, Limit: s.Limit, ByWork: s.ByWork})
		}
	}
	return found
}

// findsAny reports whether a search finds a book, and reads only one.
func (o *BookOperator) findsAny(ctx context.Context, s model.Search) bool {
	s.Limit, s.WithoutTotal = 1, true
	result, err := o.index.SearchBooks(ctx, s)
	if err != nil {
		o.log.Debug("no alternative search", "error", err)
		return false
	}
	return len(result.IDs) > 0
}

// withoutOne returns the filters without each one that is set.
func withoutOne(f model.Filters) (others []model.Filters) {
	for _, clear := range []func(*model.Filters){
		func(f *model.Filters) { f.Author = "" },
		func(f *model.Filters) { f.Language = "" },
		func(f *model.Filters) { f.Subject = "" },
		func(f *model.Filters) { f.Decade = nil },
		func(f *model.Filters) { f.Available = nil },
	} {
		without := f
		if clear(&without); without != f {
			others = append(others, without)
		}
	}
	return others
}

// wordsAlone returns the longest words and phrases of a keyword that has several, in the order
// typed.
func wordsAlone(k model.Keyword) []model.Keyword {
	read := keyword.Parse(k)
	var words []model.Keyword
	for _, c := range read.Clauses {
		if word := model.Keyword(read.Served[c.Start:c.End]); !c.Excluded && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	if len(words) < 2 {
		return nil
	}
	byLength := slices.Clone(words)
	slices.SortStableFunc(byLength, func(a, b model.Keyword) int {
		return utf8.RuneCountInString(string(b)) - utf8.RuneCountInString(string(a))
	})
	longest := byLength[:min(len(byLength), maxAlone)]
	return slices.DeleteFunc(words, func(word model.Keyword) bool { return !slices.Contains(longest, word) })
}
