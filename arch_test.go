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

// mayImport lists, for every package ("room"), the packages of this module that its code may
// import.
var mayImport = map[string][]string{
	".":                                    {"adapter/cli", "application"},
	"domain/model":                         {},
	"domain/gateway":                       {"domain/demand", "domain/interest", "domain/model", "domain/trend"},
	"domain/interest":                      {"domain/model", "domain/trend"},
	"domain/keyword":                       {"domain/model"},
	"domain/trend":                         {"domain/model"},
	"domain/work":                          {"domain/model"},
	"application":                          {"adapter", "application/consumer", "application/counting", "application/executor", "application/flatfile", "application/importing", "application/insights", "application/orders", "application/recommending", "application/replaying", "application/trends", "domain/gateway", "domain/model", "infrastructure/broker", "infrastructure/cache", "infrastructure/catalog", "infrastructure/config", "infrastructure/database", "infrastructure/daykey", "infrastructure/disk", "infrastructure/feed", "infrastructure/index", "infrastructure/index/bleve", "infrastructure/index/highlight", "infrastructure/index/indexer", "infrastructure/live", "infrastructure/mq", "infrastructure/ping", "infrastructure/relay", "infrastructure/spool", "infrastructure/tracing"},
	"application/consumer":                 {"domain/gateway", "domain/interest", "domain/model", "domain/trend"},
	"application/recommending":             {"domain/gateway", "domain/interest", "domain/model", "domain/trend", "domain/work"},
	"application/insights":                 {"application/trends", "domain/gateway", "domain/model", "domain/trend"},
	"application/replaying":                {"domain/gateway", "domain/model"},
	"domain/demand":                        {"domain/model"},
	"application/orders":                   {"application/trends", "domain/demand", "domain/gateway", "domain/model", "domain/trend"},
	"application/trends":                   {"domain/gateway", "domain/model", "domain/trend"},
	"application/counting":                 {"domain/model", "domain/trend"},
	"application/executor":                 {"application/recommending", "application/trends", "domain/gateway", "domain/keyword", "domain/model", "domain/trend", "infrastructure/mq"},
	"application/shoppers":                 {"domain/model"},
	"application/flatfile":                 {"application/counting", "domain/model"},
	"application/importing":                {"domain/gateway", "domain/model"},
	"infrastructure/broker":                {"infrastructure/disk"},
	"infrastructure/cache":                 {"domain/gateway", "domain/model"},
	"infrastructure/catalog":               {"domain/gateway", "domain/model", "infrastructure/catalog/former", "infrastructure/catalog/notation", "infrastructure/catalog/onix", "infrastructure/disk"},
	"infrastructure/catalog/former":        {"domain/model"},
	"infrastructure/catalog/notation":      {"domain/model"},
	"infrastructure/catalog/onix":          {"domain/model", "infrastructure/catalog/former", "infrastructure/catalog/notation"},
	"infrastructure/config":                {},
	"infrastructure/database":              {"domain/demand", "domain/gateway", "domain/interest", "domain/model", "domain/trend", "infrastructure/tracing"},
	"infrastructure/daykey":                {"domain/gateway", "domain/model", "domain/trend"},
	"infrastructure/disk":                  {},
	"infrastructure/feed":                  {"domain/gateway", "domain/model", "infrastructure/mq"},
	"infrastructure/index":                 {"domain/gateway", "domain/model", "infrastructure/tracing"},
	"infrastructure/index/bleve":           {"domain/keyword", "domain/model", "domain/work", "infrastructure/index", "infrastructure/index/text"},
	"infrastructure/index/highlight":       {"domain/keyword", "domain/model", "infrastructure/index/text"},
	"infrastructure/index/indexer":         {"domain/gateway", "domain/model", "infrastructure/disk", "infrastructure/index"},
	"infrastructure/index/text":            {},
	"infrastructure/live":                  {"domain/gateway", "domain/model", "infrastructure/mq"},
	"infrastructure/mq":                    {"domain/gateway", "domain/model", "infrastructure/tracing"},
	"infrastructure/mq/mqtest":             {"bench/testbed", "domain/model", "infrastructure/broker", "infrastructure/mq"},
	"infrastructure/ping":                  {"domain/gateway", "domain/model", "infrastructure/mq"},
	"infrastructure/relay":                 {"domain/gateway", "domain/model", "infrastructure/mq"},
	"infrastructure/spool":                 {"domain/model", "infrastructure/disk", "infrastructure/mq", "infrastructure/wal"},
	"infrastructure/tracing":               {},
	"infrastructure/wal":                   {"infrastructure/disk"},
	"adapter":                              {"adapter/agent", "adapter/api", "adapter/click", "adapter/desk", "adapter/pages", "adapter/query", "adapter/search", "adapter/staff", "adapter/visitor", "application/executor", "application/insights", "application/orders", "domain/gateway", "domain/model"},
	"adapter/cli":                          {"application", "application/counting", "application/flatfile", "application/importing", "application/replaying", "application/shoppers", "domain/gateway", "domain/model", "infrastructure/config", "infrastructure/mq", "infrastructure/spool"},
	"api":                                  {},
	"bench":                                {},
	"bench/chaos":                          {"application/shoppers", "bench/testbed", "infrastructure/catalog"},
	"bench/changes":                        {"bench/testbed", "domain/model"},
	"bench/counting":                       {"application/shoppers", "bench/testbed", "domain/model", "domain/trend", "domain/trend/trendtest", "infrastructure/catalog"},
	"bench/search":                         {"bench/testbed", "domain/gateway", "domain/model", "infrastructure/catalog", "infrastructure/index", "infrastructure/index/bleve"},
	"bench/eval":                           {"domain/gateway", "domain/model", "domain/work", "infrastructure/catalog", "infrastructure/index", "infrastructure/index/bleve"},
	"bench/interests":                      {"bench/testbed", "domain/gateway", "domain/interest", "domain/model", "domain/trend", "infrastructure/database", "infrastructure/mq"},
	"bench/recommendations":                {"application/recommending", "domain/gateway", "domain/interest", "domain/trend", "infrastructure/database"},
	"bench/testbed":                        {"domain/model"},
	"bench/spool":                          {"application", "bench/testbed", "domain/gateway", "domain/model", "infrastructure/config", "infrastructure/mq"},
	"bench/control":                        {"domain/gateway", "domain/model", "infrastructure/mq"},
	"bench/control/bypass":                 {"adapter/cli", "application", "bench/control", "infrastructure/mq"},
	"bench/control/forgetful":              {"adapter/cli", "application", "bench/control", "domain/gateway"},
	"bench/control/order":                  {"adapter/cli", "application", "bench/control", "infrastructure/spool"},
	"bench/control/outside":                {"adapter/cli", "application", "bench/control", "domain/gateway"},
	"bench/control/uncached":               {"adapter/cli", "application", "bench/control", "domain/gateway"},
	"bench/control/unversioned":            {"adapter/cli", "application", "bench/control", "domain/gateway"},
	"bench/overload":                       {"bench/testbed", "domain/model"},
	"bench/trends":                         {"bench/testbed", "domain/model", "infrastructure/catalog", "infrastructure/mq"},
	"bench/tutorial":                       {},
	"bench/weather":                        {"bench/testbed", "domain/model", "infrastructure/catalog"},
	"adapter/agent":                        {"domain/model"},
	"adapter/api":                          {"adapter/query", "adapter/reason", "adapter/search", "adapter/visitor", "api", "application/executor", "application/insights", "application/orders", "domain/demand", "domain/gateway", "domain/model", "domain/trend"},
	"adapter/click":                        {"domain/model"},
	"adapter/pages":                        {"adapter/click", "adapter/query", "adapter/reason", "adapter/search", "adapter/visitor", "application/executor", "application/orders", "domain/model", "domain/trend"},
	"adapter/desk":                         {"adapter/query", "application/insights", "application/orders", "domain/demand", "domain/gateway", "domain/model", "domain/trend"},
	"adapter/staff":                        {"domain/gateway"},
	"adapter/query":                        {"domain/demand", "domain/model", "domain/trend"},
	"adapter/reason":                       {"domain/model"},
	"adapter/search":                       {"adapter/query", "adapter/visitor", "application/executor", "domain/model"},
	"adapter/visitor":                      {"adapter/agent", "domain/model"},
	"deploy/licenses":                      {},
	"deploy/test/report":                   {},
	"domain/interest/interesttest":         {"domain/interest", "domain/trend"},
	"domain/trend/trendtest":               {"domain/model", "domain/trend"},
	"infrastructure/database/databasetest": {"domain/demand", "domain/gateway", "domain/interest", "domain/interest/interesttest", "domain/model", "domain/trend", "domain/trend/trendtest", "infrastructure/index/indextest"},
	"infrastructure/index/indextest":       {"domain/gateway", "domain/model"},
}

// onlyIn lists the only packages that may import a library.
var onlyIn = map[string][]string{
	"github.com/IBM/sarama":               {"infrastructure/mq", "infrastructure/mq/mqtest", "bench/changes", "bench/chaos", "bench/control", "bench/testbed", "bench/spool", "bench/tutorial", "bench/weather", "bench/counting"},
	"github.com/Shopify":                  {"bench/chaos"},
	"github.com/twmb/franz-go":            {"infrastructure/broker", "infrastructure/mq/mqtest"},
	"github.com/maypok86/otter":           {"infrastructure/cache", "infrastructure/index/text"},
	"gorm.io":                             {"infrastructure/database", "bench/tutorial"},
	"modernc.org/sqlite":                  {"infrastructure/database", "bench/counting"},
	"github.com/pressly/goose":            {"infrastructure/database"},
	"github.com/gin-gonic/gin":            {"adapter", "adapter/api", "adapter/desk", "adapter/pages", "adapter/search", "bench/tutorial"},
	"go.yaml.in/yaml/v3":                  {"infrastructure/config"},
	"github.com/alecthomas/kong":          {"adapter/cli"},
	"github.com/prometheus":               {"infrastructure/index", "infrastructure/ping", "adapter", "application", "infrastructure/spool"},
	"go.opentelemetry.io":                 {"adapter", "infrastructure/tracing"},
	"github.com/blevesearch/snowballstem": {"infrastructure/index/text"},
	"github.com/blevesearch/bleve":        {"bench/search", "infrastructure/index/bleve"},
	"github.com/RoaringBitmap/roaring":    {"infrastructure/index/bleve"},
	"github.com/klauspost":                {"adapter"},
	"net/http":                            {"bench/interests", "bench/search", "bench/trends", "bench/overload", "adapter", "application", "adapter/agent", "adapter/api", "adapter/cli", "adapter/pages", "adapter/visitor", "bench/changes", "bench/chaos", "bench/spool", "bench/testbed", "bench/tutorial", "bench/weather", "bench/counting", "adapter/desk", "adapter/staff"},
	"net/url":                             {"bench/interests", "bench/search", "bench/changes", "bench/overload", "infrastructure/catalog", "adapter", "adapter/pages", "adapter/query", "bench/chaos", "bench/weather", "domain/model", "infrastructure/config", "infrastructure/database", "bench/counting", "adapter/desk", "adapter/cli"},
	"github.com/alexedwards/scs":          {"adapter/staff"},
	"database/sql":                        {"infrastructure/database", "bench/changes", "bench/control", "bench/weather", "bench/counting", "bench/testbed"},
}

// TestImportRules fails on a forbidden import. Tests may import more, because a contract
// suite needs several implementations.
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
		{"domain/gateway", "net/url"},
		{"application/executor", "github.com/IBM/sarama"},
		{"adapter", "github.com/IBM/sarama"},
		{"adapter/api", "github.com/IBM/sarama"},
		{"adapter/api", module + "/adapter"},
		{"adapter/pages", module + "/adapter/api"},
		{"adapter/query", "github.com/gin-gonic/gin"},
		{"adapter", "gorm.io/gorm"},
		{"adapter", module + "/infrastructure/database"},
		{"infrastructure/database", "net/http"},
		{"infrastructure/mq", "go.opentelemetry.io/otel"},
		{"infrastructure/mq", "github.com/twmb/franz-go/pkg/kgo"},
		{"application/importing", module + "/infrastructure/catalog"},
		{"adapter/cli", module + "/infrastructure/catalog"},
		{"some/new/room", module + "/domain/model"},
	} {
		if len(forbidden(test.room, []string{test.imports})) == 0 {
			t.Errorf("%s may import %s", test.room, test.imports)
		}
	}
}

// TestPermissionsAreUsed fails on a permission that nothing needs any more.
func TestPermissionsAreUsed(t *testing.T) {
	used := map[string]bool{}
	for file, imports := range importsOf(t, ".") {
		for _, imported := range imports {
			if other, ours := strings.CutPrefix(imported, module+"/"); ours {
				used[path.Dir(file)+" imports "+other] = true
			}
			for library := range onlyIn {
				if imported == library || strings.HasPrefix(imported, library+"/") {
					used[path.Dir(file)+" knows "+library] = true
				}
			}
		}
	}
	for room, others := range mayImport {
		for _, other := range others {
			if !used[room+" imports "+other] {
				t.Errorf("%s may import %s, and doesn't", room, other)
			}
		}
	}
	for library, rooms := range onlyIn {
		for _, room := range rooms {
			if !used[room+" knows "+library] {
				t.Errorf("%s may know %s, and doesn't", room, library)
			}
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

// importsOf returns the imports of every Go file except tests.
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
