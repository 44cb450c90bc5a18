package work_test

import (
	"strings"
	"testing"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
)

func BenchmarkKey(b *testing.B) {
	for name, book := range map[string]model.Book{
		"short":           {Title: "Emma", Author: "Jane Austen", Language: "en"},
		"series":          {Title: "The Weathermaker's Oath (The Salt Isles, #2)", Author: "Ada Lindqvist, Tom Barr", Language: "en-GB"},
		"long":            {Title: "Travels in the Interior of a Country Little Known: Being an Account of the Manners and Customs of Its People", Author: "John Smith", Language: "en", Subjects: []string{"Travel", "Manners and customs"}},
		"5000 characters": {Title: strings.Repeat("hundred, or (illustrated edition), ", 143), Author: strings.Repeat("a b, ", 1000), Language: "en"},
		"accented":        {Title: "L'Étrange Été de Zoé : roman", Author: "Benoît Lefèvre", Language: "fr"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				work.Key(&book)
			}
		})
	}
}
