package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "literank.com/event-books"

// mayImport says, for every room, which other rooms of this module its code
// may import. DESIGN.md has the same table with the reasons.
var mayImport = map[string][]string{
	".":                       {"adapter/cli"},
	"domain/model":            {},
	"domain/gateway":          {"domain/model"},
	"application":             {"application/importing", "domain/gateway", "domain/model", "infrastructure/broker", "infrastructure/catalog", "infrastructure/config", "infrastructure/database", "infrastructure/mq"},
	"application/executor":    {"domain/gateway", "domain/model", "infrastructure/mq"},
	"application/importing":   {"domain/gateway", "domain/model"},
	"infrastructure/broker":   {"infrastructure/disk"},
	"infrastructure/catalog":  {"domain/gateway", "domain/model", "infrastructure/disk"},
	"infrastructure/config":   {},
	"infrastructure/database": {"domain/gateway", "domain/model"},
	"infrastructure/disk":     {},
	"infrastructure/mq":       {"domain/model", "infrastructure/disk", "infrastructure/wal"},
	"infrastructure/wal":      {"infrastructure/disk"},
	"adapter":                 {"api", "application/executor", "domain/model"},
	"adapter/cli":             {"adapter", "application", "application/executor", "application/importing", "domain/gateway", "domain/model", "infrastructure/broker", "infrastructure/config", "infrastructure/disk", "infrastructure/mq"},
	"api":                     {},
	"bench":                   {"application/importing", "domain/gateway", "domain/model", "infrastructure/catalog", "infrastructure/database"},
	"bench/chaos":             {"bench/testbed", "infrastructure/catalog"},
	"bench/testbed":           {},
	"bench/spool":             {"adapter", "application", "application/executor", "bench/testbed", "domain/gateway", "domain/model", "infrastructure/catalog", "infrastructure/database", "infrastructure/mq"},
	"bench/tutorial":          {},
	"bench/weather":           {"bench/testbed", "domain/model", "infrastructure/catalog"},

	// Contract suites, which tests import.
	"infrastructure/database/databasetest": {"domain/gateway", "domain/model", "infrastructure/index/indextest"},
	"infrastructure/index/indextest":       {"domain/gateway", "domain/model"},
}

// onlyIn keeps a library in the rooms that are made to know it.
var onlyIn = map[string][]string{
	"github.com/IBM/sarama":      {"infrastructure/mq", "bench/chaos", "bench/testbed", "bench/spool", "bench/tutorial", "bench/weather"},
	"github.com/Shopify":         {"bench/chaos"},
	"github.com/twmb/franz-go":   {"infrastructure/broker"},
	"gorm.io":                    {"infrastructure/database", "bench/tutorial"},
	"github.com/glebarez":        {"infrastructure/database"},
	"github.com/pressly/goose":   {"infrastructure/database"},
	"github.com/gin-gonic/gin":   {"adapter", "bench/tutorial"},
	"gopkg.in/yaml.v3":           {"infrastructure/config"},
	"github.com/alecthomas/kong": {"adapter/cli"},
	"github.com/prometheus":      {"adapter", "application", "bench/spool", "infrastructure/mq"},
	"net/http":                   {"adapter", "adapter/cli", "bench/chaos", "bench/spool", "bench/tutorial", "bench/weather"},
	"database/sql":               {"infrastructure/database", "bench", "bench/weather"},
}

// TestImportRules fails on an import that the house forbids. Tests may import
// more: a contract suite has to see several implementations.
func TestImportRules(t *testing.T) {
	for file, imports := range importsOf(t, ".") {
		for _, complaint := range forbidden(path.Dir(file), imports) {
			t.Errorf("%s: %s", file, complaint)
		}
	}
}

func TestImportRulesAreSeen(t *testing.T) {
	for _, test := range []struct{ room, imports string }{
		{"domain/model", module + "/infrastructure/mq"},
		{"domain/gateway", module + "/application"},
		{"application/executor", "github.com/IBM/sarama"},
		{"application/importing", module + "/infrastructure/catalog"},
		{"adapter/cli", module + "/infrastructure/catalog"},
		{"adapter", "gorm.io/gorm"},
		{"adapter", module + "/infrastructure/database"},
		{"infrastructure/database", "net/http"},
		{"infrastructure/mq", "github.com/twmb/franz-go/pkg/kgo"},
		{"some/new/room", module + "/domain/model"},
	} {
		if len(forbidden(test.room, []string{test.imports})) == 0 {
			t.Errorf("%s may import %s", test.room, test.imports)
		}
	}
}

func forbidden(room string, imports []string) (complaints []string) {
	allowed, known := mayImport[room]
	for _, imported := range imports {
		if other, ours := strings.CutPrefix(imported, module+"/"); ours {
			if !known {
				complaints = append(complaints, "the room "+room+" is not in the table of import rules")
			} else if !slices.Contains(allowed, other) {
				complaints = append(complaints, room+" must not import "+other)
			}
		}
		for library, rooms := range onlyIn {
			if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(rooms, room) {
				complaints = append(complaints, room+" must not know "+library)
			}
		}
	}
	return complaints
}

// importsOf returns the imports of every Go file that isn't a test.
func importsOf(t *testing.T, root string) map[string][]string {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "data") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file := filepath.ToSlash(name)
		found[file] = []string{}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[file] = append(found[file], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 20 {
		t.Fatalf("only %d files seen", len(found))
	}
	return found
}
