package bleve

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// view is a state of the index that doesn't change: a snapshot of its segments with their
// columns.
type view struct {
	snapshot *scorch.IndexSnapshot
	parts    []*part
	holders  atomic.Int32

	dictionaries *dictionaries
}

// part is a segment of a view.
type part struct {
	segment.Segment
	*terminology
	id      uint64
	deleted *roaring.Bitmap // nil if there is none
	columns *columns
}

// newView returns a view of the snapshot, which it closes when nobody holds it. Columns come
// from the view before it, if it has the segment.
func newView(snapshot *scorch.IndexSnapshot, before *view, d *dictionaries) (*view, error) {
	known := map[uint64]*part{}
	if before != nil {
		for _, p := range before.parts {
			known[p.id] = p
		}
	}
	v := &view{snapshot: snapshot, dictionaries: d}
	var fresh []*columns // of segments that are seen for the first time
	v.holders.Store(1)
	for _, s := range snapshot.Segments() {
		p := &part{Segment: s.Segment(), id: s.Id(), deleted: s.Deleted()}
		if same := known[p.id]; same != nil && same.Segment == p.Segment {
			p.columns, p.terminology = same.columns, same.terminology
		} else if p.terminology = newTerminology(p.Segment); same != nil { // it was written to disk
			p.columns = same.columns
		} else {
			var err error
			if p.columns, err = readColumns(p.Segment, d); err != nil {
				return nil, fmt.Errorf("read segment %d: %w", s.Id(), err)
			}
			fresh = append(fresh, p.columns)
		}
		delete(known, p.id)
		v.parts = append(v.parts, p)
	}
	for _, gone := range known {
		d.works.add(gone.columns.work, -1)
	}
	for _, c := range fresh {
		c.rankAll(d.works)
	}
	return v, nil
}

// hold keeps the view open. It fails if the view is closed.
func (v *view) hold() bool {
	for {
		n := v.holders.Load()
		if n == 0 {
			return false
		}
		if v.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a hold back. The last one closes the snapshot.
func (v *view) release() error {
	if v.holders.Add(-1) > 0 {
		return nil
	}
	return v.snapshot.Close()
}

// stored returns the stored values of a document.
func (p *part) stored(doc uint64) (values, error) {
	_, v, err := readStored(p.Segment, doc)
	return v, err
}

// readStored reads the id of a document's book, and its values.
func readStored(s segment.Segment, doc uint64) (id uint64, v values, err error) {
	wrongID, wrongValues := errValues, errValues // unless there are some
	err = s.VisitStoredFields(doc, func(field string, _ byte, value []byte, _ []uint64) bool {
		switch field {
		case idField:
			id, wrongID = strconv.ParseUint(string(value), 10, 64)
		case valuesField:
			v, wrongValues = decodeValues(value)
		}
		return true
	})
	if err = cmp.Or(err, wrongID, wrongValues); err != nil {
		return 0, values{}, fmt.Errorf("read document %d: %w", doc, err)
	}
	return id, v, nil
}

// terminology reads the dictionaries of a segment. They aren't safe for concurrent use, so each
// reading takes one from a pool. It may be used concurrently.
type terminology struct {
	segment segment.Segment
	pools   map[string]*sync.Pool // of *dictionary, by field
	values  sync.Map              // of *roaring.Bitmap, by facetValue: documents of common values
}

// dictionary is a dictionary of a field with what reading it needs.
type dictionary struct {
	segment.TermDictionary
	iterator segment.PostingsIterator
}

func newTerminology(s segment.Segment) *terminology {
	t := &terminology{segment: s, pools: map[string]*sync.Pool{}}
	for _, field := range fields {
		t.pools[field] = &sync.Pool{}
	}
	return t
}

// dictionary takes a dictionary of a field from the pool, or opens another one.
func (t *terminology) dictionary(field string) (*dictionary, error) {
	if known, ok := t.pools[field].Get().(*dictionary); ok {
		return known, nil
	}
	opened, err := t.segment.Dictionary(field)
	if err != nil {
		return nil, fmt.Errorf("read the dictionary of %s: %w", field, err)
	}
	return &dictionary{TermDictionary: opened}, nil
}

func (t *terminology) release(field string, d *dictionary) { t.pools[field].Put(d) }

// postings returns the documents that have the term in the field. The bitmap must not be
// changed, and is valid as long as the segment is open, which a held view ensures.
func (t *terminology) postings(field, term string) (*roaring.Bitmap, error) {
	dictionary, err := t.dictionary(field)
	if err != nil {
		return nil, err
	}
	defer t.release(field, dictionary)
	list, err := dictionary.PostingsList([]byte(term), nil, nil)
	if err != nil {
		return nil, err
	}
	if list.Count() == 0 {
		return none, nil
	}
	dictionary.iterator = list.Iterator(false, false, false, dictionary.iterator)
	iterator, ok := dictionary.iterator.(segment.OptimizablePostingsIterator)
	if !ok { // an empty list
		return none, nil
	}
	if doc, ok := iterator.DocNum1Hit(); ok {
		return roaring.BitmapOf(uint32(doc)), nil
	}
	if docs := iterator.ActualBitmap(); docs != nil {
		return docs, nil
	}
	return none, nil
}

// none is an empty bitmap that nobody changes.
var none = roaring.New()

// each calls visit for the terms of a field from start until before end that the automaton
// accepts, with the number of their documents and, for a Levenshtein automaton, their edit
// distance, until visit returns false. A nil automaton accepts all.
func (t *terminology) each(field string, automaton segment.Automaton, start, end []byte, visit func(term string, documents uint64, distance uint8) bool) error {
	dictionary, err := t.dictionary(field)
	if err != nil {
		return err
	}
	defer t.release(field, dictionary)
	return visitTerms(field, dictionary.AutomatonIterator(automaton, start, end), visit)
}

// eachUncounted is each without the numbers of documents, and faster.
func (t *terminology) eachUncounted(field string, automaton segment.Automaton, start, end []byte, visit func(term string) bool) error {
	dictionary, err := t.dictionary(field)
	if err != nil {
		return err
	}
	defer t.release(field, dictionary)
	iterate := dictionary.AutomatonIterator
	if faster, ok := dictionary.TermDictionary.(interface {
		AutomatonIteratorOmitCount(a segment.Automaton, start, end []byte) segment.DictionaryIterator
	}); ok {
		iterate = faster.AutomatonIteratorOmitCount
	}
	return visitTerms(field, iterate(automaton, start, end), func(term string, _ uint64, _ uint8) bool { return visit(term) })
}

func visitTerms(field string, terms segment.DictionaryIterator, visit func(term string, documents uint64, distance uint8) bool) error {
	for {
		entry, err := terms.Next()
		if err != nil {
			return fmt.Errorf("read the terms of %s: %w", field, err)
		}
		if entry == nil || !visit(entry.Term, entry.Count, entry.EditDistance) {
			return nil
		}
	}
}
