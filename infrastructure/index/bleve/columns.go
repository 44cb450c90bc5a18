package bleve

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"sync"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// columns are the values of the books of one segment, by document number. They are computed
// once, when the segment is first seen, and never change.
type columns struct {
	ids    []uint64
	weight []float32 // orders books within a tier
	year   []int16   // noYear if unknown
	work   []uint32  // ordinal, 0 if unknown
	// title is the beginning of the folded title, as a number that orders as its bytes do.
	title    []uint64
	language []uint32 // ordinal, 0 if unknown
	authors  lists
	subjects lists
}

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

// ordinals numbers texts from 1. It only grows. Its methods may be called concurrently.
type ordinals struct {
	mu      sync.RWMutex
	numbers map[string]uint32
	texts   []string
}

func newOrdinals() *ordinals { return &ordinals{numbers: map[string]uint32{}, texts: []string{""}} }

func (o *ordinals) number(text []byte) uint32 {
	if len(text) == 0 {
		return 0
	}
	o.mu.RLock()
	n, ok := o.numbers[string(text)]
	o.mu.RUnlock()
	if ok {
		return n
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if n, ok := o.numbers[string(text)]; ok {
		return n
	}
	n = uint32(len(o.texts))
	o.texts = append(o.texts, string(text))
	o.numbers[o.texts[n]] = n
	return n
}

func (o *ordinals) text(n uint32) string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.texts[n]
}

func (o *ordinals) len() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return len(o.texts)
}

// dictionaries number the values of all segments alike.
type dictionaries struct {
	languages, authors, subjects *ordinals
	works                        *works
}

func newDictionaries() *dictionaries {
	return &dictionaries{languages: newOrdinals(), authors: newOrdinals(), subjects: newOrdinals(), works: newWorks()}
}

// works numbers works, as ordinals does, and counts their editions.
type works struct {
	mu       sync.Mutex
	numbers  map[uint64]uint32
	editions []uint32
}

func newWorks() *works { return &works{numbers: map[uint64]uint32{}, editions: []uint32{0}} }

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

// readColumns reads the values of all books of a segment.
func readColumns(s segment.Segment, d *dictionaries) (*columns, error) {
	n := int(s.Count())
	c := &columns{ids: make([]uint64, n), weight: make([]float32, n), year: make([]int16, n), work: make([]uint32, n),
		title: make([]uint64, n), language: make([]uint32, n),
		authors: lists{ends: make([]uint32, n)}, subjects: lists{ends: make([]uint32, n)}}
	for doc := range n {
		if err := c.read(s, uint64(doc), d); err != nil {
			return nil, fmt.Errorf("read the values of document %d of a segment: %w", doc, err)
		}
	}
	return c, nil
}

func (c *columns) read(s segment.Segment, doc uint64, d *dictionaries) error {
	var failed error
	err := s.VisitStoredFields(doc, func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case "_id":
			c.ids[doc], failed = strconv.ParseUint(string(value), 10, 64)
		case valuesField:
			failed = c.decode(value, doc, d)
		}
		return failed == nil
	})
	if err != nil {
		return err
	}
	return failed
}

func (c *columns) decode(stored []byte, doc uint64, d *dictionaries) error {
	r := reader{rest: stored}
	popularity, words := r.number(), r.number()
	c.year[doc] = int16(r.signed())
	inStock := r.number() == 1
	c.work[doc] = d.works.number(r.fixed())
	c.title[doc] = head(r.text())
	c.language[doc] = d.languages.number(r.text())
	for _, list := range []struct {
		lists    *lists
		ordinals *ordinals
	}{{&c.authors, d.authors}, {&c.subjects, d.subjects}} {
		for range min(r.number(), uint64(len(r.rest))) {
			list.lists.all = append(list.lists.all, list.ordinals.number(r.text()))
		}
		list.lists.ends[doc] = uint32(len(list.lists.all))
	}
	c.weight[doc] = weight(popularity, int(words), inStock)
	if r.broken {
		return errValues
	}
	return nil
}

// head returns the first eight bytes as a number.
func head(text []byte) uint64 {
	var first [8]byte
	copy(first[:], text)
	return binary.BigEndian.Uint64(first[:])
}

// weight orders the books of a tier: the best known first. Each word of the title counts
// against it as much as a third of the readers: of two books with the same words, the shorter
// title says more about them.
func weight(popularity uint64, words int, inStock bool) float32 {
	w := math.Log2(1+float64(popularity)) - 0.6*float64(min(words, 20))
	if inStock {
		w += 0.5
	}
	return float32(w)
}
