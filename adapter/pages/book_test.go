package pages

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestStockInWords(t *testing.T) {
	p := &Pages{}
	none, some := 0, 3
	for name, c := range map[string]struct {
		book         model.Book
		words        string
		availability model.Availability
	}{
		"unknown":        {model.Book{}, "", ""},
		"in stock":       {model.Book{Availability: model.InStock}, "In stock", model.InStock},
		"copies":         {model.Book{Stock: &some}, "In stock", model.InStock},
		"no copies":      {model.Book{Stock: &none}, "Not available", model.Unavailable},
		"to order":       {model.Book{Availability: model.ToOrder, Stock: &none}, "Can be ordered", model.ToOrder},
		"not in print":   {model.Book{Availability: model.Unavailable}, "Not available", model.Unavailable},
		"said otherwise": {model.Book{Availability: model.Unavailable, Stock: &some}, "Not available", model.Unavailable},
	} {
		v := p.view(&c.book, "")
		assert.Equal(t, c.words, v.Stock, name)
		assert.Equal(t, c.availability, v.Availability, name)
	}
}
