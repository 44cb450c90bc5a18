package bleve

import (
	"cmp"
	"math"
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
	room  int    // when to cut
	// coarse says that hits with the same key aren't in order yet.
	coarse bool
}

// add adds the documents of a bitmap, of which key gives the order.
func (t *top) add(p *part, docs *roaring.Bitmap, key func(doc uint32) uint64) {
	each(docs, func(docs []uint32) {
		for _, doc := range docs {
			if k := key(doc); k >= t.floor {
				t.take(p, doc, k)
			}
		}
	})
}

// addRanked adds documents in the order of their ranks, faster than add.
func (t *top) addRanked(p *part, docs *roaring.Bitmap) {
	n := docs.GetCardinality()
	if best := p.columns.best; best != nil && n > uint64(max(len(best)/broadShare, fewBest*t.limit)) {
		t.addFirst(p, docs)
		return
	}
	rank := p.columns.rank
	each(docs, func(docs []uint32) {
		for _, doc := range docs {
			if k := rank[doc]; k >= t.floor {
				t.take(p, doc, k)
			}
		}
	})
}

// fewBest is how many times as many documents as wanted must be there for addFirst to be faster.
const fewBest = 16

// addFirst adds the best of many documents. It finds them among the best documents of the segment.
func (t *top) addFirst(p *part, docs *roaring.Bitmap) {
	left := t.limit
	for _, doc := range p.columns.best {
		k := p.columns.rank[doc]
		if left == 0 || k < t.floor {
			return
		}
		if docs.Contains(doc) {
			t.take(p, doc, k)
			left--
		}
	}
}

func (t *top) take(p *part, doc uint32, key uint64) {
	t.hits = append(t.hits, hit{part: p, doc: doc, key: key, id: p.columns.ids[doc]})
	if len(t.hits) >= t.room {
		t.cut()
		t.room = 2*len(t.hits) + 64
	}
}

// cut keeps the best hits, in order. If keys don't tell everything, it keeps the hits that have
// the key of the last one, too.
func (t *top) cut() {
	slices.SortFunc(t.hits, less)
	if len(t.hits) < t.limit || t.limit == 0 {
		return
	}
	t.floor = t.hits[t.limit-1].key
	end := t.limit
	for t.coarse && end < len(t.hits) && t.hits[end].key == t.floor {
		end++
	}
	t.hits = t.hits[:end]
}

// byTitle orders hits that have the same key by their whole titles.
func byTitle(hits []hit) error {
	for start := 0; start < len(hits); {
		end := start + 1
		for end < len(hits) && hits[end].key == hits[start].key {
			end++
		}
		if err := orderAlike(hits[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}

func orderAlike(hits []hit) error {
	if len(hits) < 2 {
		return nil
	}
	titles := make(map[uint64]string, len(hits))
	for _, h := range hits {
		stored, err := h.part.stored(uint64(h.doc))
		if err != nil {
			return err
		}
		titles[h.id] = model.Fold(stored.title)
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(titles[a.id], titles[b.id]), cmp.Compare(a.id, b.id))
	})
	return nil
}

// byID is the order of the plain list.
const byID model.Sort = "id"

// inOrder returns all documents of a segment, the best first.
func (c *columns) inOrder() []uint32 {
	docs := make([]uint32, len(c.rank))
	for doc := range docs {
		docs[doc] = uint32(doc)
	}
	slices.SortFunc(docs, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(c.rank[b], c.rank[a]), cmp.Compare(c.ids[a], c.ids[b]))
	})
	return docs
}

// order returns the function that orders the documents of a part. By title, it is coarse: it
// looks at eight bytes.
func (c *columns) order(sort model.Sort) func(doc uint32) uint64 {
	switch sort {
	case byID:
		return func(doc uint32) uint64 { return ^c.ids[doc] }
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
	return func(doc uint32) uint64 { return c.rank[doc] }
}

// shortest orders by the length of the title, the shortest first, then by weight.
func (c *columns) shortest(doc uint32) uint64 {
	return uint64(math.MaxUint8-c.length[doc])<<32 | uint64((c.weight[doc]+100)*1e6)
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
