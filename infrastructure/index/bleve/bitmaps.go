package bleve

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// union returns the documents of any bitmap. It may return one of them, which the caller must
// not change.
func union(bitmaps ...*roaring.Bitmap) *roaring.Bitmap {
	kept := bitmaps[:0:0]
	for _, b := range bitmaps {
		if b != nil && !b.IsEmpty() {
			kept = append(kept, b)
		}
	}
	switch len(kept) {
	case 0:
		return none
	case 1:
		return kept[0]
	}
	return roaring.FastOr(kept...)
}

// intersection returns the documents of all bitmaps; nil stands for all documents. It may
// return one of them.
func intersection(bitmaps ...*roaring.Bitmap) *roaring.Bitmap {
	type sized struct {
		*roaring.Bitmap
		n uint64
	}
	kept := make([]sized, 0, len(bitmaps))
	for _, b := range bitmaps {
		if b == nil {
			continue
		}
		n := b.GetCardinality()
		if n == 0 {
			return none
		}
		kept = append(kept, sized{b, n})
	}
	if len(kept) == 0 {
		return nil
	}
	slices.SortFunc(kept, func(a, b sized) int { return cmp.Compare(a.n, b.n) })
	if len(kept) == 1 {
		return kept[0].Bitmap
	}
	result := roaring.And(kept[0].Bitmap, kept[1].Bitmap)
	for _, b := range kept[2:] {
		if result.IsEmpty() {
			break
		}
		result.And(b.Bitmap)
	}
	return result
}

// difference returns the documents of a that aren't in b. It may return a.
func difference(a, b *roaring.Bitmap) *roaring.Bitmap {
	if b == nil || b.IsEmpty() || a.IsEmpty() {
		return a
	}
	return roaring.AndNot(a, b)
}

// each calls visit with all documents, some at a time: a call for each would take longer than
// what is done with it.
func each(docs *roaring.Bitmap, visit func(docs []uint32)) {
	var buffer [512]uint32
	for iterator := docs.ManyIterator(); ; {
		n := iterator.NextMany(buffer[:])
		if n == 0 {
			return
		}
		visit(buffer[:n])
	}
}
