package adapter

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
)

//go:embed templates/*.html templates/desk/*.html
var builtinTemplates embed.FS

//go:embed static
var staticFiles embed.FS

// asset is a static file. Its address contains its hash, so that browsers may
// keep it for good.
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

func (s *Server) assetAddress(name string) (string, error) {
	a, ok := s.assets[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return s.links.To("/static/"+name+"?v="+a.hash, nil), nil
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

func (s *Server) robots(c *gin.Context) {
	rules := fmt.Sprintf("User-agent: *\nDisallow: %[1]s/*?*q=\nDisallow: %[1]s/api/\nDisallow: %[1]s/insights\nDisallow: %[1]s/ping\n", s.basePath)
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(rules))
}
