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
	// Sets may lack privacyTemplate.
	privacyTemplate = "privacy.html"
)

// blankPages are the templates that a set must have, each with data to try it
// on.
var blankPages = map[string]any{
	indexTemplate: &indexData{},
	bookTemplate:  &bookData{Book: bookView{Book: &model.Book{}}},
	errorTemplate: &errorData{},
}

// loadTemplates parses the built-in templates and the files that Pattern names.
func (p *Pages) loadTemplates() (err error) {
	functions := template.FuncMap{
		"asset": p.Asset,
		"link":  func(path string) string { return p.Links.To(path, nil) },
		// number writes 33629 as "33,629", books as "33,629 books".
		"number": number,
		"books":  countBooks,
	}
	if p.builtin, err = template.New("").Funcs(functions).ParseFS(p.Builtin, "templates/*.html"); err != nil {
		return fmt.Errorf("built-in templates: %w", err)
	}
	if p.templates = p.builtin; p.Pattern == "" {
		return nil
	}
	if found, err := filepath.Glob(p.Pattern); err != nil || len(found) == 0 {
		return fmt.Errorf("app.templates_pattern: no file matches %q; leave it empty for the built-in templates", p.Pattern)
	}
	if p.templates, err = template.New("").Funcs(functions).ParseGlob(p.Pattern); err != nil {
		return fmt.Errorf("app.templates_pattern: %w", err)
	}
	for name, blank := range blankPages {
		if p.templates.Lookup(name) == nil {
			return fmt.Errorf("app.templates_pattern: %q has no file %s", p.Pattern, name)
		}
		if err := p.templates.ExecuteTemplate(io.Discard, name, blank); err != nil {
			return fmt.Errorf("app.templates_pattern: %w", err)
		}
	}
	if p.templates.Lookup(privacyTemplate) == nil {
		return nil
	}
	if err := p.templates.ExecuteTemplate(io.Discard, privacyTemplate, &privacyData{}); err != nil {
		return fmt.Errorf("app.templates_pattern: %w", err)
	}
	return nil
}
