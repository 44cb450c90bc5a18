package adapter

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/api"
	"literank.com/event-books/domain/model"
)

//go:embed templates/*.html
var builtinTemplates embed.FS

//go:embed static
var staticFiles embed.FS

// blankPages are the pages that a set of templates must have, each with data
// to try it on.
var blankPages = map[string]any{
	"index.html": &indexData{},
	"book.html":  &bookData{Book: bookView{Book: &model.Book{}}},
	"error.html": &errorData{},
}

// asset is a file served as it is, under an address that changes with it.
type asset struct {
	content []byte
	mime    string
	hash    string
}

type assets map[string]asset

func loadAssets() (assets, error) {
	files := assets{}
	err := fs.WalkDir(staticFiles, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		hash := sha256.Sum256(content)
		files[path.Base(name)] = asset{content, mime.TypeByExtension(path.Ext(name)), hex.EncodeToString(hash[:6])}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	return files, nil
}

// loadTemplates parses the built-in templates or those that the pattern names.
func (s *Server) loadTemplates() (*template.Template, error) {
	root := template.New("").Funcs(template.FuncMap{
		"asset": func(name string) (string, error) {
			a, ok := s.assets[name]
			if !ok {
				return "", fmt.Errorf("there is no asset %s", name)
			}
			return s.links.Base + "/static/" + name + "?v=" + a.hash, nil
		},
		"link": func(path string) string { return s.links.Base + path },
	})
	if s.TemplatesPattern == "" {
		t, err := root.ParseFS(builtinTemplates, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("built-in templates: %w", err)
		}
		return t, nil
	}
	if found, err := filepath.Glob(s.TemplatesPattern); err != nil || len(found) == 0 {
		return nil, fmt.Errorf("app.templates_pattern: no file matches %q; leave it empty for the built-in templates", s.TemplatesPattern)
	}
	t, err := root.ParseGlob(s.TemplatesPattern)
	if err != nil {
		return nil, fmt.Errorf("app.templates_pattern: %w", err)
	}
	for name, blank := range blankPages {
		if t.Lookup(name) == nil {
			return nil, fmt.Errorf("app.templates_pattern: %q has no file %s", s.TemplatesPattern, name)
		}
		if err := t.ExecuteTemplate(io.Discard, name, blank); err != nil {
			return nil, fmt.Errorf("app.templates_pattern: %w", err)
		}
	}
	return t, nil
}

// render answers with a page, or with an error if the template fails.
func (s *Server) render(c *gin.Context, status int, name string, data any) {
	var page bytes.Buffer
	if err := s.templates.ExecuteTemplate(&page, name, data); err != nil {
		s.log.Error("template failed", "template", name, "request_id", c.GetString(requestIDKey), "error", err)
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("Something went wrong on our side.\n"))
		return
	}
	c.Data(status, "text/html; charset=utf-8", page.Bytes())
}

func (s *Server) static(c *gin.Context) {
	a, ok := s.assets[strings.TrimPrefix(c.Param("file"), "/")]
	if !ok {
		s.failStatus(c, http.StatusNotFound, "There is no such file.")
		return
	}
	if c.Query("v") == a.hash {
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		c.Header("Cache-Control", "no-cache")
	}
	c.Data(http.StatusOK, a.mime, a.content)
}

func (s *Server) openAPI(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/yaml", api.OpenAPI)
}

func (s *Server) asyncAPI(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/yaml", api.AsyncAPI)
}

func (s *Server) schema(c *gin.Context) {
	content, err := api.Schemas.ReadFile("schemas/" + c.Param("event") + "/" + c.Param("file"))
	if err != nil {
		s.fail(c, model.Errorf(model.NotFound, "", "there is no such schema"))
		return
	}
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/schema+json", content)
}

func (s *Server) robots(c *gin.Context) {
	rules := fmt.Sprintf("User-agent: *\nDisallow: %[1]s/*?*q=\nDisallow: %[1]s/api/\n", s.basePath)
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(rules))
}
