package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"literank.com/event-books/domain/model"
)

const base = "https://literank.com/event-books/"

// compiler returns a compiler that knows only the schemas of this package, by their $id.
func compiler(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	require.NoError(t, fs.WalkDir(Schemas, "schemas", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := Schemas.ReadFile(name)
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		require.NoError(t, err, name)
		return c.AddResource(base+name, document)
	}))
	return c
}

// compile compiles a schema, such as books.searched/1.json.
func compile(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	// Compiling also validates the schema itself.
	schema, err := compiler(t).Compile(base + "schemas/" + file)
	require.NoError(t, err)
	return schema
}

// described compiles the schema of a message's headers or payload in the AsyncAPI document.
func described(t *testing.T, message, part string) *jsonschema.Schema {
	t.Helper()
	m := readAsyncAPI(t).Components.Messages[message]
	document := map[string]map[string]any{"headers": m.Headers, "payload": m.Payload}[part]
	require.NotNil(t, document, message)
	c := compiler(t)
	require.NoError(t, c.AddResource(base+"asyncapi", instance(t, document)))
	schema, err := c.Compile(base + "asyncapi")
	require.NoError(t, err)
	return schema
}

func TestSchemasAreSchemas(t *testing.T) {
	found := 0
	require.NoError(t, fs.WalkDir(Schemas, "schemas", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		found++
		content, err := Schemas.ReadFile(name)
		require.NoError(t, err)
		var head struct {
			Schema string `json:"$schema"`
			ID     string `json:"$id"`
		}
		require.NoError(t, json.Unmarshal(content, &head))
		assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", head.Schema, name)
		assert.Equal(t, base+name, head.ID)
		_, err = compiler(t).Compile(head.ID)
		assert.NoError(t, err)
		return nil
	}))
	assert.Equal(t, 9, found)
	assert.Equal(t, model.SearchEventSchema, compile(t, "books.searched/1.json").ID)
	assert.Equal(t, model.ChangeSchema, compile(t, "books.changed/1.json").ID)

	c := compiler(t)
	require.NoError(t, c.AddResource("broken.json", map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "text"}))
	_, err := c.Compile("broken.json")
	assert.Error(t, err, "the compiler rejects an invalid schema")
}

// asyncAPI has the parts of the document that the tests need.
type asyncAPI struct {
	Channels map[string]struct {
		Address  string
		Bindings struct {
			Kafka struct {
				TopicConfiguration map[string]any `yaml:"topicConfiguration"`
			}
		}
	}
	Components struct {
		Messages map[string]struct {
			Name             string
			Headers, Payload map[string]any
			Examples         []struct {
				Name             string
				Headers, Payload any
			}
		}
	}
}

func readAsyncAPI(t *testing.T) (document asyncAPI) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal(AsyncAPI, &document))
	return document
}

// instance converts decoded YAML to the form that a schema validates.
func instance(t *testing.T, v any) any {
	t.Helper()
	content, err := json.Marshal(v)
	require.NoError(t, err)
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	require.NoError(t, err)
	return instance
}

// exampleOf returns an example record of the document.
func exampleOf(t *testing.T, message, name string) (headers map[string]any, payload any) {
	t.Helper()
	for _, e := range readAsyncAPI(t).Components.Messages[message].Examples {
		if e.Name == name {
			return instance(t, e.Headers).(map[string]any), instance(t, e.Payload)
		}
	}
	t.Fatalf("the message %s has no example %s", message, name)
	return nil, nil
}

// example returns the example of a search.
func example(t *testing.T) (headers map[string]any, books []any) {
	t.Helper()
	headers, payload := exampleOf(t, "searched", "found")
	return headers, payload.([]any)
}

func TestAsyncAPI(t *testing.T) {
	document := readAsyncAPI(t)
	searches := document.Channels["searches"]
	assert.Equal(t, "lr-book-searches", searches.Address)
	assert.Equal(t, searches.Address+".dead", document.Channels["deadSearches"].Address)
	assert.Equal(t, model.SearchEventType, document.Components.Messages["searched"].Name)
	assert.Equal(t, "./schemas/books.searched/1.json", document.Components.Messages["searched"].Payload["$ref"])
	headers, books := example(t)
	assert.NoError(t, compile(t, "books.searched/1.headers.json").Validate(headers))
	assert.NoError(t, compile(t, "books.searched/1.json").Validate(books))
	// The example has all headers and fields, but ce_clientid excludes ce_visitor.
	const excluded = 1
	assert.Len(t, headers, len(compile(t, "books.searched/1.headers.json").Properties)-excluded)
	items := compile(t, "books.searched/1.json").Items2020
	assert.Len(t, books[0], len(items.Properties))
}

// This uses the parser of the AsyncAPI project.
func TestAsyncAPIParser(t *testing.T) {
	t.Run("AsyncAPI", func(t *testing.T) {
		dir := os.Getenv("TEST_ASYNCAPI_DIR")
		if dir == "" {
			t.Skip("TEST_ASYNCAPI_DIR names no folder with @asyncapi/parser in its node_modules")
		}
		parse := func(file string) (string, error) {
			cmd := exec.Command("node", "testdata/asyncapi.js", file)
			cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
			output, err := cmd.CombinedOutput()
			return string(output), err
		}
		output, err := parse("asyncapi.yaml")
		require.NoError(t, err, output)
		for name, change := range map[string][2]string{
			"unknown channel": {"#/channels/searches/messages/searched", "#/channels/searches/messages/lost"},
			"unknown action":  {"action: send", "action: shout"},
			"unknown binding": {"replicas: 3", "copies: 3"},
			"no such schema":  {"./schemas/books.searched/1.json", "./schemas/books.searched/0.json"},
			"no such change":  {"./schemas/books.changed/1.json", "./schemas/books.changed/0.json"},
		} {
			require.Contains(t, string(AsyncAPI), change[0])
			root := t.TempDir()
			require.NoError(t, os.CopyFS(path.Join(root, "schemas"), os.DirFS("schemas")))
			file := filepath.Join(root, "asyncapi.yaml")
			require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(AsyncAPI), change[0], change[1])), 0o600))
			output, err := parse(file)
			assert.Error(t, err, "%s: %s", name, output)
		}
	})
}

// mutation is a change of a record and the complaint of the schema: the place in
// the record and the keyword, such as "/0/id type".
type mutation struct {
	name   string
	change func(map[string]any)
	want   string
}

func set(key string, value any) func(map[string]any) {
	return func(m map[string]any) { m[key] = value }
}

func without(key string) func(map[string]any) {
	return func(m map[string]any) { delete(m, key) }
}

// complaints returns the innermost reasons of a validation error.
func complaints(t *testing.T, err error) (list []string) {
	t.Helper()
	require.Error(t, err)
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			keyword := strings.TrimPrefix(fmt.Sprintf("%T", e.ErrorKind), "*kind.")
			list = append(list, "/"+strings.Join(e.InstanceLocation, "/")+" "+strings.ToLower(keyword[:1])+keyword[1:])
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	collect(err.(*jsonschema.ValidationError))
	return list
}

func TestHeadersThatAreRefused(t *testing.T) {
	schema := compile(t, "books.searched/1.headers.json")
	for _, m := range []mutation{
		{"no id", without("ce_id"), "/ required"},
		{"no agent", without("ce_agent"), "/ required"},
		{"no filters, which may be empty but not absent", without("ce_filters"), "/ required"},
		{"another version of CloudEvents", set("ce_specversion", "0.3"), "/ce_specversion const"},
		{"another kind of event", set("ce_type", "com.literank.books.clicked"), "/ce_type const"},
		{"id that is no UUID", set("ce_id", "42"), "/ce_id pattern"},
		{"id without a time, UUIDv4", set("ce_id", "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"), "/ce_id pattern"},
		{"id in capitals", set("ce_id", "01996D2E-6A40-7C31-9F4B-3D6F1C9A8E20"), "/ce_id pattern"},
		{"source without the id of a start", set("ce_source", "/event-books/shop-1"), "/ce_source pattern"},
		{"source of another program", set("ce_source", "/others/shop-1/8f14e45f-ceea-4e7a-9d6b-5a3c1f0b2d47"), "/ce_source pattern"},
		{"sequence without its zeros", set("ce_sequence", "42"), "/ce_sequence pattern"},
		{"sequence that counts from 0", set("ce_sequence", "00000000000000000000"), "/ce_sequence not"},
		{"sequence as a number", set("ce_sequence", json.Number("42")), "/ce_sequence type"},
		{"time in another zone", set("ce_time", "2026-11-21T08:24:59+01:00"), "/ce_time pattern"},
		{"time that never was", set("ce_time", "2026-13-21T07:24:59Z"), "/ce_time format"},
		{"schema of another version", set("ce_dataschema", base+"schemas/books.searched/2.json"), "/ce_dataschema const"},
		{"content type with a charset", set("content-type", "application/json; charset=utf-8"), "/content-type const"},
		{"trace without flags", set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"), "/traceparent pattern"},
		{"unknown surface", set("ce_surface", "app"), "/ce_surface enum"},
		{"unknown agent", set("ce_agent", "crawler"), "/ce_agent enum"},
		{"empty tag", set("ce_tag", ""), "/ce_tag minLength"},
		{"long tag", set("ce_tag", strings.Repeat("é", 101)), "/ce_tag maxLength"},
		{"line break in a tag", set("ce_tag", "a\nb"), "/ce_tag pattern"},
		{"address as the client's id", set("ce_clientid", "192.0.2.7"), "/ce_clientid pattern"},
		{"refusal as the client's id", set("ce_clientid", "no"), "/ce_clientid pattern"},
		{"address as the visitor", func(m map[string]any) {
			delete(m, "ce_clientid")
			m["ce_visitor"] = "192.0.2.7"
		}, "/ce_visitor pattern"},
		{"cookie and daily visitor", set("ce_visitor", "0123456789abcdef"), "/ not"},
		{"several languages", set("ce_language", "de, en"), "/ce_language pattern"},
		{"endless language", set("ce_language", "de"+strings.Repeat("-x", 20)), "/ce_language maxLength"},
		{"negative offset", set("ce_offset", "-1"), "/ce_offset pattern"},
		{"limit of none", set("ce_limit", "0"), "/ce_limit pattern"},
		{"limit beyond the largest", set("ce_limit", "101"), "/ce_limit pattern"},
		{"unknown order", set("ce_sort", "price"), "/ce_sort enum"},
		{"filter that there isn't", set("ce_filters", "publisher=x"), "/ce_filters pattern"},
		{"filters that are no query", set("ce_filters", "author=A B"), "/ce_filters pattern"},
		{"unknown match", set("ce_match", "fuzzy"), "/ce_match enum"},
		{"nothing found, but books", set("ce_match", "none"), "/ce_servedhits const"},
		{"empty query", set("ce_servedquery", ""), "/ce_servedquery minLength"},
		{"hits that are no number", set("ce_totalhits", "many"), "/ce_totalhits pattern"},
		{"hits with a leading zero", set("ce_totalhits", "02"), "/ce_totalhits pattern"},
		{"more hits than a page has", set("ce_servedhits", "101"), "/ce_servedhits pattern"},
	} {
		headers, _ := example(t)
		m.change(headers)
		got := complaints(t, schema.Validate(headers))
		if m.name == "nothing found, but books" {
			assert.ElementsMatch(t, []string{"/ce_totalhits const", m.want}, got, m.name)
			continue
		}
		assert.Equal(t, []string{m.want}, got, m.name)
	}
	assert.Equal(t, []string{"/ type"}, complaints(t, schema.Validate([]any{})), "a list")
	for _, fine := range []func(map[string]any){without("ce_tag"), without("ce_clientid"), without("ce_language"), set("ce_match", "relaxed"), without("traceparent"), set("later", "x")} {
		headers, _ := example(t)
		fine(headers)
		assert.NoError(t, schema.Validate(headers))
	}
}

func TestBooksThatAreRefused(t *testing.T) {
	schema := compile(t, "books.searched/1.json")
	for _, m := range []mutation{
		{"no id", without("id"), "/0 required"},
		{"no title", without("title"), "/0 required"},
		{"no author, which may be empty but not absent", without("author"), "/0 required"},
		{"no time", without("created_at"), "/0 required"},
		{"id of no book", set("id", json.Number("0")), "/0/id minimum"},
		{"id as a text", set("id", "7"), "/0/id type"},
		{"part of an id", set("id", json.Number("7.5")), "/0/id type"},
		{"id beyond 2^63-1", set("id", json.Number("9223372036854775808")), "/0/id maximum"},
		{"null as the title", set("title", nil), "/0/title type"},
		{"authors as a list", set("author", []any{"A"}), "/0/author type"},
		{"year as a number", set("published_at", json.Number("1998")), "/0/published_at type"},
		{"null as the description", set("description", nil), "/0/description type"},
		{"time as a number", set("created_at", json.Number("1790000000")), "/0/created_at type"},
		{"time in another zone", set("created_at", "2026-11-20T10:00:00+01:00"), "/0/created_at pattern"},
		{"day that never was", set("created_at", "2026-02-30T10:00:00Z"), "/0/created_at format"},
		{"ISBN with hyphens", set("isbn", "978-0-306-40615-7"), "/0/isbn pattern"},
		{"ISBN-10", set("isbn", "0306406152"), "/0/isbn pattern"},
		{"name of a language", set("language", "English, mostly"), "/0/language pattern"},
		{"empty publisher instead of none", set("publisher", ""), "/0/publisher minLength"},
		{"subjects as a text", set("subjects", "Sea, Moon"), "/0/subjects type"},
		{"no subjects instead of none", set("subjects", []any{}), "/0/subjects minItems"},
		{"number among the subjects", set("subjects", []any{"Sea", json.Number("1")}), "/0/subjects/1 type"},
		{"price as a number", set("price", json.Number("12.9")), "/0/price type"},
		{"price with a comma", set("price", "12,90"), "/0/price pattern"},
		{"sign of a currency", set("currency", "€"), "/0/currency pattern"},
		{"less than no copies", set("stock", json.Number("-1")), "/0/stock minimum"},
		{"unknown availability", set("availability", "soon"), "/0/availability enum"},
		{"script as a link", set("buy_url", "javascript:alert(1)"), "/0/buy_url pattern"},
		{"path as a picture", set("cover_url", "/7.jpg"), "/0/cover_url pattern"},
	} {
		_, books := example(t)
		m.change(books[0].(map[string]any))
		assert.Equal(t, []string{m.want}, complaints(t, schema.Validate(books)), m.name)
	}
	_, books := example(t)
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"one book alone":         {books[0], "/ type"},
		"null":                   {nil, "/ type"},
		"null among the books":   {[]any{nil}, "/0 type"},
		"more than a page holds": {slices.Repeat(books, 101), "/ maxItems"},
	} {
		assert.Equal(t, []string{c.want}, complaints(t, schema.Validate(c.value)), name)
	}
	assert.NoError(t, schema.Validate([]any{}))
	books[0].(map[string]any)["later"] = "x"
	assert.NoError(t, schema.Validate(books), "later versions may add fields")
}
