package gateway

import "io"

// BookFiles opens files of books in every format that the shop knows.
type BookFiles interface {
	// Open opens a file at its beginning; "-" is standard input. The content
	// decides the format, not the name. Neither the error nor those of the
	// BookFile name the path; the caller adds it.
	Open(path string, options FileOptions) (BookFile, error)
	// CheckOptions returns an error if no file under this path could be read
	// with these options. It doesn't open the file.
	CheckOptions(path string, options FileOptions) error
}

// FileOptions say how a file is read.
type FileOptions struct {
	// Source names the catalogue that the file's ids belong to. The default is
	// the sender of an ONIX message; else the file's base name, with ".gz" and
	// without ".rejected". Pipes and standard input have no name: without a
	// source their ids aren't used.
	Source string
	// Map adds names of columns to the known ones: column → field.
	Map map[string]string
	// Encoding is a label of the Encoding Standard (WHATWG). If it is empty,
	// the encoding is detected.
	Encoding string
	// Currency is the ISO 4217 code of prices for which the file names no
	// currency. It may be empty.
	Currency string
	// Stdin is read for the path "-".
	Stdin io.Reader
}
