package consumer

import (
	"bytes"
	"encoding/json"
	"fmt"

	"literank.com/event-books/domain/trend"
)

// firstBooks returns the ids of the first books in the value of a search event. It reads no
// more than it needs. Books of other programs may have no id; they are left out.
func firstBooks(value []byte) ([]uint, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	if _, err := decoder.Token(); err != nil { // the bracket
		return nil, fmt.Errorf("read the books of a search: %w", err)
	}
	var ids []uint
	for len(ids) < trend.MaxBooks && decoder.More() {
		var book struct {
			ID uint `json:"id"`
		}
		if err := decoder.Decode(&book); err != nil {
			return nil, fmt.Errorf("read the books of a search: %w", err)
		}
		if book.ID > 0 {
			ids = append(ids, book.ID)
		}
	}
	return ids, nil
}
