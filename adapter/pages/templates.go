package pages

import (
	"fmt"
	"html/template"
	"io"
	"path/filepath"

	"literank.com/event-books/domain/model"
)

const (
	indexTemplate = "index.html"
	bookTemplate  = "book.html"
	errorTemplate = "error.html"
)

// blankPages are the templates that a set must have, each with data to try it
// on.
var blankPages = map[string]any{
	indexTemplate: &indexData{},
	bookTemplate:  &bookData{Book: bookView{Book: &model.Book{}}},
	errorTemplate: &errorData{},
}

// loadTemplates parses the built-in templates or the files that Pattern names.
func (p *Pages) loadTemplates() (*template.Template, error) {
	root := template.New("").Funcs(template.FuncMap{
		"asset": p.Asset,
		"link":  func(path string) string { return p.Links.To(path, nil) },
		// number writes 33629 as "33,629", books as "33,629 books".
		"number": number,
		"books":  countBooks,
	})
	if p.Pattern == "" {
		t, err := root.ParseFS(p.Builtin, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("built-in templates: %w", err)
		}
		return t, nil
	}
	if found, err := filepath.Glob(p.Pattern); err != nil || len(found) == 0 {
		return nil, fmt.Errorf("app.templates_pattern: no file matches %q; leave it empty for the built-in templates", p.Pattern)
	}
	t, err := root.ParseGlob(p.Pattern)
	if err != nil {
		return nil, fmt.Errorf("app.templates_pattern: %w", err)
	}
	for name, blank := range blankPages {
		if t.Lookup(name) == nil {
			return nil, fmt.Errorf("app.templates_pattern: %q has no file %s", p.Pattern, name)
		}
		if err := t.ExecuteTemplate(io.Discard, name, blank); err != nil {
			return nil, fmt.Errorf("app.templates_pattern: %w", err)
		}
	}
	return t, nil
}
