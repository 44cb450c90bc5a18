package bleve

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

// columns are the values of the books of one segment, by document number. They are computed
// once, when the segment is first seen, and never change.
type columns struct {
	ids     []uint64
	version []int64   // of the book
	weight  []float32 // orders books within a tier
	unknown []bool    // whether nothing says how well the book is known
	rank    []uint64  // weight and year, as byWeight
	best    []uint32  // the documents of a large segment, by rank
	// length of the title in letters, 255 at most.
	length []uint8
	year   []int16  // noYear if unknown
	work   []uint32 // ordinal, 0 if unknown
	// title is the beginning of the folded title, as a number that orders as its bytes do.
	title []uint64
	// languages has the tag of a book and the shorter ones whose filters it passes: en for en-US.
	languages lists
	authors   lists
	subjects  lists
	stemming  *stemming
	common    commonValues
}

// commonValues are the commonest values of a large segment.
type commonValues struct{ authors, languages, subjects, decades *commonest }

// commonest lists values with the number of their documents, deleted ones included, the commonest
// first.
type commonest struct {
	values []valueCount
	rest   uint32 // the most documents that any other value has
}

type valueCount struct{ number, count uint32 }

const (
	// manyDocuments is the size of a large segment.
	manyDocuments = 5000
	// maxCommon is the number of the commonest values.
	maxCommon = 512
)

// lists holds a list of ordinals for each document.
type lists struct {
	ends []uint32 // where the list of a document ends in all
	all  []uint32
}

func (l *lists) of(doc uint32) []uint32 {
	start := uint32(0)
	if doc > 0 {
		start = l.ends[doc-1]
	}
	return l.all[start:l.ends[doc]]
}

// set sets the list of the next document: each text once.
func (l *lists) set(doc int, texts []string, o *ordinals) {
	start := len(l.all)
	for _, text := range texts {
		if n := o.number(text); !slices.Contains(l.all[start:], n) {
			l.all = append(l.all, n)
		}
	}
	l.ends[doc] = uint32(len(l.all))
}

// ordinals numbers texts from 1; those with the same key have the same number, and are named by
// the first of them. It only grows. Its methods may be called concurrently.
type ordinals struct {
	key     func(text string) string
	mu      sync.Mutex
	numbers map[string]uint32 // of texts and keys
	texts   []string          // only appended to
}

func newOrdinals(key func(text string) string) *ordinals {
	return &ordinals{key: key, numbers: map[string]uint32{}, texts: []string{""}}
}

func (o *ordinals) number(text string) uint32 {
	if text == "" {
		return 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	n, ok := o.numbers[text]
	if ok {
		return n
	}
	key := o.key(text)
	if n, ok = o.numbers[key]; !ok {
		n = uint32(len(o.texts))
		o.texts = append(o.texts, text)
		o.numbers[key] = n
	}
	o.numbers[text] = n
	return n
}

// reader returns a function that returns the text of a number that was given before.
func (o *ordinals) reader() func(n uint32) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	texts := o.texts
	return func(n uint32) string { return texts[n] }
}

// dictionaries number the values of all segments alike.
type dictionaries struct {
	languages, authors, subjects *ordinals
	works                        *works
}

func newDictionaries() *dictionaries {
	return &dictionaries{languages: newOrdinals(asIs), authors: newOrdinals(model.Fold), subjects: newOrdinals(model.Fold), works: newWorks()}
}

func asIs(text string) string { return text }

// works numbers works from 1, and counts their editions. Its methods may be called concurrently.
type works struct {
	mu       sync.Mutex
	numbers  map[uint64]uint32
	editions []uint32 // by number: documents of all segments, deleted ones included
}

func newWorks() *works { return &works{numbers: map[uint64]uint32{}, editions: []uint32{0}} }

func (w *works) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.numbers)
}

func (w *works) number(work uint64) uint32 {
	if work == 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n, ok := w.numbers[work]
	if !ok {
		n = uint32(len(w.editions))
		w.numbers[work] = n
		w.editions = append(w.editions, 0)
	}
	return n
}

// add counts the works of a segment's documents once more, or with -1 once less.
func (w *works) add(numbers []uint32, times int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range numbers {
		w.editions[n] += uint32(times)
	}
}

// readColumns reads the values of all books of a segment.
func readColumns(s segment.Segment, d *dictionaries) (*columns, error) {
	n := int(s.Count())
	c := &columns{ids: make([]uint64, n), version: make([]int64, n), weight: make([]float32, n), unknown: make([]bool, n), rank: make([]uint64, n), length: make([]uint8, n), year: make([]int16, n), work: make([]uint32, n),
		title: make([]uint64, n), languages: lists{ends: make([]uint32, n)},
		authors: lists{ends: make([]uint32, n)}, subjects: lists{ends: make([]uint32, n)},
		stemming: &stemming{unions: map[text.Stemmers]*roaring.Bitmap{}}}
	for doc := range n {
		id, v, err := readStored(s, uint64(doc))
		if err != nil {
			return nil, err
		}
		c.set(doc, id, v, d)
	}
	if n >= manyDocuments {
		c.common = c.commonValues()
	}
	d.works.add(c.work, 1)
	return c, nil
}

// rankAll sets the ranks of all books. Where nothing says how well a book is known, it counts how
// many editions its work has, as far as segments have been read.
func (c *columns) rankAll(w *works) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for doc, work := range c.work {
		if n := w.editions[work]; c.unknown[doc] && work != 0 && n > 1 {
			c.weight[doc] += float32(math.Log2(float64(n)))
		}
		c.rank[doc] = byWeight(c.weight[doc], c.year[doc])
	}
	c.unknown = nil
	if len(c.rank) >= manyDocuments {
		c.best = c.inOrder()
	}
}

// stemming has the rules by which the words of each document are stemmed.
type stemming struct {
	kinds []text.Stemmers   // the different rules
	kind  []uint8           // by document, an index of kinds
	docs  []*roaring.Bitmap // by kind

	mu     sync.Mutex
	unions map[text.Stemmers]*roaring.Bitmap
}

const (
	// fewStemmed is the number of documents up to which each is looked at.
	fewStemmed = 4096
	// maxUnions bounds the unions that are kept for more documents.
	maxUnions = 64
)

// add adds the next document.
func (s *stemming) add(language string) {
	rules := text.StemmersOf(language)
	kind := slices.Index(s.kinds, rules)
	if kind < 0 {
		kind = len(s.kinds)
		s.kinds, s.docs = append(s.kinds, rules), append(s.docs, roaring.New())
	}
	s.docs[kind].Add(uint32(len(s.kind)))
	s.kind = append(s.kind, uint8(kind)) // there are fewer languages
}

// by returns those of the documents with a stem in whose languages it is one. It may be called
// concurrently.
func (s *stemming) by(stem text.Stemmed, docs *roaring.Bitmap) *roaring.Bitmap {
	rules := stem.Languages
	if !slices.ContainsFunc(s.kinds, func(own text.Stemmers) bool { return own&stem.Script != 0 && own&rules == 0 }) {
		return docs
	}
	if docs.GetCardinality() > fewStemmed {
		return intersection(docs, s.all(rules))
	}
	var kept []uint32
	each(docs, func(docs []uint32) {
		for _, doc := range docs {
			if s.kinds[s.kind[doc]]&rules != 0 {
				kept = append(kept, doc)
			}
		}
	})
	return roaring.BitmapOf(kept...)
}

// all returns all documents that are stemmed by any of the rules.
func (s *stemming) all(rules text.Stemmers) *roaring.Bitmap {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.unions[rules]; known != nil {
		return known
	}
	var some []*roaring.Bitmap
	for kind, own := range s.kinds {
		if own&rules != 0 {
			some = append(some, s.docs[kind])
		}
	}
	docs := union(some...)
	if len(s.unions) < maxUnions {
		s.unions[rules] = docs
	}
	return docs
}

func (c *columns) set(doc int, id uint64, v values, d *dictionaries) {
	c.ids[doc], c.version[doc] = id, v.version
	c.year[doc] = int16(v.year)
	c.work[doc] = d.works.number(v.work)
	c.title[doc] = head(model.Fold(v.title))
	c.languages.set(doc, tags(v.language), d.languages)
	c.stemming.add(v.language)
	c.authors.set(doc, v.authors, d.authors)
	c.subjects.set(doc, v.subjects, d.subjects)
	c.weight[doc] = weight(v)
	c.unknown[doc] = v.popularity == 0
	c.length[doc] = uint8(min(utf8.RuneCountInString(v.title), math.MaxUint8))
}

// head returns the first eight bytes as a number.
func head(text string) uint64 {
	var first [8]byte
	copy(first[:], text)
	return binary.BigEndian.Uint64(first[:])
}

// weight orders the books of a tier: the best known first. Of two books that are known alike,
// the shorter title says more about them.
func weight(v values) float32 {
	wordCost := 0.1
	if v.popularity == 0 {
		wordCost = 0.6 // nothing else tells
	}
	w := math.Log2(1+float64(v.popularity)) - wordCost*float64(min(v.words, 20))
	if v.inStock {
		w += 0.5
	}
	return float32(w)
}
