package model

// Reason says why a book is recommended.
type Reason int

const (
	// BecauseOpened: the visitor opened another book, and its readers opened this one, or it is
	// similar.
	BecauseOpened Reason = iota + 1
	// AlsoOpened: readers of another book opened this one on the same day.
	AlsoOpened
	// SimilarTo: it is similar to another book.
	SimilarTo
	// Popular: many visitors open it. PopularInLanguage: and it is in the visitor's language.
	Popular
	PopularInLanguage
	// WellKnown: the catalogue knows it as popular. WellKnownInLanguage: and it is in the visitor's
	// language.
	WellKnown
	WellKnownInLanguage
)

// Recommendation is a book with the reason for it.
type Recommendation struct {
	Book *Book
	// Score says how well the book suits, from 0 to 1. It is 0 for popular and well-known
	// books.
	Score  float64
	Reason Reason
	// Because is the other book that the reason names, nil if it names none.
	Because *Book
}
