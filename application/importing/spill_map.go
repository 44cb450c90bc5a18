package importing

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
)

const (
	// spillEntries is the number of entries at which the map is spilled to a file.
	spillEntries = 1 << 19
	entrySize    = 8 + 4 // bytes of an entry in the file: key and value
	// fenceEvery is the number of entries between two fences of a run. A search
	// reads that many.
	fenceEvery = 64
	// With bloomBits for each entry and bloomProbes, one of a hundred searches for
	// an absent key reads a run in vain (Bloom, CACM 13/7, 1970).
	bloomBits   = 10
	bloomProbes = 6
)

// spillMap is a map of numbers that takes little memory, however large it grows.
// When it has limit entries in memory it writes them to a temporary file, as a
// sorted run. A search goes through the runs, the newest first, each behind a
// Bloom filter. Keys must be spread evenly. It is used by one goroutine.
type spillMap struct {
	recent map[uint64]uint32
	limit  int
	file   *os.File // nil before the first run
	size   int64
	runs   []spilledRun
}

// spilledRun is a run in the file. fences has every fenceEvery-th key.
type spilledRun struct {
	offset  int64
	entries int
	fences  []uint64
	bloom   []uint64
}

func newSpillMap(limit int) *spillMap {
	return &spillMap{recent: map[uint64]uint32{}, limit: limit}
}

func (m *spillMap) get(key uint64) (value uint32, ok bool, err error) {
	if value, ok := m.recent[key]; ok {
		return value, true, nil
	}
	for _, run := range slices.Backward(m.runs) {
		if !run.mayHave(key) {
			continue
		}
		if value, ok, err := m.search(run, key); ok || err != nil {
			return value, ok, err
		}
	}
	return 0, false, nil
}

func (m *spillMap) put(key uint64, value uint32) error {
	m.recent[key] = value
	if len(m.recent) < m.limit {
		return nil
	}
	return m.spill()
}

// spill moves the entries in memory to a new run.
func (m *spillMap) spill() (err error) {
	if m.file == nil {
		if m.file, err = os.CreateTemp("", "event-books-import-"); err != nil {
			return fmt.Errorf("temporary file of the import: %w", err)
		}
	}
	type entry struct {
		key   uint64
		value uint32
	}
	entries := make([]entry, 0, len(m.recent))
	for key, value := range m.recent {
		entries = append(entries, entry{key, value})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	run := spilledRun{offset: m.size, entries: len(entries), bloom: make([]uint64, len(entries)*bloomBits/64+1)}
	text := make([]byte, 0, len(entries)*entrySize)
	for i, e := range entries {
		if i%fenceEvery == 0 {
			run.fences = append(run.fences, e.key)
		}
		run.each(e.key, func(word, bit uint64) bool { run.bloom[word] |= bit; return true })
		text = binary.BigEndian.AppendUint64(text, e.key)
		text = binary.BigEndian.AppendUint32(text, e.value)
	}
	if _, err := m.file.WriteAt(text, m.size); err != nil {
		return fmt.Errorf("temporary file of the import: %w", err)
	}
	m.size += int64(len(text))
	m.runs = append(m.runs, run)
	clear(m.recent)
	return nil
}

// each calls probe for each bit of a key in the filter, until probe returns false.
func (r *spilledRun) each(key uint64, probe func(word, bit uint64) bool) {
	places := uint64(len(r.bloom)) * 64
	step := key>>32 | 1
	for i := range uint64(bloomProbes) {
		place := (key + i*step) % places
		if !probe(place/64, 1<<(place%64)) {
			return
		}
	}
}

// mayHave reports false only if the run doesn't have the key.
func (r *spilledRun) mayHave(key uint64) bool {
	may := true
	r.each(key, func(word, bit uint64) bool {
		may = r.bloom[word]&bit != 0
		return may
	})
	return may
}

// search reads the entries between two fences of a run.
func (m *spillMap) search(run spilledRun, key uint64) (value uint32, ok bool, err error) {
	fence := sort.Search(len(run.fences), func(i int) bool { return run.fences[i] > key }) - 1
	if fence < 0 {
		return 0, false, nil
	}
	first := fence * fenceEvery
	text := make([]byte, min(fenceEvery, run.entries-first)*entrySize)
	if _, err := m.file.ReadAt(text, run.offset+int64(first*entrySize)); err != nil {
		return 0, false, fmt.Errorf("temporary file of the import: %w", err)
	}
	n := len(text) / entrySize
	i := sort.Search(n, func(i int) bool { return binary.BigEndian.Uint64(text[i*entrySize:]) >= key })
	if i == n || binary.BigEndian.Uint64(text[i*entrySize:]) != key {
		return 0, false, nil
	}
	return binary.BigEndian.Uint32(text[i*entrySize+8:]), true, nil
}

// close removes the file.
func (m *spillMap) close() error {
	if m.file == nil {
		return nil
	}
	return errors.Join(m.file.Close(), os.Remove(m.file.Name()))
}
