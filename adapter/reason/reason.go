// Package reason says in words why a book is recommended. It must not know HTTP or the application.
package reason

import (
	"fmt"
	"strings"

	"literank.com/event-books/domain/model"
)

// texts are for people. Those with %s take the title of another book.
var texts = map[model.Reason]string{
	model.BecauseOpened:       "because you opened “%s”",
	model.AlsoOpened:          "readers of “%s” also opened it",
	model.SimilarTo:           "similar to “%s”",
	model.Popular:             "popular with our visitors",
	model.PopularInLanguage:   "popular in your language",
	model.WellKnown:           "well known",
	model.WellKnownInLanguage: "popular in your language",
}

// untitled stands for the title of a book without one.
const untitled = "a book without a title"

// Text returns the reason for a recommendation.
func Text(r model.Recommendation) string {
	text := texts[r.Reason]
	if !strings.Contains(text, "%s") {
		return text
	}
	title := untitled
	if r.Because != nil && strings.TrimSpace(r.Because.Title) != "" {
		title = r.Because.Title
	}
	return fmt.Sprintf(text, title)
}
