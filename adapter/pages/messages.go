package pages

import (
	"net/http"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/model"
)

// message is a headline with a sentence.
type message struct{ Title, Detail string }

// messages holds the texts for shoppers that code chooses or puts together. The
// templates hold all others.
var messages = struct {
	AllBooks string
	Untitled string
	// YearBCE and YearCE take a year.
	YearBCE, YearCE string
	Stock           map[model.Availability]string
	Sorts           map[model.Sort]string
	// CatalogueOrder names the default order where there is no keyword.
	CatalogueOrder string
	// Filters names each filter by its parameter.
	Filters map[string]string
	// SearchWholeShop takes the keyword, SearchAlone a word of it.
	SearchWholeShop, SearchAlone, BrowseAll string
	// Errors are the error pages by status; other statuses show the API's words.
	Errors map[int]message
	// BadRequest is the headline of a 400. Below it, BadAddress and BadKeyword
	// take a detail, BadParameter a parameter and a detail.
	BadRequest, BadAddress, BadKeyword, BadParameter string
	TemplateFailed                                   string
}{
	AllBooks: "All books",
	Untitled: "Untitled",
	YearBCE:  "%s BCE",
	YearCE:   "%s CE",
	Stock: map[model.Availability]string{
		model.InStock:     "In stock",
		model.ToOrder:     "Can be ordered",
		model.Unavailable: "Not available",
	},
	Sorts: map[model.Sort]string{
		model.ByRelevance: "Best match",
		model.ByTitle:     "Title",
		model.ByNewest:    "Newest first",
		model.ByOldest:    "Oldest first",
	},
	CatalogueOrder: "Catalogue order",
	Filters: map[string]string{
		query.Author:    "Author",
		query.Language:  "Language",
		query.Subject:   "Subject",
		query.Decade:    "Decade",
		query.Available: "Available",
	},
	SearchWholeShop: "Search the whole shop for “%s”",
	SearchAlone:     "Search for “%s” alone",
	BrowseAll:       "Browse all books",
	Errors: map[int]message{
		http.StatusNotFound:            {"Not found", "We have no such page. The book may have left the shop."},
		http.StatusServiceUnavailable:  {"Back in a moment", "The shop can't answer just now. Please try again in a few seconds."},
		http.StatusInternalServerError: {"Something went wrong", "That was our fault. Please try again."},
	},
	BadRequest:     "We can't search for that",
	BadAddress:     "The address can't be read: %s.",
	BadKeyword:     "What you search for %s.",
	BadParameter:   "“%s” %s.",
	TemplateFailed: "Something went wrong on our side.",
}
