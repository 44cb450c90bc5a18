package bleve

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
)

// owners holds, by the number of a work, which document stands for it.
type owners struct {
	of       []uint64 // 1 + the document, below the number of its part; 0 if there is none
	editions []uint32 // documents of the work
	used     []uint32 // works that have one
}

// allOwners keeps owners for reuse: they have room for every work.
var allOwners = sync.Pool{New: func() any { return &owners{} }}

// grouping holds the works of some documents. The caller must release it.
type grouping struct {
	*owners
	parts []*matches
	docs  []*roaring.Bitmap // by part
	// chosen are the documents that stand for their works: the best known edition of each. A
	// book whose work is unknown stands for itself.
	chosen []*roaring.Bitmap
}

// group groups all matches by work.
func (r *run) group() *grouping {
	docs := make([]*roaring.Bitmap, len(r.parts))
	for i, m := range r.parts {
		docs[i] = m.found
	}
	return r.view.group(r.parts, docs)
}

// group groups documents by work.
func (v *view) group(parts []*matches, docs []*roaring.Bitmap) *grouping {
	o := allOwners.Get().(*owners)
	if n := v.dictionaries.works.count() + 1; len(o.of) < n {
		o.of, o.editions = make([]uint64, n+n/8), make([]uint32, n+n/8)
	}
	g := &grouping{owners: o, parts: parts, docs: docs, chosen: make([]*roaring.Bitmap, len(parts))}
	for i, p := range parts {
		c := p.part.columns
		each(docs[i], func(docs []uint32) {
			for _, doc := range docs {
				work := c.work[doc]
				if work == 0 {
					continue
				}
				o.editions[work]++
				switch owner := o.of[work]; {
				case owner == 0:
					o.used = append(o.used, work)
				case parts[owner>>32].part.columns.rank[uint32(owner)-1] >= c.rank[doc]:
					continue
				}
				o.of[work] = uint64(i)<<32 | uint64(doc+1)
			}
		})
	}
	for i, p := range parts {
		var kept []uint32
		works := p.part.columns.work
		each(docs[i], func(docs []uint32) {
			for _, doc := range docs {
				if work := works[doc]; work == 0 || o.of[work] == uint64(i)<<32|uint64(doc+1) {
					kept = append(kept, doc)
				}
			}
		})
		g.chosen[i] = roaring.New()
		g.chosen[i].AddMany(kept)
	}
	return g
}

// count counts the works.
func (g *grouping) count() (works int) {
	for _, chosen := range g.chosen {
		works += int(chosen.GetCardinality())
	}
	return works
}

// maxOthers bounds the editions beside the best known ones whose values are counted.
const maxOthers = 20_000

// addOthers counts the values that the best known editions of works don't have, but others do.
func (g *grouping) addOthers(c *counter, of func(m *matches, doc uint32) []uint32) {
	others := uint64(0)
	for i := range g.docs {
		others += g.docs[i].GetCardinality() - g.chosen[i].GetCardinality()
	}
	if others > maxOthers {
		return
	}
	counted := map[uint64]bool{} // a work and a value
	for i, m := range g.parts {
		each(difference(g.docs[i], g.chosen[i]), func(docs []uint32) {
			for _, doc := range docs {
				work := m.part.columns.work[doc]
				owner := g.of[work]
				for _, n := range of(g.parts[owner>>32], uint32(owner)-1) {
					counted[uint64(work)<<32|uint64(n)] = true
				}
				for _, n := range of(m, doc) {
					if key := uint64(work)<<32 | uint64(n); !counted[key] {
						counted[key] = true
						c.add(n)
					}
				}
			}
		})
	}
}

// others returns how many further editions of a hit's work there are.
func (o *owners) others(h hit) int {
	if work := h.part.columns.work[h.doc]; work != 0 && o.editions[work] > 0 {
		return int(o.editions[work]) - 1
	}
	return 0
}

func (o *owners) release() {
	for _, work := range o.used {
		o.of[work], o.editions[work] = 0, 0
	}
	o.used = o.used[:0]
	allOwners.Put(o)
}

// oneOfEach drops hits whose works have a hit before them, and returns up to limit others.
func oneOfEach(hits []hit, limit int) []hit {
	seen := make(map[uint32]bool, limit)
	kept := hits[:0]
	for _, h := range hits {
		work := h.part.columns.work[h.doc]
		if work != 0 && seen[work] {
			continue
		}
		seen[work] = true
		if kept = append(kept, h); len(kept) == limit {
			break
		}
	}
	return kept
}

// editions is how many editions of a work are expected among the best hits. If there are more,
// more hits are looked at.
const editions = 8

// works returns the best hit of each work, up to limit works.
func (r *run) works(limit int, hits func(limit int) ([]hit, error)) ([]hit, error) {
	for wanted := editions*limit + 64; ; wanted *= editions {
		all, err := hits(wanted)
		if err != nil {
			return nil, err
		}
		enough := len(all) < wanted
		if best := oneOfEach(all, limit); enough || len(best) == limit {
			return best, nil
		}
	}
}
