package gateway

import "literank.com/event-books/domain/model"

// BookOutput is the place that an export writes to: a file, or standard output.
type BookOutput interface {
	// Write calls fill once, and writes each book that fill adds. A file that
	// exists is replaced as a whole: if fill or the writing fails, it stays as
	// it was. The error of Write wraps fill's.
	Write(fill func(add func(*model.ImportRow) error) error) error
}
