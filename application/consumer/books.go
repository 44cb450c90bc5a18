package consumer

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/domain/trend"
)

// firstBooks returns the ids of the first books in the value of a search event, which is a JSON
// array. Books of other programs may have no id; they are left out.
func firstBooks(value []byte) (ids []uint, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	_, err = decoder.ReadToken() // the bracket
	for err == nil && len(ids) < trend.MaxBooks && decoder.PeekKind() != ']' {
		var id uint
		if id, err = bookID(decoder); id > 0 {
			ids = append(ids, id)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the books of a search: %w", err)
	}
	return ids, nil
}

// bookID reads a book, and returns 0 if it has no id.
func bookID(decoder *jsontext.Decoder) (id uint, err error) {
	start, err := decoder.ReadToken()
	switch {
	case err != nil || start.Kind() == 'n': // null
		return 0, err
	case start.Kind() != '{':
		return 0, fmt.Errorf("%s is no book", start.Kind())
	}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return 0, err
		}
		if name.String() != "id" {
			err = decoder.SkipValue()
		} else {
			id, err = readID(decoder)
		}
		if err != nil {
			return 0, err
		}
	}
	_, err = decoder.ReadToken()
	return id, err
}

func readID(decoder *jsontext.Decoder) (uint, error) {
	value, err := decoder.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return 0, err
	}
	id, err := strconv.ParseUint(string(value), 10, strconv.IntSize)
	if err != nil {
		return 0, fmt.Errorf("id: %.20q is no number of a book", string(value))
	}
	return uint(id), nil
}
