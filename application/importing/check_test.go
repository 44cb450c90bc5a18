package importing_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/gateway"
)

// sourced opens files whose source is given by path.
type sourced map[string]string

type sourcedFile struct {
	file
	source string
}

func (f *sourcedFile) Source() string { return f.source }

func (s sourced) Open(path string, _ gateway.FileOptions) (gateway.BookFile, error) {
	if source, ok := s[path]; ok {
		return &sourcedFile{source: source}, nil
	}
	return nil, errors.New("no such file")
}

func (s sourced) CheckOptions(path string, o gateway.FileOptions) error {
	if o.Encoding == "unknown" {
		return errors.New("unknown encoding")
	}
	return nil
}

func TestCheck(t *testing.T) {
	files := sourced{"a/books.xml": "A", "b/books.xml": "B", "a/books.csv": "books.csv", "b/books.csv": "books.csv"}
	named := func(source string) importing.Options {
		return importing.Options{FileOptions: gateway.FileOptions{Source: source}}
	}
	for name, c := range map[string]struct {
		paths   []string
		options importing.Options
		want    string
	}{
		"one file":                           {paths: []string{"a/books.csv"}},
		"standard input":                     {paths: []string{"-", "a/books.csv"}},
		"standard input twice":               {paths: []string{"-", "-"}, want: "only once"},
		"an unknown encoding":                {paths: []string{"a"}, options: importing.Options{FileOptions: gateway.FileOptions{Encoding: "unknown"}}, want: "unknown encoding"},
		"rejected rows of two files":         {paths: []string{"a", "b"}, options: importing.Options{Rejected: "r"}, want: "of one file only"},
		"rejected rows into the file":        {paths: []string{"./a"}, options: importing.Options{Rejected: "a"}, want: "the imported file itself"},
		"one name, one source":               {paths: []string{"a/books.csv", "b/books.csv"}, want: "a/books.csv and b/books.csv have the same name"},
		"one name, one source given":         {paths: []string{"a/books.csv", "b/books.csv"}, options: named("shop")},
		"one name, two senders":              {paths: []string{"a/books.xml", "b/books.xml"}},
		"one name, files that can't be read": {paths: []string{"x/gone.csv", "y/gone.csv"}, want: "have the same name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := importing.Check(files, c.paths, c.options)
			if c.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.want)
			}
		})
	}
}
