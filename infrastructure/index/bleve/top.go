package bleve

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"literank.com/event-books/domain/model"
)

// hit is a found book.
type hit struct {
	part *part
	doc  uint32
	key  uint64 // orders hits, the highest first
	id   uint64 // orders hits with the same key, the lowest first
}

// less orders hits as they are listed.
func less(a, b hit) int {
	return cmp.Or(cmp.Compare(b.key, a.key), cmp.Compare(a.id, b.id))
}

// top collects the best hits: as many as limit.
type top struct {
	limit int
	hits  []hit
	floor uint64 // hits with a lower key aren't among the best
}

// add adds the documents of a bitmap, of which key gives the order.
func (t *top) add(p *part, docs *roaring.Bitmap, key func(doc uint32) uint64) {
	var buffer [256]uint32
	for iterator := docs.ManyIterator(); ; {
		n := iterator.NextMany(buffer[:])
		if n == 0 {
			return
		}
		for _, doc := range buffer[:n] {
			k := key(doc)
			if k < t.floor {
				continue
			}
			t.hits = append(t.hits, hit{part: p, doc: doc, key: k, id: p.columns.ids[doc]})
			if len(t.hits) >= 2*t.limit+64 {
				t.cut()
			}
		}
	}
}

// cut keeps the best hits, in order.
func (t *top) cut() {
	slices.SortFunc(t.hits, less)
	if len(t.hits) > t.limit {
		t.hits = t.hits[:t.limit]
	}
	if len(t.hits) == t.limit && t.limit > 0 {
		t.floor = t.hits[t.limit-1].key
	}
}

// order returns the function that orders the documents of a part. Ties of titles are resolved
// by eight bytes only; settle does the rest.
func (c *columns) order(sort model.Sort) func(doc uint32) uint64 {
	switch sort {
	case model.ByTitle:
		return func(doc uint32) uint64 { return ^c.title[doc] }
	case model.ByNewest:
		return func(doc uint32) uint64 { return newest(c.year[doc]) }
	case model.ByOldest:
		return func(doc uint32) uint64 {
			if c.year[doc] == noYear {
				return 0
			}
			return uint64(1<<17 - int(c.year[doc]))
		}
	}
	return func(doc uint32) uint64 { return byWeight(c.weight[doc], c.year[doc]) }
}

// newest orders years, the latest first and no year last.
func newest(year int16) uint64 {
	if year == noYear {
		return 0
	}
	return uint64(int(year) + 1<<16)
}

// byWeight orders by weight, then by year. Weights lie between -100 and 100.
func byWeight(weight float32, year int16) uint64 {
	return uint64((weight+100)*1e6)<<18 | newest(year)
}
