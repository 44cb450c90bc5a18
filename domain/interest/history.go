package interest

import (
	"encoding/binary"
	"errors"
	"slices"

	"literank.com/event-books/domain/trend"
)

// maxHistory is how many books of a cookie are remembered.
const maxHistory = 30

// History has the books that a cookie opened last, each with the latest time, the latest first. It
// is the same in whatever order books are added.
type History []Opened

// Add adds a book.
func (h *History) Add(o Opened) {
	if i := slices.IndexFunc(*h, func(known Opened) bool { return known.Book == o.Book }); i >= 0 {
		if (*h)[i].At >= o.At {
			return
		}
		*h = slices.Delete(*h, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(*h, o, func(a, b Opened) int { return b.compare(a) })
	*h = slices.Insert(*h, at, o)
	*h = (*h)[:min(len(*h), maxHistory)]
}

// Forget takes away what was opened before a day.
func (h *History) Forget(first trend.Day) {
	start := first.Start().UnixMilli()
	*h = slices.DeleteFunc(*h, func(o Opened) bool { return o.At < start })
}

// Oldest returns the time of the book that was opened first, in unix milliseconds, or 0 if there is
// none.
func (h History) Oldest() int64 {
	if len(h) == 0 {
		return 0
	}
	return h[len(h)-1].At
}

// Encode returns the history as bytes: for each book its id and its time, as unsigned varints.
func (h History) Encode() []byte {
	data := []byte{}
	for _, o := range h {
		data = binary.AppendUvarint(data, uint64(o.Book))
		data = binary.AppendUvarint(data, uint64(o.At))
	}
	return data
}

var errHistory = errors.New("the books of a visitor are damaged")

// DecodeHistory reads what Encode wrote.
func DecodeHistory(data []byte) (h History, err error) {
	for len(data) > 0 {
		book, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errHistory
		}
		at, m := binary.Uvarint(data[n:])
		if m <= 0 {
			return nil, errHistory
		}
		h, data = append(h, Opened{uint(book), int64(at)}), data[n+m:]
	}
	return h, nil
}
