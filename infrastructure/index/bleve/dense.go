package bleve

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
)

// denseShare says when sets are joined as dense ones: if each may have more than this share of the
// segment's documents, as a divisor.
const denseShare = 128

// dense is a set of documents with a bit for each document of a segment. It joins bitmaps of many
// documents faster than roaring bitmaps, which have lists of up to 4,096 documents among 65,536.
type dense []uint64

// set makes it the set of a bitmap.
func (d dense) set(docs *roaring.Bitmap) {
	clear(d)
	docs.WriteDenseTo(d)
}

// add adds the documents of a bitmap. scratch is another set.
func (d dense) add(docs *roaring.Bitmap, scratch dense) {
	if docs.GetCardinality() < uint64(len(d)/8) {
		each(docs, func(docs []uint32) {
			for _, doc := range docs {
				d[doc/64] |= 1 << (doc % 64)
			}
		})
		return
	}
	scratch.set(docs)
	d.or(scratch)
}

// or adds the documents of another set.
func (d dense) or(other dense) {
	for i, word := range other {
		d[i] |= word
	}
}

// and drops documents that aren't in another set.
func (d dense) and(other dense) {
	for i, word := range other {
		d[i] &= word
	}
}

// desk has room for sets that are joined.
type desk struct{ all, some, one dense }

var desks = sync.Pool{New: func() any { return &desk{} }}

// newDesk takes a desk for sets of n documents from the pool.
func newDesk(n uint64) *desk {
	d := desks.Get().(*desk)
	words := int(n+63) / 64
	for _, set := range []*dense{&d.all, &d.some, &d.one} {
		if cap(*set) < words {
			*set = make(dense, words+words/8)
		}
		*set = (*set)[:words]
	}
	return d
}

// allDense is all for many documents.
func (m *matcher) allDense(sets []*either, docs *roaring.Bitmap) *roaring.Bitmap {
	d := newDesk(m.part.Count())
	defer desks.Put(d)
	if docs != nil {
		d.all.set(docs)
	}
	for i, set := range sets {
		clear(d.some)
		for _, l := range set.lists {
			d.some.add(m.inList(nil, l), d.one)
		}
		if i == 0 && docs == nil {
			d.all, d.some = d.some, d.all
		} else {
			d.all.and(d.some)
		}
	}
	return roaring.FromDense(d.all, true)
}
