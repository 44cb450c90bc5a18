package model

// Highlights are the texts of a book that have words of a keyword. A text without any is nil.
// Title and Author are complete. The others have words that stand neither in the title nor in
// the author; a long one is an excerpt. Subjects are those that have some.
type Highlights struct {
	Title       []Fragment `json:"title,omitempty"`
	Author      []Fragment `json:"author,omitempty"`
	Series      []Fragment `json:"series,omitempty"`
	Subjects    []Fragment `json:"subjects,omitempty"`
	Publisher   []Fragment `json:"publisher,omitempty"`
	Description []Fragment `json:"description,omitempty"`
}

// Fragment is a part of a text. The fragments of a text follow each other.
type Fragment struct {
	Text string `json:"text"`
	// Match says that these are words of the keyword.
	Match bool `json:"match,omitempty"`
}
