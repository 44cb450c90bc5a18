package model_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/api"
	"literank.com/event-books/domain/model"
)

const (
	aClickSource = aSource + "/clicks"
	aTrace       = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

func clickRecord(e *model.ClickEvent) (record, error) {
	value, headers, err := e.Encode()
	return record{e.Key(), accepted(headers, e.Source, e.Sequence), value}, err
}

func erasureRecord(e *model.VisitorErasedEvent) (record, error) {
	value, headers, err := e.Encode()
	return record{e.Key(), accepted(headers, e.Source, e.Sequence), value}, err
}

func (r record) click() (*model.ClickEvent, error) {
	return model.DecodeClickEvent(r.key, r.headers, r.value)
}

func (r record) erasure() (*model.VisitorErasedEvent, error) {
	return model.DecodeVisitorErasedEvent(r.key, r.headers, r.value)
}

// goldenClicks are the clicks of testdata/clicks.
func goldenClicks() map[string]*model.ClickEvent {
	at := time.Date(2026, 7, 1, 10, 31, 0, 500_000_000, time.UTC)
	searched := time.Date(2026, 7, 1, 10, 30, 0, 120_000_000, time.UTC)
	return map[string]*model.ClickEvent{
		"full": {
			ID: model.ClickID(anID, 7), TraceParent: aTrace, Source: aClickSource, Sequence: 42, Time: at, SearchID: anID, SearchTime: searched,
			Keyword: "war peace", Offset: 40, Surface: model.PageSurface, Tag: "letter 7/é", ClientID: aClientID, Agent: model.PersonAgent, Book: 7, Ordinal: 43,
		},
		"daily-visitor": {
			ID: model.ClickID(anID, math.MaxInt64), Source: aClickSource, Sequence: 1<<64 - 1, Time: at.Truncate(time.Second), SearchID: anID, SearchTime: searched.Add(123 * time.Nanosecond),
			Keyword: "🍕 \u200fשלום\u200e", Surface: model.DemoSurface, Visitor: aVisitor, Agent: model.UnknownAgent, Book: math.MaxInt64, Ordinal: 1,
		},
		"nobody": {
			ID: model.ClickID(anID, 1), Source: aClickSource, Sequence: 1, Time: at, SearchID: anID, SearchTime: searched,
			Keyword: `<war> & "peace"`, Surface: model.PageSurface, Agent: model.PersonAgent, Book: 1, Ordinal: 10_000,
		},
	}
}

// goldenErasures are the erasures of testdata/erasures.
func goldenErasures() map[string]*model.VisitorErasedEvent {
	at := time.Date(2026, 7, 1, 10, 32, 0, 0, time.UTC)
	return map[string]*model.VisitorErasedEvent{
		"cookie":        {ID: anID, TraceParent: aTrace, Source: aClickSource, Sequence: 43, Time: at, Visitor: aClientID},
		"daily-visitor": {ID: anID, Source: aClickSource, Sequence: 44, Time: at, Visitor: aVisitor},
	}
}

// checkGolden compares a record with its file, after -update has written it.
func checkGolden(t *testing.T, file string, r record) record {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, r.golden(), 0o644))
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(content), string(r.golden()), "encode")
	return readGolden(t, file)
}

// checkSchemas validates a record by the schemas of its event.
func checkSchemas(t *testing.T, event string, r record) {
	t.Helper()
	validate := func(file string, instance any) {
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		content, err := api.Schemas.ReadFile("schemas/" + event + "/" + file)
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		require.NoError(t, err)
		require.NoError(t, compiler.AddResource(file, document))
		schema, err := compiler.Compile(file)
		require.NoError(t, err)
		assert.NoError(t, schema.Validate(instance))
		if headers, ok := instance.(map[string]any); ok {
			for name := range headers {
				assert.Contains(t, schema.Properties, name, "is described")
			}
		}
	}
	headers := map[string]any{}
	for _, h := range r.headers {
		headers[h.Key] = string(h.Value)
	}
	assert.Len(t, headers, len(r.headers), "no header is repeated")
	validate("1.headers.json", headers)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.value))
	require.NoError(t, err)
	validate("1.json", value)
}

func TestGoldenClicks(t *testing.T) {
	for name, e := range goldenClicks() {
		t.Run(name, func(t *testing.T) {
			r, err := clickRecord(e)
			require.NoError(t, err)
			checkSchemas(t, "books.clicked", r)
			decoded, err := checkGolden(t, filepath.Join("clicks", name+".txt"), r).click()
			require.NoError(t, err)
			assert.Equal(t, e, decoded)
		})
	}
	for name, e := range goldenErasures() {
		t.Run("erasure, "+name, func(t *testing.T) {
			r, err := erasureRecord(e)
			require.NoError(t, err)
			checkSchemas(t, "books.visitor_erased", r)
			decoded, err := checkGolden(t, filepath.Join("erasures", name+".txt"), r).erasure()
			require.NoError(t, err)
			assert.Equal(t, e, decoded)
		})
	}
	files, err := filepath.Glob("testdata/[ce][lr]*/*.txt")
	require.NoError(t, err)
	assert.Len(t, files, len(goldenClicks())+len(goldenErasures()), "each file is one of the records above")
}

// A book of a result has one id, whoever opens it and when.
func TestClickIDs(t *testing.T) {
	id := uuid.MustParse(model.ClickID(anID, 7))
	assert.EqualValues(t, 5, id.Version())
	assert.Equal(t, uuid.NewSHA1(uuid.MustParse(anID), []byte("7")), id, "of search and book")
	ids := map[string]bool{}
	for _, search := range []string{anID, aClientID, "another program's", ""} {
		for book := uint(1); book < 4; book++ {
			ids[model.ClickID(search, book)] = true
		}
	}
	assert.Len(t, ids, 12)
}

// changed returns a record with a header replaced, or without it if value is empty.
func (r record) changed(key, value string) record {
	var headers []model.Header
	for _, h := range r.headers {
		if h.Key != key {
			headers = append(headers, h)
		}
	}
	r.headers = append(headers, header(key, value))
	return r
}

func TestClicksThatAreRefused(t *testing.T) {
	good, err := clickRecord(goldenClicks()["full"])
	require.NoError(t, err)
	for name, c := range map[string]struct{ field, text string }{
		"empty key":              {"key", ""},
		"key that is no text":    {"key", "\xff"},
		"long key":               {"key", strings.Repeat("a", 101)},
		"another key":            {"key", aClientID},
		"no value":               {"value", ""},
		"value that is no JSON":  {"value", "{"},
		"list":                   {"value", "[]"},
		"null":                   {"value", "null"},
		"1 MB that is no JSON":   {"value", strings.Repeat("x", 1<<20)},
		"1 MB of lists":          {"value", strings.Repeat("[", 1<<20)},
		"a purchase":             {"value", strings.Replace(string(good.value), `"click"`, `"purchase"`, 1)},
		"1 MB of an action":      {"value", strings.Replace(string(good.value), `"click"`, `"`+strings.Repeat("x", 1<<20)+`"`, 1)},
		"another search":         {"value", strings.Replace(string(good.value), anID, aClientID, 1)},
		"another book":           {"value", strings.Replace(string(good.value), `"7"`, `"8"`, 1)},
		"another place":          {"value", strings.Replace(string(good.value), `43`, `44`, 1)},
		"CloudEvents of old":     {"ce_specversion", "0.3"},
		"a search":               {"ce_type", model.SearchEventType},
		"another schema":         {"ce_dataschema", model.SearchEventSchema},
		"another content type":   {"content-type", "text/plain"},
		"id that is no text":     {"ce_id", "\xff"},
		"sequence 0":             {"ce_sequence", "0"},
		"time in another zone":   {"ce_time", "2026-11-21T07:24:59+01:00"},
		"header for another key": {"ce_searchid", aClientID},
		"no time of the search":  {"ce_searchtime", ""},
		"search of no clock":     {"ce_searchtime", "2026-13-21T07:24:59Z"},
		"no keyword":             {"ce_keyword", ""},
		"blank keyword":          {"ce_keyword", " \t"},
		"long keyword":           {"ce_keyword", strings.Repeat("a", 10_000)},
		"unknown surface":        {"ce_surface", "app"},
		"unknown agent":          {"ce_agent", "crawler"},
		"tag of two lines":       {"ce_tag", "a\nb"},
		"client that is no text": {"ce_clientid", "\xff"},
		"address as a visitor":   {"ce_visitor", "192.0.2.7"},
		"negative offset":        {"ce_offset", "-1"},
		"no book":                {"ce_bookid", ""},
		"book 0":                 {"ce_bookid", "0"},
		"book 2^63":              {"ce_bookid", "9223372036854775808"},
		"book with zeros":        {"ce_bookid", "007"},
		"no place":               {"ce_ordinal", ""},
		"place 0":                {"ce_ordinal", "0"},
		"place 2^31":             {"ce_ordinal", "2147483648"},
	} {
		r := good
		switch field := c.field; field {
		case "key":
			r.key = c.text
		case "value":
			r.value = []byte(c.text)
		default:
			r = good.changed(field, c.text)
		}
		e, err := r.click()
		assert.Nil(t, e, name)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), name)
		if name == "another key" {
			c.field = "ce_searchid"
		}
		assert.ErrorContains(t, err, c.field+": ", name)
		if err != nil {
			assert.Less(t, len(err.Error()), 300, "%s: the message is short", name)
		}
	}
}

// Another program's clicks may say less.
func TestClicksWithoutHeaders(t *testing.T) {
	good, err := clickRecord(goldenClicks()["full"])
	require.NoError(t, err)
	bare := good
	bare.headers = []model.Header{header("ce_searchtime", "2026-07-01T10:30:00Z"), header("ce_keyword", " War "), header("ce_bookid", "7"), header("ce_ordinal", "43"), header("x", "\xff"), header("ce_ordinal", "1")}
	e, err := bare.click()
	require.NoError(t, err)
	assert.Equal(t, &model.ClickEvent{
		SearchID: anID, SearchTime: time.Date(2026, 7, 1, 10, 30, 0, 0, time.UTC), Keyword: "War", Agent: model.UnknownAgent, Book: 7, Ordinal: 43,
	}, e)
	erased, err := record{value: []byte(`{"visitor": "x", "later": 1}`)}.erasure()
	require.NoError(t, err)
	assert.Equal(t, &model.VisitorErasedEvent{Visitor: "x"}, erased)
}

func TestErasuresThatAreRefused(t *testing.T) {
	good, err := erasureRecord(goldenErasures()["cookie"])
	require.NoError(t, err)
	for name, c := range map[string]struct{ field, text string }{
		"another key":           {"key", aVisitor},
		"no value":              {"value", ""},
		"list":                  {"value", "[]"},
		"nobody":                {"value", "{}"},
		"null":                  {"value", "null"},
		"number":                {"value", `{"visitor": 7}`},
		"1 MB":                  {"value", `{"visitor": "` + strings.Repeat("x", 1<<20) + `"}`},
		"a click":               {"ce_type", model.ClickEventType},
		"another schema":        {"ce_dataschema", model.ClickEventSchema},
		"CloudEvents of old":    {"ce_specversion", "0.3"},
		"another content type":  {"content-type", "text/plain"},
		"time in another zone":  {"ce_time", "2026-11-21T07:24:59+01:00"},
		"sequence 0":            {"ce_sequence", "0"},
		"source that's no text": {"ce_source", "\xff"},
	} {
		r := good
		switch c.field {
		case "key":
			r.key = c.text
		case "value":
			r.value = []byte(c.text)
		default:
			r = good.changed(c.field, c.text)
		}
		e, err := r.erasure()
		assert.Nil(t, e, name)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), name)
		assert.ErrorContains(t, err, c.field+": ", name)
	}
}

// FuzzDecodeClickEvent: a record is refused, or its event encodes to a record that decodes to
// the same event.
func FuzzDecodeClickEvent(f *testing.F) {
	for _, e := range goldenClicks() {
		r, err := clickRecord(e)
		require.NoError(f, err)
		f.Add(r.key, strings.Join(lines(r.headers), "\n"), r.value)
	}
	f.Add("a", "ce_searchtime: 0000-01-01T00:00:00+00:00\nce_keyword: e\u0301\nce_bookid: 7\nce_ordinal: 1", []byte(`{"action_name":"click","query_id":"a","event_attributes":{"object":{"object_id":"7"},"position":{"ordinal":1}}}`))
	f.Fuzz(func(t *testing.T, key, headers string, value []byte) {
		e, err := fuzzed(key, headers, value).click()
		if err != nil {
			require.Equal(t, model.Malformed, model.ErrorCode(err))
			return
		}
		r, err := clickRecord(e)
		require.NoError(t, err)
		again, err := r.click()
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}

// FuzzDecodeVisitorErasedEvent is FuzzDecodeClickEvent for erasures.
func FuzzDecodeVisitorErasedEvent(f *testing.F) {
	for _, e := range goldenErasures() {
		r, err := erasureRecord(e)
		require.NoError(f, err)
		f.Add(r.key, strings.Join(lines(r.headers), "\n"), r.value)
	}
	f.Add("", "", []byte(`{"visitor":"\u0000 \ud800"}`))
	f.Fuzz(func(t *testing.T, key, headers string, value []byte) {
		e, err := fuzzed(key, headers, value).erasure()
		if err != nil {
			require.Equal(t, model.Malformed, model.ErrorCode(err))
			return
		}
		r, err := erasureRecord(e)
		require.NoError(t, err)
		again, err := r.erasure()
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}

// fuzzed is a record with headers as in a golden file.
func fuzzed(key, headers string, value []byte) record {
	r := record{key: key, value: value}
	for line := range strings.SplitSeq(headers, "\n") {
		name, text, _ := strings.Cut(line, ": ")
		r.headers = append(r.headers, header(name, text))
	}
	return r
}
