package model_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/api"
	"literank.com/event-books/domain/model"
)

var aGeneration = model.Generation{Database: "K7PZ3QF2VXN4M5RTB6WYDHJ2LC", Restored: "QX5D2ZB7HNE3WJ6RM4KTVYF2PA"}

// goldenChange is a record of testdata/changes: a change, or the tombstone of one.
type goldenChange struct {
	change    *model.Change
	tombstone bool
}

func (g goldenChange) record() (record, error) {
	if g.tombstone {
		return record{key: g.change.Key(), headers: g.change.Tombstone(aGeneration)}, nil
	}
	value, headers, err := g.change.Encode(aGeneration)
	return record{g.change.Key(), headers, value}, err
}

func (r record) change() (*model.Change, error) {
	return model.DecodeChange(r.key, r.headers, r.value)
}

// goldenChanges are the records of testdata/changes.
func goldenChanges() map[string]goldenChange {
	at, stock := time.Date(2026, 7, 1, 10, 30, 0, 120_000_000, time.UTC), 0
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return map[string]goldenChange{
		"created": {change: &model.Change{BookID: 7, Version: 41, Kind: model.BookCreated, Time: at, Book: &model.Book{
			ID: 7, Title: "Война и мир <&> 🍕", Author: "Leo Tolstoy, A & B", PublishedAt: "1869", Description: "Two\nlines", CreatedAt: created,
			ISBN: "9780306406157", Language: "ru", Publisher: "P", Subjects: []string{"War", "Peace"}, Series: "S", Edition: "2nd", Price: "1.20", Currency: "EUR",
			Stock: &stock, Availability: model.ToOrder, BuyURL: "https://b.example/?a=1&b=2", CoverURL: "https://c.example", Version: 41,
		}}},
		"updated-bare": {change: &model.Change{BookID: 7, Version: 42, Kind: model.BookUpdated, Time: at.Truncate(time.Second), Book: &model.Book{
			ID: 7, CreatedAt: created, Version: 42,
		}}},
		"largest-numbers": {change: &model.Change{BookID: 1<<63 - 1, Version: 1<<63 - 1, Kind: model.BookUpdated, Time: at, Book: &model.Book{
			ID: 1<<63 - 1, Title: "T", CreatedAt: created, Version: 1<<63 - 1,
		}}},
		"deleted":   {change: &model.Change{BookID: 7, Version: 43, Kind: model.BookDeleted, Time: at}},
		"tombstone": {change: &model.Change{BookID: 7, Version: 43, Kind: model.BookDeleted, Time: at}, tombstone: true},
	}
}

func TestGoldenChanges(t *testing.T) {
	changes := goldenChanges()
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "changes", name+".txt")
			r, err := c.record()
			require.NoError(t, err)
			golden := r.golden()
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, golden, 0o644))
			}
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(content), string(golden), "encode")
			decoded, err := readGolden(t, file).change()
			require.NoError(t, err)
			assert.Equal(t, c.change, decoded, "decode")
		})
	}
	files, err := filepath.Glob("testdata/changes/*.txt")
	require.NoError(t, err)
	assert.Len(t, files, len(changes), "each file is one of the records above")
}

// changeSchemas returns the schemas of headers and value.
func changeSchemas(t *testing.T) (headers, value *jsonschema.Schema) {
	t.Helper()
	const base = "https://literank.com/event-books/"
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	files, err := fs.Glob(api.Schemas, "schemas/*/*.json")
	require.NoError(t, err)
	for _, file := range files {
		content, err := api.Schemas.ReadFile(file)
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		require.NoError(t, err)
		require.NoError(t, compiler.AddResource(base+file, document))
	}
	headers, err = compiler.Compile(base + "schemas/books.changed/1.headers.json")
	require.NoError(t, err)
	value, err = compiler.Compile(model.ChangeSchema)
	require.NoError(t, err)
	return headers, value
}

func TestGoldenChangesFollowTheSchemas(t *testing.T) {
	headersSchema, valueSchema := changeSchemas(t)
	for name, c := range goldenChanges() {
		r, err := c.record()
		require.NoError(t, err)
		headers := map[string]any{}
		for _, h := range r.headers {
			headers[h.Key] = string(h.Value)
		}
		assert.Len(t, headers, len(r.headers), "no header is repeated")
		assert.NoError(t, headersSchema.Validate(headers), name)
		if c.tombstone {
			assert.Empty(t, r.value, name)
			continue
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.value))
		require.NoError(t, err)
		assert.NoError(t, valueSchema.Validate(value), name)
	}
}

// Copies of a record have one ce_id; other versions, generations and tombstones have others.
func TestIdsOfChanges(t *testing.T) {
	id := func(c model.Change, g model.Generation, tombstone bool) string {
		headers := c.Tombstone(g)
		if !tombstone {
			var err error
			_, headers, err = c.Encode(g)
			require.NoError(t, err)
		}
		for _, h := range headers {
			if h.Key == "ce_id" {
				return string(h.Value)
			}
		}
		return ""
	}
	deleted := *goldenChanges()["deleted"].change
	later, restored := deleted, aGeneration
	later.Version++
	restored.Restored = "ANOTHER"
	ids := map[string]bool{
		id(deleted, aGeneration, false): true, id(deleted, aGeneration, true): true, id(later, aGeneration, false): true, id(deleted, restored, false): true,
	}
	assert.Len(t, ids, 4)
	assert.Equal(t, id(deleted, aGeneration, false), id(deleted, aGeneration, false))
}

const aChange = `{"type": "books.event.updated", "value": {"id": 7, "title": "T"}, "version": 3}`

func TestChangesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		key, value string
		header     model.Header
		field      string
	}{
		"empty key":               {key: "", field: "key"},
		"key that is no number":   {key: "moon", field: "key"},
		"key 0":                   {key: "0", field: "key"},
		"negative key":            {key: "-7", field: "key"},
		"key with a sign":         {key: "+7", field: "key"},
		"key with zeros":          {key: "007", field: "key"},
		"key with a space":        {key: " 7", field: "key"},
		"key 2^63":                {key: "9223372036854775808", field: "key"},
		"value that is no JSON":   {value: "{", field: "value"},
		"value and more":          {value: aChange + "{}", field: "value"},
		"list":                    {value: "[]", field: "value"},
		"null":                    {value: "null", field: "value"},
		"text":                    {value: `"x"`, field: "value"},
		"books of a search":       {value: oneBook, field: "value"},
		"a book alone":            {value: oneBook[1 : len(oneBook)-1], field: "value"},
		"no type":                 {value: `{"value": {"id": 7, "title": "T"}, "version": 3}`, field: "value"},
		"type without a kind":     {value: `{"type": "books.event.", "value": {"id": 7, "title": "T"}, "version": 3}`, field: "value"},
		"another type":            {value: `{"type": "orders.event.updated", "value": {"id": 7, "title": "T"}, "version": 3}`, field: "value"},
		"type as a number":        {value: `{"type": 3, "value": {"id": 7, "title": "T"}, "version": 3}`, field: "value"},
		"another book":            {value: `{"type": "books.event.updated", "value": {"id": 8, "title": "T"}, "version": 3}`, field: "value"},
		"another book, deleted":   {value: `{"type": "books.event.deleted", "value": {"id": 8}, "version": 3}`, field: "value"},
		"no book":                 {value: `{"type": "books.event.updated", "version": 3}`, field: "value"},
		"no book, deleted":        {value: `{"type": "books.event.deleted", "version": 3}`, field: "value"},
		"null as the book":        {value: `{"type": "books.event.updated", "value": null, "version": 3}`, field: "value"},
		"id as the book":          {value: `{"type": "books.event.updated", "value": 7, "version": 3}`, field: "value"},
		"id as a text":            {value: `{"type": "books.event.updated", "value": {"id": "7", "title": "T"}, "version": 3}`, field: "value"},
		"title as a number":       {value: `{"type": "books.event.updated", "value": {"id": 7, "title": 1}, "version": 3}`, field: "value"},
		"time of no clock":        {value: `{"type": "books.event.updated", "value": {"id": 7, "title": "T", "created_at": "noon"}, "version": 3}`, field: "value"},
		"no version":              {value: `{"type": "books.event.updated", "value": {"id": 7, "title": "T"}}`, field: "value"},
		"version 0":               {value: `{"type": "books.event.updated", "value": {"id": 7, "title": "T"}, "version": 0}`, field: "value"},
		"negative version":        {value: `{"type": "books.event.updated", "value": {"id": 7, "title": "T"}, "version": -1}`, field: "value"},
		"version 2^63":            {value: `{"type": "books.event.updated", "value": {"id": 7, "title": "T"}, "version": 9223372036854775808}`, field: "value"},
		"version as a text":       {value: `{"type": "books.event.updated", "value": {"id": 7, "title": "T"}, "version": "3"}`, field: "value"},
		"1 MB that is no JSON":    {value: strings.Repeat("x", 1<<20), field: "value"},
		"1 MB of lists":           {value: strings.Repeat("[", 1<<20), field: "value"},
		"1 MB of a type":          {value: `{"type": "` + strings.Repeat("x", 1<<20) + `", "version": 3}`, field: "value"},
		"CloudEvents of old":      {header: header("ce_specversion", "0.3"), field: "ce_specversion"},
		"a search":                {header: header("ce_type", "com.example.searched"), field: "ce_type"},
		"another schema":          {header: header("ce_dataschema", "https://literank.com/event-books/schemas/books.changed/2.json"), field: "ce_dataschema"},
		"another content type":    {header: header("content-type", "application/protobuf"), field: "content-type"},
		"header version 0":        {header: header("ce_version", "0"), field: "ce_version"},
		"negative header version": {header: header("ce_version", "-3"), field: "ce_version"},
		"header version 2^63":     {header: header("ce_version", "9223372036854775808"), field: "ce_version"},
		"time in another zone":    {header: header("ce_time", "2026-11-21T07:24:59+01:00"), field: "ce_time"},
	} {
		r := record{"7", []model.Header{c.header}, []byte(aChange)}
		switch c.field {
		case "key":
			r.key = c.key
		case "value":
			r.value = []byte(c.value)
		}
		change, err := r.change()
		assert.Nil(t, change, name)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), name)
		assert.ErrorContains(t, err, c.field+": ", name)
		if err != nil {
			assert.Less(t, len(err.Error()), 300, "%s: the message is short", name)
		}
	}
}

func TestChangesThatAreRead(t *testing.T) {
	book := &model.Book{ID: 7, Title: "T", Version: 3}
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		headers []model.Header
		value   string
		want    model.Change
	}{
		"without headers":              {nil, aChange, model.Change{Version: 3, Kind: model.BookUpdated, Book: book}},
		"foreign headers and fields":   {[]model.Header{header("traceparent", "\xff")}, `{"later": {}, ` + strings.Replace(aChange[1:], `"T"`, `"T", "later": []`, 1), model.Change{Version: 3, Kind: model.BookUpdated, Book: book}},
		"empty headers":                {[]model.Header{header("ce_version", ""), header("ce_time", ""), header("ce_type", ""), header("content-type", "")}, aChange, model.Change{Version: 3, Kind: model.BookUpdated, Book: book}},
		"a header twice":               {[]model.Header{header("ce_version", ""), header("ce_version", "4"), header("ce_version", "x")}, "", model.Change{Version: 4, Kind: model.BookDeleted}},
		"another version in a header":  {[]model.Header{header("ce_version", "9")}, aChange, model.Change{Version: 3, Kind: model.BookUpdated, Book: book}},
		"content type with a charset":  {[]model.Header{header("content-type", "application/json; charset=utf-8")}, aChange, model.Change{Version: 3, Kind: model.BookUpdated, Book: book}},
		"no value and a version":       {[]model.Header{header("ce_version", "9")}, "", model.Change{Version: 9, Kind: model.BookDeleted}},
		"no value and no version":      {nil, "", model.Change{Kind: model.BookDeleted}},
		"deletion with a whole book":   {nil, strings.Replace(aChange, "updated", "deleted", 1), model.Change{Version: 3, Kind: model.BookDeleted}},
		"unknown kind":                 {nil, strings.Replace(aChange, "updated", "repriced", 1), model.Change{Version: 3, Kind: "repriced", Book: book}},
		"created, with an id only":     {nil, `{"type": "books.event.created", "value": {"id": 7}, "version": 3}`, model.Change{Version: 3, Kind: model.BookCreated}},
		"unknown kind, with an id":     {nil, `{"type": "books.event.repriced", "value": {"id": 7, "price": 3}, "version": 3}`, model.Change{Version: 3, Kind: "repriced"}},
		"a description of 1 MB":        {nil, strings.Replace(aChange, `"T"`, `"T", "description": "`+long+`"`, 1), model.Change{Version: 3, Kind: model.BookUpdated, Book: &model.Book{ID: 7, Title: "T", Description: long, Version: 3}}},
		"the largest version":          {nil, strings.Replace(aChange, `: 3`, `: 9223372036854775807`, 1), model.Change{Version: 1<<63 - 1, Kind: model.BookUpdated, Book: &model.Book{ID: 7, Title: "T", Version: 1<<63 - 1}}},
		"an empty title, which is one": {nil, strings.Replace(aChange, `"T"`, `""`, 1), model.Change{Version: 3, Kind: model.BookUpdated, Book: &model.Book{ID: 7, Version: 3}}},
	} {
		c.want.BookID = 7
		got, err := record{"7", c.headers, []byte(c.value)}.change()
		if assert.NoError(t, err, name) {
			assert.Equal(t, &c.want, got, name)
		}
	}
}

// FuzzDecodeChange: a record is refused, or its change encodes to a record that decodes to
// a change with the same encoding.
func FuzzDecodeChange(f *testing.F) {
	for _, c := range goldenChanges() {
		r, err := c.record()
		require.NoError(f, err)
		f.Add(r.key, strings.Join(lines(r.headers), "\n"), r.value)
	}
	f.Add("7", "", []byte(aChange))
	f.Add("7", "ce_version: 3\nce_time: 0000-01-01T00:00:00+00:00", []byte(strings.Replace(aChange, `"T"`, `"T", "subjects": [], "created_at": "0001-01-01T00:00:00-23:59"`, 1)))
	f.Fuzz(func(t *testing.T, key, headers string, value []byte) {
		r := record{key: key, value: value}
		for line := range strings.SplitSeq(headers, "\n") {
			name, text, _ := strings.Cut(line, ": ")
			r.headers = append(r.headers, header(name, text))
		}
		c, err := r.change()
		if err != nil {
			require.Equal(t, model.Malformed, model.ErrorCode(err))
			return
		}
		require.Equal(t, key, fmt.Sprint(c.BookID))
		require.False(t, c.Kind == model.BookDeleted && c.Book != nil)
		if len(value) == 0 {
			require.Equal(t, model.BookDeleted, c.Kind)
			return // a tombstone without a version encodes to no record
		}
		encoded, sent, err := c.Encode(aGeneration)
		require.NoError(t, err)
		again, err := record{c.Key(), sent, encoded}.change()
		require.NoError(t, err)
		twice, sentTwice, err := again.Encode(aGeneration)
		require.NoError(t, err)
		require.Equal(t, string(encoded), string(twice))
		require.Equal(t, lines(sent), lines(sentTwice))
	})
}
