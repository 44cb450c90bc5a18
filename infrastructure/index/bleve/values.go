package bleve

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
	"literank.com/event-books/infrastructure/index/text"
)

// values are what ranking, sorting and facets need to know of a book. The index stores them
// with the book.
type values struct {
	version    int64 // of the book
	popularity int64
	words      int // of the title
	year       int // noYear if unknown
	inStock    bool
	work       uint64 // equal for the editions of one work, 0 if unknown
	title      string
	language   string
	authors    []string
	subjects   []string
}

func valuesOf(b *model.Book) values {
	v := values{version: b.Version, year: noYear, popularity: max(b.Popularity, 0), words: len(text.Query(b.Title)), inStock: b.InStock(),
		work: workOf(b), title: b.Title, language: b.Language, authors: b.Authors(), subjects: b.Subjects}
	if year, ok := b.Year(); ok {
		v.year = year
	}
	return v
}

// workOf returns a number that the editions of a work share, or 0 if it can't be told.
func workOf(b *model.Book) uint64 {
	key, ok := work.Key(b)
	if !ok {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	return h.Sum64()
}

const noYear = math.MinInt16

// encodeValues writes the values of a book: numbers as varints, texts with their lengths.
func encodeValues(b *model.Book) []byte {
	v := valuesOf(b)
	out := binary.AppendVarint(nil, v.version)
	out = binary.AppendUvarint(out, uint64(v.popularity))
	out = binary.AppendUvarint(out, uint64(v.words))
	out = binary.AppendVarint(out, int64(v.year))
	stock := uint64(0)
	if v.inStock {
		stock = 1
	}
	out = binary.AppendUvarint(out, stock)
	out = binary.LittleEndian.AppendUint64(out, v.work)
	out = appendText(out, v.title)
	out = appendText(out, v.language)
	for _, list := range [][]string{v.authors, v.subjects} {
		out = binary.AppendUvarint(out, uint64(len(list)))
		for _, item := range list {
			out = appendText(out, item)
		}
	}
	return out
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

var errValues = errors.New("the stored values of a book are damaged")

// decodeValues reads what encodeValues has written.
func decodeValues(stored []byte) (values, error) {
	r := reader{rest: stored}
	v := values{version: r.signed(), popularity: int64(r.number()), words: int(r.number())}
	v.year = int(r.signed())
	v.inStock = r.number() == 1
	v.work = r.fixed()
	v.title, v.language = r.text(), r.text()
	for _, list := range []*[]string{&v.authors, &v.subjects} {
		for n := r.number(); n > 0 && !r.broken; n-- {
			*list = append(*list, r.text())
		}
	}
	if r.broken {
		return values{}, errValues
	}
	return v, nil
}

// reader reads stored values. After an error it returns zeros.
type reader struct {
	rest   []byte
	broken bool
}

// take returns the next bytes and moves behind them. It returns nil if there are fewer.
func (r *reader) take(size int) []byte {
	if size <= 0 || size > len(r.rest) {
		r.rest, r.broken = nil, true
		return nil
	}
	taken := r.rest[:size]
	r.rest = r.rest[size:]
	return taken
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if r.take(size) == nil {
		return 0
	}
	return n
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.rest)
	if r.take(size) == nil {
		return 0
	}
	return n
}

func (r *reader) fixed() uint64 {
	taken := r.take(8)
	if taken == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(taken)
}

func (r *reader) text() string {
	n := r.number()
	if n == 0 {
		return ""
	}
	return string(r.take(int(min(n, math.MaxInt32))))
}
