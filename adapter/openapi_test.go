package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/api"
	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
)

// description is the OpenAPI document, as decoded from JSON.
type description struct {
	t    *testing.T
	root any
}

func readOpenAPI(t *testing.T) *description {
	t.Helper()
	answer := newShop(t).get("/api/openapi.yaml")
	require.Equal(t, http.StatusOK, answer.Code)
	require.Equal(t, "application/yaml", answer.Header().Get("Content-Type"))
	require.Equal(t, string(api.OpenAPI), answer.Body.String())
	var document any
	require.NoError(t, yaml.Unmarshal(answer.Body.Bytes(), &document))
	asJSON, err := json.Marshal(document)
	require.NoError(t, err)
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	require.NoError(t, err)
	return &description{t, root}
}

// closed refuses fields that the document doesn't describe. The document itself allows them
// in answers, because a later version may add some; the tests find fields that were forgotten.
func (d *description) closed() *description {
	schemas := d.at(d.root, "components", "schemas").(map[string]any)
	found := schemas["SearchResult"]
	for _, schema := range []any{
		schemas["Book"], schemas["Problem"], schemas["Readiness"], schemas["EventCounts"], found, schemas["FoundBook"],
		d.at(found, "properties", "facets"), d.at(found, "properties", "correction"), d.at(found, "properties", "capabilities"), schemas["Suggestion"], schemas["Trend"], schemas["Recommendation"], schemas["RelatedBook"], schemas["RelatedSearch"],
		schemas["OrderEntry"], schemas["OrderEffect"], d.at(schemas["Facet"], "items"), schemas["Highlights"], d.at(schemas["Fragments"], "items"),
	} {
		schema.(map[string]any)["additionalProperties"] = false
	}
	return d
}

// at follows keys and references.
func (d *description) at(node any, keys ...string) any {
	d.t.Helper()
	for {
		m, ok := node.(map[string]any)
		require.True(d.t, ok, "%v in %v", keys, node)
		if ref, ok := m["$ref"].(string); ok {
			node = d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			continue
		}
		if len(keys) == 0 {
			return node
		}
		if node, ok = m[keys[0]]; !ok {
			return nil
		}
		keys = keys[1:]
		if _, ok := node.(map[string]any); !ok {
			require.Empty(d.t, keys)
			return node
		}
	}
}

var pathParameter = regexp.MustCompile(`:(\w+)`)

var methods = []string{"get", "head", "post", "put", "delete", "patch", "options", "trace"}

// operations returns the operations by names such as "GET /api/books".
func (d *description) operations() map[string]map[string]any {
	operations := map[string]map[string]any{}
	for path, item := range d.at(d.root, "paths").(map[string]any) {
		for key, operation := range item.(map[string]any) {
			if slices.Contains(methods, key) {
				operations[strings.ToUpper(key)+" "+path] = operation.(map[string]any)
			}
		}
	}
	return operations
}

// schema compiles the schema at a pointer into the document.
func (d *description) schema(pointer string) *jsonschema.Schema {
	d.t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(d.t, compiler.AddResource("openapi.json", d.root))
	schema, err := compiler.Compile("openapi.json#" + pointer)
	require.NoError(d.t, err)
	return schema
}

func TestOpenAPIListsTheRoutes(t *testing.T) {
	d := readOpenAPI(t)
	assert.Equal(t, "3.1.0", d.at(d.root, "openapi"))
	var routes []string
	for _, r := range newShop(t).engine.Routes() {
		if strings.HasPrefix(r.Path, "/api/") || r.Path == pingPath || r.Path == "/livez" || r.Path == "/readyz" {
			routes = append(routes, r.Method+" "+pathParameter.ReplaceAllString(r.Path, "{$1}"))
		}
	}
	operations := d.operations()
	assert.ElementsMatch(t, routes, slices.Collect(maps.Keys(operations)))
	ids := map[any]string{}
	for name, operation := range operations {
		id := operation["operationId"]
		require.NotEmpty(t, id, name)
		assert.Empty(t, ids[id], "%s has the id of %s", name, ids[id])
		ids[id] = name
		assert.NotEmpty(t, operation["summary"], name)
		_, secured := operation["security"]
		_, refuses := operation["responses"].(map[string]any)["401"]
		assert.Equal(t, refuses, secured && name != "GET /readyz", name)
	}
}

func TestOpenAPIListsTheParameters(t *testing.T) {
	d := readOpenAPI(t)
	for _, name := range []string{"GET /api/books", "HEAD /api/books", "GET /api/search", "HEAD /api/search"} {
		var documented []string
		for _, parameter := range d.operations()[name]["parameters"].([]any) {
			assert.Equal(t, "query", d.at(parameter, "in"))
			documented = append(documented, d.at(parameter, "name").(string))
		}
		read := query.Parameters
		if strings.HasSuffix(name, "/api/search") {
			read = append(slices.Clone(read), query.Explain)
		}
		assert.ElementsMatch(t, read, documented, name)
	}
	schemaOf := func(parameter string) map[string]any {
		return d.at(d.root, "components", "parameters", parameter, "schema").(map[string]any)
	}
	var sorts []any
	for _, s := range model.Sorts {
		sorts = append(sorts, string(s))
	}
	assert.Equal(t, sorts, schemaOf("sort")["enum"])
	for parameter, bounds := range map[string][2]int{"limit": {1, model.MaxLimit}, "o": {0, model.MaxOffset}, "decade": {-9990, 9990}} {
		assert.Equal(t, fmt.Sprint(bounds), fmt.Sprint([]any{schemaOf(parameter)["minimum"], schemaOf(parameter)["maximum"]}), parameter)
	}
	// The parser has the same bounds.
	s := newShop(t)
	for parameter, c := range map[string][2]string{"limit": {"100", "101"}, "o": {"2147483647", "2147483648"}, "decade": {"-9990", "-10000"}} {
		assert.Equal(t, http.StatusOK, s.get("/api/books?"+parameter+"="+c[0]).Code)
		assert.Equal(t, http.StatusBadRequest, s.get("/api/books?"+parameter+"="+c[1]).Code)
	}
}

func TestOpenAPIListsTheFields(t *testing.T) {
	d := readOpenAPI(t)
	propertiesOf := func(schemas ...string) (names []string) {
		for _, path := range schemas {
			names = slices.AppendSeq(names, maps.Keys(d.at(d.root, strings.Split("components/schemas/"+path+"properties", "/")...).(map[string]any)))
		}
		return names
	}
	assert.ElementsMatch(t, fields(model.Book{}), propertiesOf("Book/"))
	assert.ElementsMatch(t, fields(model.Facets{}), propertiesOf("SearchResult/properties/facets/"))
	assert.ElementsMatch(t, fields(model.Highlights{}), propertiesOf("Highlights/"))
	assert.ElementsMatch(t, fields(model.Fragment{}), propertiesOf("Fragments/items/"))
	assert.ElementsMatch(t, fields(model.FacetValue{}), propertiesOf("Facet/items/"))
	assert.ElementsMatch(t, fields(model.Capabilities{}), propertiesOf("SearchResult/properties/capabilities/"))
	assert.ElementsMatch(t, fields(model.Suggestion{}), propertiesOf("Suggestion/"))
	assert.ElementsMatch(t, fields(model.RelatedSearch{}), propertiesOf("RelatedSearch/"))
	for _, request := range []string{"NewBook", "BookReplacement", "BookPatch"} {
		var names []string
		for _, part := range d.at(d.root, "components", "schemas", request, "allOf").([]any) {
			names = slices.AppendSeq(names, maps.Keys(d.at(part, "properties").(map[string]any)))
		}
		assert.ElementsMatch(t, fields(model.Book{}), names, request)
	}
	assert.ElementsMatch(t, fields(problem{}), propertiesOf("Problem/"))
	assert.ElementsMatch(t, fields(readiness{}), propertiesOf("Readiness/"))
	assert.ElementsMatch(t, fields(model.EventStats{}), propertiesOf("EventCounts/"))
	assert.ElementsMatch(t, []any{string(model.InStock), string(model.ToOrder), string(model.Unavailable)},
		d.at(d.root, "components", "schemas", "Book", "properties", "availability", "enum"))
}

func fields(v any) (names []string) {
	for field := range reflect.TypeOf(v).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		names = append(names, name)
	}
	return names
}

// TestOpenAPIDescribesTheAnswers makes the shop give every answer that the document
// lists, and validates each.
func TestOpenAPIDescribesTheAnswers(t *testing.T) {
	d := readOpenAPI(t).closed()
	up := newShop(t)
	stock := 1
	up.add(&model.Book{
		Title: "Full", Author: "A, B", PublishedAt: "1869", Description: "D", ISBN: "9780306406157", Language: "en", Publisher: "P",
		Subjects: []string{"S"}, Series: "S", Edition: "E", Price: "12.90", Currency: "EUR", Stock: &stock, Availability: model.InStock,
		BuyURL: "https://example.com/b", CoverURL: "https://example.com/c",
	}, &model.Book{Title: "Bare"}, &model.Book{Title: "To be deleted"})
	over := make(chan *model.LiveSearch)
	close(over)
	up.live.Searches = &feed{searches: over, ctx: make(chan context.Context, 9)}
	up.count(searched("full", "00000001aaaaaaaa", 1))
	up.missed("9780306406164", "00000001aaaaaaaa")
	up.missed("missing", "00000001aaaaaaaa")
	up.post("/requests", url.Values{"q": {"wanted"}}, "User-Agent", chrome)
	require.NoError(t, up.orders.Refresh(t.Context()))
	require.Equal(t, http.StatusOK, up.staff("POST", "/api/insights/orders/"+demand.ID("missing"), `{"state": "done"}`).Code)
	require.NoError(t, up.orders.Refresh(t.Context()))
	clever := newShop(t, withEngine(t))
	clever.add(&model.Book{Title: "War and Peace", Author: "Leo Tolstoy", PublishedAt: "1869", Language: "en", Subjects: []string{"War"}},
		&model.Book{Title: "X", Author: "Y War", Series: "English", Publisher: "Press", Description: "A war.", Subjects: []string{"War"}})
	down := newShop(t, func(with *setup) { with.away, with.index = true, brokenIndex(&model.Error{Code: model.UnavailableNow}) })
	down.live.Searches = &feed{ctx: make(chan context.Context, 9), err: &model.Error{Code: model.UnavailableNow}}
	down.health.err = assert.AnError
	down.pongs.err = &model.Error{Code: model.UnavailableNow}
	unanswered := newShop(t)
	unanswered.pongs.err = &model.Error{Code: model.TimedOut, Message: "no reply to the ping came in time"}
	guessing := newShop(t)
	for range loginBurst {
		guessing.do("DELETE", "/api/books/1", "", "Authorization", "Bearer guess")
	}

	const book = `{"title": "x"}`
	order, ordered := "/api/insights/orders/"+demand.ID("wanted"), `{"state": "ordered", "note": "by Friday"}`
	seen := map[string]bool{}
	for _, c := range []struct {
		shop                 *shop
		status               int
		method, target, body string
		headers              []string
	}{
		{up, 200, "GET", "/api/books?limit=2", "", nil},
		{up, 200, "GET", "/api/books?q=nothing", "", nil},
		{up, 400, "GET", "/api/books?o=x", "", nil},
		{up, 401, "GET", "/api/books", "", []string{demoHeader, "guess"}},
		{up, 401, "HEAD", "/api/books", "", []string{demoHeader, "guess"}},
		{down, 503, "GET", "/api/books", "", nil},
		{up, 200, "HEAD", "/api/books?q=full&limit=1", "", nil},
		{up, 400, "HEAD", "/api/books?o=x", "", nil},
		{down, 503, "HEAD", "/api/books", "", nil},
		{up, 200, "GET", "/api/search?q=full&limit=2", "", nil},
		{up, 200, "GET", "/api/search", "", nil},
		{clever, 200, "GET", "/api/search?q=tolstoy", "", nil},
		{clever, 200, "GET", "/api/search?q=tolstoi", "", nil},
		{clever, 200, "GET", "/api/search?q=war+english+war+press", "", nil},
		{clever, 200, "GET", "/api/search?q=nothing", "", nil},
		{clever, 200, "GET", "/api/search?q=war&explain=1", "", []string{"Authorization", "Bearer " + token}},
		{clever, 200, "GET", "/api/search?q=war&explain=999", "", []string{"Authorization", "Bearer " + token}},
		{up, 401, "GET", "/api/search?explain=1", "", []string{"Authorization", ""}},
		{up, 401, "HEAD", "/api/search?explain=1", "", []string{"Authorization", ""}},
		{up, 400, "GET", "/api/search?o=x", "", nil},
		{down, 503, "GET", "/api/search", "", nil},
		{up, 200, "HEAD", "/api/search?q=full&limit=1", "", nil},
		{up, 400, "HEAD", "/api/search?o=x", "", nil},
		{down, 503, "HEAD", "/api/search", "", nil},
		{up, 200, "GET", "/api/suggest?q=full", "", nil},
		{clever, 200, "GET", "/api/suggest?q=wa&limit=3", "", nil},
		{up, 400, "GET", "/api/suggest?limit=9", "", nil},
		{down, 503, "GET", "/api/suggest?q=x", "", nil},
		{up, 200, "HEAD", "/api/suggest?q=full", "", nil},
		{up, 200, "GET", "/api/trends?ps=3&window=7d&sort=rising", "", nil},
		{up, 200, "GET", "/api/trends", "", nil},
		{up, 400, "GET", "/api/trends?window=2d", "", nil},
		{down, 503, "GET", "/api/trends", "", nil},
		{up, 200, "HEAD", "/api/trends", "", nil},
		{up, 400, "HEAD", "/api/trends?sort=best", "", nil},
		{down, 503, "HEAD", "/api/trends", "", nil},
		{up, 200, "GET", "/api/recommendations?ps=3", "", nil},
		{up, 200, "GET", "/api/recommendations", "", []string{"Cookie", signed(aVisitor)}},
		{up, 400, "GET", "/api/recommendations?ps=0", "", nil},
		{down, 503, "GET", "/api/recommendations", "", nil},
		{up, 200, "HEAD", "/api/recommendations", "", nil},
		{up, 400, "HEAD", "/api/recommendations?ps=0", "", nil},
		{down, 503, "HEAD", "/api/recommendations", "", nil},
		{clever, 200, "GET", "/api/books/1/related?ps=5", "", nil},
		{up, 200, "GET", "/api/books/1/related", "", nil},
		{up, 400, "GET", "/api/books/1/related?x=1", "", nil},
		{up, 404, "GET", "/api/books/99/related", "", nil},
		{down, 503, "GET", "/api/books/1/related", "", nil},
		{up, 200, "HEAD", "/api/books/1/related", "", nil},
		{up, 400, "HEAD", "/api/books/1/related?x=1", "", nil},
		{up, 404, "HEAD", "/api/books/99/related", "", nil},
		{down, 503, "HEAD", "/api/books/1/related", "", nil},
		{up, 204, "DELETE", "/api/insights/demo", "", nil},
		{up, 400, "DELETE", "/api/insights/demo?x=1", "", nil},
		{up, 401, "DELETE", "/api/insights/demo", "", []string{"Authorization", ""}},
		{up, 403, "DELETE", "/api/insights/demo", "", []string{"Sec-Fetch-Site", "cross-site"}},
		{down, 503, "DELETE", "/api/insights/demo", "", nil},
		{up, 200, "GET", "/api/insights/summary?window=7d&surface=page&tag=&language=de", "", nil},
		{up, 200, "GET", "/api/insights/summary?format=csv&table=tags", "", nil},
		{up, 400, "GET", "/api/insights/summary?window=2d", "", nil},
		{up, 401, "GET", "/api/insights/summary", "", []string{"Authorization", ""}},
		{down, 503, "GET", "/api/insights/summary", "", nil},
		{up, 200, "GET", "/api/insights/keywords?sort=not_found&ps=3", "", nil},
		{up, 200, "GET", "/api/insights/keywords?format=csv", "", nil},
		{up, 400, "GET", "/api/insights/keywords?sort=best", "", nil},
		{up, 401, "GET", "/api/insights/keywords", "", []string{"Authorization", ""}},
		{down, 503, "GET", "/api/insights/keywords", "", nil},
		{up, 200, "GET", "/api/insights/keyword?q=full", "", nil},
		{up, 200, "GET", "/api/insights/keyword?q=unknown&format=csv&table=clicks", "", nil},
		{up, 400, "GET", "/api/insights/keyword", "", nil},
		{up, 401, "GET", "/api/insights/keyword?q=full", "", []string{"Authorization", ""}},
		{down, 503, "GET", "/api/insights/keyword?q=x", "", nil},
		{up, 200, "GET", "/api/insights/orders?state=all&o=0&ps=9", "", nil},
		{up, 200, "GET", "/api/insights/orders?format=csv", "", nil},
		{up, 400, "GET", "/api/insights/orders?state=lost", "", nil},
		{up, 401, "GET", "/api/insights/orders", "", []string{"Authorization", ""}},
		{down, 503, "GET", "/api/insights/orders", "", nil},
		{up, 200, "POST", order, ordered, nil},
		{up, 400, "POST", order, `{"book": 1}`, nil},
		{up, 401, "POST", order, ordered, []string{"Authorization", ""}},
		{up, 403, "POST", order, ordered, []string{"Sec-Fetch-Site", "cross-site"}},
		{up, 404, "POST", "/api/insights/orders/1", ordered, nil},
		{up, 413, "POST", order, strings.Repeat(" ", maxBody+1), nil},
		{up, 422, "POST", order, `{"state": "lost"}`, nil},
		{down, 503, "POST", order, ordered, nil},
		{up, 200, "GET", "/api/insights/live", "", nil},
		{up, 400, "GET", "/api/insights/live?window=1h", "", nil},
		{up, 401, "GET", "/api/insights/live", "", []string{"Authorization", ""}},
		{down, 503, "GET", "/api/insights/live", "", nil},
		{up, 400, "HEAD", "/api/suggest?o=1", "", nil},
		{down, 503, "HEAD", "/api/suggest?q=x", "", nil},
		{up, 201, "POST", "/api/books", book, nil},
		{up, 400, "POST", "/api/books", "", nil},
		{up, 401, "POST", "/api/books", book, []string{"Authorization", ""}},
		{up, 403, "POST", "/api/books", book, []string{"Sec-Fetch-Site", "cross-site"}},
		{up, 409, "POST", "/api/books", `{"title": "x", "isbn": "9780306406157"}`, nil},
		{up, 413, "POST", "/api/books", strings.Repeat(" ", maxBody+1), nil},
		{up, 422, "POST", "/api/books", "{}", nil},
		{guessing, 429, "POST", "/api/books", book, nil},
		{down, 503, "POST", "/api/books", book, nil},
		{up, 200, "GET", "/api/books/1", "", nil},
		{up, 200, "GET", "/api/books/2", "", nil},
		{up, 304, "GET", "/api/books/2", "", []string{"If-None-Match", "*"}},
		{up, 400, "GET", "/api/books/1?x=1", "", nil},
		{up, 404, "GET", "/api/books/99", "", nil},
		{down, 503, "GET", "/api/books/1", "", nil},
		{up, 200, "HEAD", "/api/books/1", "", nil},
		{up, 304, "HEAD", "/api/books/1", "", []string{"If-None-Match", "*"}},
		{up, 400, "HEAD", "/api/books/1?x=1", "", nil},
		{up, 404, "HEAD", "/api/books/99", "", nil},
		{down, 503, "HEAD", "/api/books/1", "", nil},
		{up, 200, "PUT", "/api/books/2", book, nil},
		{up, 400, "PUT", "/api/books/2", "", nil},
		{up, 401, "PUT", "/api/books/2", book, []string{"Authorization", ""}},
		{up, 403, "PUT", "/api/books/2", book, []string{"Sec-Fetch-Site", "cross-site"}},
		{up, 404, "PUT", "/api/books/99", book, nil},
		{up, 409, "PUT", "/api/books/2", `{"title": "x", "isbn": "9780306406157"}`, nil},
		{up, 412, "PUT", "/api/books/2", book, []string{"If-Match", `"x"`}},
		{up, 413, "PUT", "/api/books/2", strings.Repeat(" ", maxBody+1), nil},
		{up, 422, "PUT", "/api/books/2", "{}", nil},
		{down, 503, "PUT", "/api/books/2", book, nil},
		{up, 200, "PATCH", "/api/books/2", book, nil},
		{up, 400, "PATCH", "/api/books/2", "[]", nil},
		{up, 401, "PATCH", "/api/books/2", book, []string{"Authorization", ""}},
		{up, 403, "PATCH", "/api/books/2", book, []string{"Sec-Fetch-Site", "cross-site"}},
		{up, 404, "PATCH", "/api/books/99", book, nil},
		{up, 409, "PATCH", "/api/books/2", `{"isbn": "9780306406157"}`, nil},
		{up, 412, "PATCH", "/api/books/2", book, []string{"If-Match", `"x"`}},
		{up, 413, "PATCH", "/api/books/2", strings.Repeat(" ", maxBody+1), nil},
		{up, 415, "PATCH", "/api/books/2", book, []string{"Content-Type", "text/plain"}},
		{up, 422, "PATCH", "/api/books/2", `{"title": null}`, nil},
		{down, 503, "PATCH", "/api/books/2", book, nil},
		{up, 412, "DELETE", "/api/books/3", "", []string{"If-Match", `"x"`}},
		{up, 204, "DELETE", "/api/books/3", "", nil},
		{up, 401, "DELETE", "/api/books/2", "", []string{"Authorization", ""}},
		{up, 403, "DELETE", "/api/books/2", "", []string{"Sec-Fetch-Site", "cross-site"}},
		{up, 400, "DELETE", "/api/books/2?x=1", "", nil},
		{up, 404, "DELETE", "/api/books/99", "", nil},
		{down, 503, "DELETE", "/api/books/2", "", nil},
		{up, 200, "GET", "/api/openapi.yaml", "", nil},
		{up, 200, "HEAD", "/api/openapi.yaml", "", nil},
		{up, 200, "GET", "/api/asyncapi.yaml", "", nil},
		{up, 200, "HEAD", "/api/asyncapi.yaml", "", nil},
		{up, 200, "GET", "/api/schemas/books.searched/1.json", "", nil},
		{up, 200, "GET", "/api/schemas/books.searched/1.headers.json", "", nil},
		{up, 404, "GET", "/api/schemas/books.searched/0.json", "", nil},
		{up, 404, "GET", "/api/schemas/../api.go", "", nil},
		{up, 200, "HEAD", "/api/schemas/books.searched/1.json", "", nil},
		{up, 404, "HEAD", "/api/schemas/x/1.json", "", nil},
		{up, 200, "GET", "/ping", "", nil},
		{down, 503, "GET", "/ping", "", nil},
		{unanswered, 504, "GET", "/ping", "", nil},
		{up, 200, "GET", "/livez", "", nil},
		{up, 200, "HEAD", "/livez", "", nil},
		{up, 200, "GET", "/readyz", "", nil},
		{up, 200, "GET", "/readyz", "", []string{"Authorization", ""}},
		{down, 503, "GET", "/readyz", "", nil},
		{up, 200, "HEAD", "/readyz", "", nil},
		{down, 503, "HEAD", "/readyz", "", nil},
	} {
		answer := c.shop.do(c.method, c.target, c.body, append([]string{"Authorization", "Bearer " + token}, c.headers...)...)
		require.Equal(t, c.status, answer.Code, "%s %s: %s", c.method, c.target, answer.Body)
		path := pathOf(c.target)
		seen[fmt.Sprint(c.method, " ", path, " ", c.status)] = true
		d.checkAnswer(c.method, path, answer)
	}
	// The rate limit answers every address that it counts.
	limited := newShop(t, func(with *setup) { with.RateLimit = 1 })
	for range burst {
		limited.get("/")
	}
	for name := range d.operations() {
		method, path, _ := strings.Cut(name, " ")
		if answer := limited.do(method, strings.NewReplacer("{id}", "1", "{event}", "x", "{file}", "x").Replace(path), ""); answer.Code == 429 {
			seen[name+" 429"] = true
			d.checkAnswer(method, path, answer)
		} else {
			assert.True(t, free(path), name)
		}
	}
	for name, operation := range d.operations() {
		for status := range operation["responses"].(map[string]any) {
			assert.True(t, seen[name+" "+status], "openapi.yaml says that %s answers %s, but no request of this test gets that answer", name, status)
		}
	}
}

// pathOf returns the path in the document that a request's target belongs to.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	switch {
	case strings.HasSuffix(path, "/related"):
		return "/api/books/{id}/related"
	case strings.HasPrefix(path, "/api/books/"):
		return "/api/books/{id}"
	case strings.HasPrefix(path, "/api/insights/orders/"):
		return "/api/insights/orders/{id}"
	case strings.HasPrefix(path, "/api/schemas/"):
		return "/api/schemas/{event}/{file}"
	}
	return path
}

func (d *description) checkAnswer(method, path string, answer *httptest.ResponseRecorder) {
	t, status := d.t, fmt.Sprint(answer.Code)
	name := fmt.Sprint(method, " ", path, " ", status)
	response := d.at(d.root, "paths", path, strings.ToLower(method), "responses", status)
	require.NotNil(t, response, name)
	if headers, ok := d.at(response, "headers").(map[string]any); ok {
		for header := range headers {
			if !slices.Contains([]string{"X-Search-Id", "X-Match", "X-Served-Query", "Link"}, header) {
				assert.NotEmpty(t, answer.Header().Get(header), "%s: %s", name, header)
			}
		}
	}
	content, ok := d.at(response, "content").(map[string]any)
	if !ok {
		assert.True(t, method == "HEAD" || answer.Body.Len() == 0, name)
		return
	}
	mime, _, _ := strings.Cut(answer.Header().Get("Content-Type"), ";")
	require.Contains(t, content, mime, name)
	if !strings.HasSuffix(mime, "json") {
		return
	}
	// The schema is compiled in its place, so that its references resolve.
	standing := fmt.Sprintf("/paths/%s/%s/responses/%s", escapePointer(path), strings.ToLower(method), status)
	if ref, ok := d.at(d.root, "paths", path, strings.ToLower(method), "responses").(map[string]any)[status].(map[string]any)["$ref"].(string); ok {
		standing = strings.TrimPrefix(ref, "#")
	}
	schema := d.schema(standing + "/content/" + escapePointer(mime) + "/schema")
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer.Body.Bytes()))
	require.NoError(t, err, name)
	assert.NoError(t, schema.Validate(instance), name)
}

// The code accepts the bodies that the schemas accept, and no others. Some faults are
// beyond a schema; TestBookBodies has those.
func TestOpenAPIDescribesTheBodies(t *testing.T) {
	d := readOpenAPI(t)
	s := newShop(t)
	s.add(&model.Book{Title: "T"})
	created := bookOf(t, s.get("/api/books/1")).CreatedAt.Format("2006-01-02T15:04:05.999Z")
	every := []string{"POST", "PUT", "PATCH"}
	schemas := map[string]*jsonschema.Schema{
		"POST": d.schema("/components/schemas/NewBook"), "PUT": d.schema("/components/schemas/BookReplacement"), "PATCH": d.schema("/components/schemas/BookPatch"),
	}
	for body, accepted := range map[string][]string{
		`{}`:                  {"PATCH"},
		`{"title": "T"}`:      every,
		`{"title": null}`:     {},
		`{"title": " "}`:      {},
		`{"title": "\t T\n"}`: every,
		`{"title": "a\tb"}`:   {},
		`{"title": "` + strings.Repeat("й", 1000) + `"}`:  every,
		`{"title": "` + strings.Repeat("й", 1001) + `"}`:  {},
		`{"title": " ` + strings.Repeat("й", 1000) + `"}`: every,
		`{"title": "T", "id": 0}`:                         {"POST", "PUT"},
		`{"title": "T", "id": null}`:                      {"POST", "PUT"},
		`{"title": "T", "id": 1}`:                         {"PUT", "PATCH"},
		`{"title": "T", "id": 9223372036854775808}`:       {},
		`{"title": "T", "created_at": "` + created + `"}`: every,
		`{"title": "T", "created_at": null}`:              {"POST", "PUT"},
		`{"title": "T", "created_at": "2020"}`:            {},
		`{"title": "T", "author": null, "published_at": null, "description": null, "isbn": null, "language": null, "publisher": null,
			"subjects": null, "series": null, "edition": null, "price": null, "currency": null, "stock": null, "availability": null,
			"buy_url": null, "cover_url": null}`: every,
		`{"title": "T", "author": "", "published_at": "", "description": "", "isbn": "", "language": "", "publisher": "", "subjects": [],
			"series": "", "edition": "", "price": "", "currency": "", "availability": "", "buy_url": "", "cover_url": ""}`: every,
		`{"title": "T", "colour": null}`:                          {},
		`{"title": "T", "description": "a\r\n\tb"}`:               every,
		`{"title": "T", "description": "a\u0007"}`:                {},
		`{"title": "T", "language": "sr_LATN"}`:                   every,
		`{"title": "T", "language": "x-shop"}`:                    every,
		`{"title": "T", "language": "en-u-ca-gregory"}`:           every,
		`{"title": "T", "language": "i-klingon"}`:                 every,
		`{"title": "T", "language": "en--US"}`:                    {},
		`{"title": "T", "language": " en"}`:                       {},
		`{"title": "T", "language": "123"}`:                       {},
		`{"title": "T", "published_at": "-0380"}`:                 every,
		`{"title": "T", "published_at": "1900-13"}`:               {},
		`{"title": "T", "published_at": "1900-12-32"}`:            {},
		`{"title": "T", "published_at": "1900-1"}`:                {},
		`{"title": "T", "isbn": "0\u2010306 40615-2"}`:            every,
		`{"title": "T", "isbn": "ISBN 0306406152"}`:               {},
		`{"title": "T", "subjects": ["a", " b "]}`:                every,
		`{"title": "T", "subjects": [""]}`:                        {},
		`{"title": "T", "subjects": [null]}`:                      {},
		`{"title": "T", "price": "0.123456"}`:                     every,
		`{"title": "T", "price": "-1"}`:                           {},
		`{"title": "T", "currency": "dkk"}`:                       every,
		`{"title": "T", "currency": "kr"}`:                        {},
		`{"title": "T", "stock": 2147483647}`:                     every,
		`{"title": "T", "stock": 2147483648}`:                     {},
		`{"title": "T", "stock": 3.0}`:                            every,
		`{"title": "T", "stock": 3.5}`:                            {},
		`{"title": "T", "availability": "In_stock"}`:              {},
		`{"title": "T", "buy_url": "HTTPS://bücher.example/ä"}`:   every,
		`{"title": "T", "buy_url": "https://example.com/\u0085"}`: {},
		`{"title": "T", "cover_url": "ftp://example.com"}`:        {},
	} {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		require.NoError(t, err, body)
		for method, schema := range schemas {
			accepts := slices.Contains(accepted, method)
			target := "/api/books/1"
			if method == "POST" {
				target = "/api/books"
			}
			answer := s.staff(method, target, body)
			assert.Equal(t, accepts, answer.Code < 300, "%s %s: %s", method, body, answer.Body)
			err := schema.Validate(instance)
			assert.Equal(t, accepts, err == nil, "%s %s: %v", method, body, err)
			// Free the ISBN for the next request.
			s.staff("PUT", "/api/books/1", `{"title": "T"}`)
			if answer.Code == http.StatusCreated {
				s.staff("DELETE", answer.Header().Get("Location"), "")
			}
		}
	}
}

// An empty parameter counts as absent.
func TestEmptyParameters(t *testing.T) {
	d := readOpenAPI(t)
	s := newShop(t)
	s.add(numbered(25, nil)...)
	all := s.get("/api/books").Body.String()
	for _, parameter := range query.Parameters {
		answer := s.get("/api/books?" + parameter + "=")
		require.Equal(t, http.StatusOK, answer.Code, parameter)
		assert.Equal(t, all, answer.Body.String(), parameter)
		described := d.at(d.root, "components", "parameters", parameter).(map[string]any)
		empty := d.schema("/components/parameters/" + parameter + "/schema").Validate("")
		assert.True(t, empty == nil || described["allowEmptyValue"] == true, parameter)
	}
	assert.Equal(t, all, s.get("/api/books?"+strings.Join(query.Parameters, "=&")+"=").Body.String())
}

func escapePointer(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
}

// Each schema rejects real answers that the test has changed, so it isn't too
// loose.
func TestOpenAPISchemasRefuseOtherAnswers(t *testing.T) {
	d, open := readOpenAPI(t).closed(), readOpenAPI(t)
	s := newShop(t)
	stock := 1
	s.add(&model.Book{
		Title: "Full", Author: "A, B", PublishedAt: "1869", Description: "D", ISBN: "9780306406157", Language: "en", Publisher: "P",
		Subjects: []string{"S"}, Series: "S", Edition: "E", Price: "12.90", Currency: "EUR", Stock: &stock, Availability: model.InStock,
		BuyURL: "https://example.com/b", CoverURL: "https://example.com/c",
	})
	auth := []string{"Authorization", "Bearer " + token}
	for name, c := range map[string]struct {
		answer   *httptest.ResponseRecorder
		schema   string
		required []string
	}{
		"Book":      {s.get("/api/books/1"), "/components/schemas/Book", []string{"id", "title", "author", "published_at", "description", "created_at"}},
		"Problem":   {s.get("/api/books?o=x"), "/components/schemas/Problem", []string{"type", "title", "status"}},
		"Readiness": {s.get("/readyz", auth...), "/components/schemas/Readiness", []string{"status"}},
	} {
		schema := d.schema(c.schema)
		parse := func() map[string]any {
			instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.answer.Body.Bytes()))
			require.NoError(t, err)
			return instance.(map[string]any)
		}
		real := parse()
		require.NoError(t, schema.Validate(real), name)
		for field := range real {
			for _, wrong := range []any{map[string]any{"x": "y"}, nil, true, []any{json.Number("1.5")}} {
				changed := parse()
				changed[field] = wrong
				assert.Error(t, schema.Validate(changed), "%s with %s: %v", name, field, wrong)
			}
			changed := parse()
			delete(changed, field)
			assert.Equal(t, slices.Contains(c.required, field), schema.Validate(changed) != nil, "%s without %s", name, field)
		}
		changed := parse()
		changed["surprise"] = "x"
		assert.Error(t, schema.Validate(changed), name)
		assert.NoError(t, open.schema(c.schema).Validate(changed), "clients of this version read the answers of a later one")
	}
	list := d.schema("/paths/~1api~1books/get/responses/200/content/application~1json/schema")
	for _, wrong := range []any{map[string]any{}, []any{map[string]any{}}, []any{nil}, slices.Repeat([]any{nil}, 101), nil} {
		assert.Error(t, list.Validate(wrong), wrong)
	}
}
