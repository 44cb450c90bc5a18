package pages

import (
	"net/http"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/model"
)

// explanation is a headline with a sentence.
type explanation struct{ Title, Detail string }

// messages holds the texts for shoppers that code chooses or puts together. The
// templates hold all others.
var messages = struct {
	AllBooks string
	// OftenSearched heads the list of keywords on the home page.
	OftenSearched string
	// RelatedSearches heads the searches that find the same books.
	RelatedSearches string
	Untitled        string
	// Books takes a number other than one.
	OneBook, Books string
	// Editions takes the number of further editions, other than one.
	OneEdition, Editions string
	// Privacy, Contact and Imprint stand at the foot of each page.
	Privacy, Contact, Imprint string
	// YearBCE and YearCE take a year.
	YearBCE, YearCE string
	Stock           map[model.Availability]string
	Sorts           map[model.Sort]string
	// CatalogueOrder names the default order where there is no keyword.
	CatalogueOrder string
	// Filters names each filter by its parameter.
	Filters map[string]string
	// Available and NotAvailable are the values of the filter by availability.
	Available, NotAvailable string
	// RemoveFilter takes the filter, SearchWholeShop and SearchSimilar the keyword, SearchAlone
	// a word of it.
	RemoveFilter, SearchWholeShop, SearchSimilar, SearchAlone, BrowseAll string
	// Popular is the headline of the best known books, SomeBooks that of any others.
	Popular, SomeBooks string
	// ForYou heads the books for a visitor, AlsoOpened and Similar those for readers of a book.
	ForYou, AlsoOpened, Similar string
	// Errors are the error pages by status; OtherError is for any other status.
	Errors     map[int]explanation
	OtherError explanation
	// Overloaded is the page of a 503 because of too many searches.
	Overloaded explanation
	// TooDeep takes the number of books that can be reached.
	TooDeep explanation
	// Under the headline of a 400, BadKeyword takes the longest keyword in
	// characters, BadParameter the name of a parameter.
	BadKeyword, BadParameter string
	// TryAgain leads to the same page, FirstPage to the first page of the result.
	TryAgain, FirstPage string
	TemplateFailed      string
}{
	AllBooks:      "All books",
	OftenSearched: "Often searched",

	RelatedSearches: "Related searches",
	Untitled:        "Untitled",
	OneBook:         "1 book",
	Books:           "%s books",

	OneEdition: "1 more edition",
	Editions:   "%s more editions",

	Privacy: "What we record",
	Contact: "Contact",
	Imprint: "Imprint",
	YearBCE: "%s BCE",
	YearCE:  "%s CE",
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
		query.Decade:    "Published",
		query.Available: "Availability",
	},
	Available:       "in stock",
	NotAvailable:    "not in stock",
	SearchWholeShop: "Search the whole shop for “%s”",
	SearchSimilar:   "Search for words like “%s”",
	RemoveFilter:    "Remove “%s”",
	SearchAlone:     "Search for “%s” alone",
	BrowseAll:       "Browse all books",
	Popular:         "Popular books",
	SomeBooks:       "Some of our books",
	ForYou:          "For you",
	AlsoOpened:      "Readers also opened",
	Similar:         "Similar books",
	Errors: map[int]explanation{
		http.StatusBadRequest:            {"We can't search for that", "The address of this page seems to be damaged. Please search again, or browse all books."},
		http.StatusMethodNotAllowed:      {"That doesn't work here", "Please go back, and use the links and buttons of our pages."},
		http.StatusForbidden:             {"Not possible from here", "Another site sent this request. Please try it from our own pages."},
		http.StatusRequestEntityTooLarge: {"Too large", "That was more than we can take at once. Please go back and send less."},
		http.StatusNotFound:              {"Not found", "We have no such page. The address may be mistyped, or the book has left the shop. Please search for it, or browse all books."},
		http.StatusTooManyRequests:       {"One moment, please", "We get very many requests from your connection. Please wait a few seconds, then try again."},
		http.StatusServiceUnavailable:    {"Back in a moment", "The shop can't answer just now. Please try again in a few seconds."},
		http.StatusInternalServerError:   {"Something went wrong", "That was our fault, not yours. Please try again."},
	},
	OtherError: explanation{"That didn't work", "Please go back and try again."},
	Overloaded: explanation{"Many people are searching just now", "We couldn't get to your search in time. Please try again in a few seconds."},
	TooDeep:    explanation{"That is too far down the list", "We show the first %s books of a result. Add a word to your search to find fewer, or sort them in another way."},
	BadKeyword: "Your search is longer than %s characters, or it isn't readable text. Please search with fewer words.",
	BadParameter: "The part “%s” of this page's address says something that we don't understand. " +
		"Please search again, or browse all books.",
	TryAgain:       "Try again",
	FirstPage:      "Go to the first page of this result",
	TemplateFailed: "Something went wrong on our side.",
}
