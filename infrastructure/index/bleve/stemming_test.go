package bleve

import (
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/assert"

	"literank.com/event-books/infrastructure/index/text"
)

// Few documents are looked at one by one, many are intersected; both give the same.
func TestStemming(t *testing.T) {
	const every = ^text.Stemmers(0)
	languages := []string{"en", "de", "", "zh", "fr", "ru", "de-AT"}
	s := &stemming{unions: map[text.Stemmers]*roaring.Bitmap{}}
	const books = 3 * fewStemmed
	for doc := range books {
		s.add(languages[doc%len(languages)])
	}
	for n := 1; n < 4*maxUnions; n++ { // more than are kept
		rules := text.Stemmers(n)
		for _, some := range []uint64{100, books} {
			docs := roaring.New()
			docs.AddRange(0, some)
			want := roaring.New()
			for doc := range uint32(some) {
				if text.StemmersOf(languages[int(doc)%len(languages)])&rules != 0 {
					want.Add(doc)
				}
			}
			if !assert.True(t, want.Equals(s.by(text.Stemmed{Languages: rules, Script: every}, docs)), "%b, %d documents", rules, some) {
				return
			}
		}
	}
	english := &stemming{}
	english.add("en")
	docs := roaring.BitmapOf(0)
	assert.Same(t, docs, english.by(text.Stemmed{Languages: text.StemmersOf("en"), Script: every}, docs))
	assert.True(t, english.by(text.Stemmed{Languages: text.StemmersOf("de"), Script: every}, docs).IsEmpty())
}

// A stem counts only in the languages for which it is one, also if the book's isn't known.
func TestStemsOfOtherLanguages(t *testing.T) {
	for _, stem := range text.Stems("boat77") {
		for _, language := range []string{"", "en", "fi"} {
			s := &stemming{}
			s.add(language)
			s.add("de")
			want := text.StemmersOf(language)&stem.Languages != 0
			assert.Equal(t, want, s.by(stem, roaring.BitmapOf(0)).Contains(0), "%q in %q", stem.Term, language)
		}
	}
}
