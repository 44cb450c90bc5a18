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
	// Errors are the error pages by status; OtherError is for any other status.
	Errors     map[int]message
	OtherError message
	// Under the headline of a 400, BadKeyword takes the longest keyword in
	// characters, BadParameter the name of a parameter.
	BadKeyword, BadParameter string
	TemplateFailed           string
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
		http.StatusBadRequest:            {"We can't search for that", "The address of this page can't be read."},
		http.StatusMethodNotAllowed:      {"Not possible here", "This address can't be used in that way."},
		http.StatusForbidden:             {"Not possible from here", "Another site sent this request. Please try it from our own pages."},
		http.StatusRequestEntityTooLarge: {"Too large", "That was more than we can take at once."},
		http.StatusNotFound:              {"Not found", "We have no such page. The book may have left the shop."},
		http.StatusServiceUnavailable:    {"Back in a moment", "The shop can't answer just now. Please try again in a few seconds."},
		http.StatusInternalServerError:   {"Something went wrong", "That was our fault. Please try again."},
	},
	OtherError:     message{"That didn't work", "Please try again."},
	BadKeyword:     "Your search is longer than %d characters, or it isn't readable text.",
	BadParameter:   "The part “%s” of this page's address can't be read.",
	TemplateFailed: "Something went wrong on our side.",
}
