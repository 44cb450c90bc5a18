package catalog

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

//go:embed starter.jsonl
var starter []byte

// Starter returns the classics that a new shop begins with. They have no ISBN and
// no price, because they are works and not editions.
func Starter() ([]*model.Book, error) {
	f, err := Open("-", gateway.FileOptions{Source: "starter", Stdin: bytes.NewReader(starter)})
	if err != nil {
		return nil, fmt.Errorf("starter catalogue: %w", err)
	}
	var books []*model.Book
	for {
		row, err := f.Next()
		if err == io.EOF {
			return books, nil
		}
		if err != nil {
			return nil, fmt.Errorf("starter catalogue: %w", err)
		}
		books = append(books, &row.Book)
	}
}
