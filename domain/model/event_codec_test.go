package model_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/api"
	"literank.com/event-books/domain/model"
)

var update = flag.Bool("update", false, "write the golden records of testdata anew")

func TestSearchEventHeaders(t *testing.T) {
	decade, available := 1990, true
	e := model.SearchEvent{
		ID:   "0197a2b4-0000-7000-8000-000000000000",
		Time: time.Date(2026, 7, 1, 12, 30, 0, 120_000_000, time.FixedZone("CEST", 2*60*60)),
		Search: model.Search{
			Keyword: model.Keyword(strings.TrimSpace(strings.Repeat("w ", 17))), Sort: model.ByNewest, Offset: 40, Limit: 20,
			Filters: model.Filters{Author: "Ann & Bob", Decade: &decade, Available: &available},
		},
		Visit: model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Tag: "letter 7/é", ClientID: "c"}, Value: []byte("[]"), Total: 41, Served: 1,
	}
	assert.Equal(t, []string{
		"ce_specversion: 1.0",
		"ce_id: 0197a2b4-0000-7000-8000-000000000000",
		"ce_type: com.literank.books.searched",
		"ce_time: 2026-07-01T10:30:00.12Z",
		"ce_dataschema: https://literank.com/event-books/schemas/books.searched/1.json",
		"content-type: application/json",
		"ce_surface: page",
		"ce_agent: person",
		"ce_tag: letter 7/é",
		"ce_clientid: c",
		"ce_offset: 40",
		"ce_limit: 20",
		"ce_sort: newest",
		"ce_filters: author=Ann+%26+Bob&available=true&decade=1990",
		"ce_match: exact",
		"ce_servedquery: " + strings.TrimSpace(strings.Repeat("w ", 16)),
		"ce_totalhits: 41",
		"ce_servedhits: 1",
	}, lines(e.Headers()))
	e.Total, e.Served = 0, 0
	assert.Contains(t, lines(e.Headers()), "ce_match: none")
	e.Tag, e.ClientID, e.Visitor, e.Language = "", "", aVisitor, "de"
	assert.Contains(t, lines(e.Headers()), "ce_visitor: "+aVisitor)
	assert.Contains(t, lines(e.Headers()), "ce_language: de")
	for _, line := range lines(e.Headers()) {
		assert.NotContains(t, line, "ce_tag")
		assert.NotContains(t, line, "ce_clientid")
	}
	e.Total = 41 // beyond the last page
	assert.Contains(t, lines(e.Headers()), "ce_match: exact")
}

func lines(headers []model.Header) (list []string) {
	for _, h := range headers {
		list = append(list, h.Key+": "+string(h.Value))
	}
	return list
}

func TestBooksSurviveTheirEncoding(t *testing.T) {
	stock := 0
	books := []*model.Book{{
		ID: 1, Title: "Война <&>", Author: "A, B", PublishedAt: "1869", Description: "D", CreatedAt: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
		ISBN: "9780306406157", Language: "ru", Publisher: "P", Subjects: []string{"s"}, Series: "S", Edition: "E", Price: "1.20", Currency: "EUR",
		Stock: &stock, Availability: model.ToOrder, BuyURL: "https://b.example", CoverURL: "https://c.example",
	}, {ID: 2, Title: "Bare"}}
	value, err := model.EncodeBooks([]model.ListedBook{{Book: books[0], Editions: 2}, {Book: books[1]}})
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(value), `"editions":2`))
	assert.Equal(t, 1, strings.Count(string(value), "editions"))
	decoded, err := model.DecodeBooks(value)
	require.NoError(t, err)
	assert.Equal(t, books, decoded)

	for _, none := range [][]model.ListedBook{nil, {}} {
		value, err = model.EncodeBooks(none)
		require.NoError(t, err)
		assert.Equal(t, "[]", string(value))
	}
	decoded, err = model.DecodeBooks([]byte(`[{"id": 1, "title": "T", "from_the_future": {}}]`))
	require.NoError(t, err)
	assert.Equal(t, []*model.Book{{ID: 1, Title: "T"}}, decoded)
	for _, wrong := range []string{"", "{}", "[1]", "[", `[{"id": "x"}]`} {
		_, err := model.DecodeBooks([]byte(wrong))
		assert.Error(t, err, wrong)
	}
}

// record is a record of the topic. Its golden file has the key and a line for
// each header, then an empty line and the value.
type record struct {
	key     string
	headers []model.Header
	value   []byte
}

// recordOf returns the record of an event as the topic holds it.
func recordOf(e *model.SearchEvent) record {
	return record{string(e.Search.Keyword), accepted(e.Headers(), e.Source, e.Sequence), e.Value}
}

// accepted adds what the message queue adds to headers.
func accepted(headers []model.Header, source string, sequence uint64) []model.Header {
	if source != "" {
		headers = append(headers, model.Header{Key: "ce_source", Value: []byte(source)})
	}
	if sequence != 0 {
		digits := strconv.FormatUint(sequence, 10)
		headers = append(headers, model.Header{Key: "ce_sequence", Value: []byte(strings.Repeat("0", 20-len(digits)) + digits)})
	}
	return headers
}

func (r record) event() (*model.SearchEvent, error) {
	return model.DecodeSearchEvent(r.key, r.headers, r.value)
}

func (r record) golden() []byte {
	head := strings.Join(append([]string{"key: " + r.key}, lines(r.headers)...), "\n")
	return []byte(head + "\n\n" + string(r.value) + "\n")
}

func readGolden(t *testing.T, file string) (r record) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	head, value, found := bytes.Cut(content, []byte("\n\n"))
	require.True(t, found, file)
	r.value = bytes.TrimSuffix(value, []byte("\n"))
	for line := range strings.SplitSeq(string(head), "\n") {
		name, text, found := strings.Cut(line, ": ")
		if name, only := strings.CutSuffix(line, ":"); only && !found {
			r.headers = append(r.headers, model.Header{Key: name})
			continue
		}
		require.True(t, found, line)
		if name == "key" {
			r.key = text
		} else {
			r.headers = append(r.headers, model.Header{Key: name, Value: []byte(text)})
		}
	}
	return r
}

const (
	oneBook   = `[{"id":7,"title":"War and Peace","author":"Leo Tolstoy","published_at":"1869","description":"","created_at":"2026-01-02T03:04:05Z"}]`
	anID      = "0197a2b4-0000-7000-8000-000000000000"
	aSource   = "/event-books/shop-1/8f14e45f-ceea-4e7a-9d6b-5a3c1f0b2d47"
	aClientID = "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"
	aVisitor  = "0123456789abcdef"
)

// goldenEvents are the events of testdata/events.
func goldenEvents() map[string]*model.SearchEvent {
	at := time.Date(2026, 7, 1, 10, 30, 0, 120_000_000, time.UTC)
	decade, before, yes, no := 1860, -380, true, false
	keyword := model.Keyword("w" + strings.Repeat(" w", 16))
	served := "w" + strings.Repeat(" w", 15)
	return map[string]*model.SearchEvent{
		"full": {
			ID: anID, Source: aSource, Sequence: 42, Time: at,
			Search: model.Search{
				Keyword: keyword, Sort: model.ByNewest, Offset: 40, Limit: 20,
				Filters: model.Filters{Author: "Leo Tolstoy", Language: "en", Subject: "War", Decade: &decade, Available: &yes},
			},
			Visit: model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Tag: "letter 7/é", ClientID: aClientID, Language: "de-AT"},
			Match: model.ExactMatch, ServedQuery: served, Value: []byte(oneBook), Total: 41, Served: 1,
		},
		"filters": {
			ID: anID, Source: aSource, Sequence: 1, Time: at,
			Search: model.Search{
				Keyword: "republic", Sort: model.ByTitle, Limit: 100, ByWork: true,
				Filters: model.Filters{Author: "Πλάτων & Co", Language: "zh-Hant-TW", Subject: "R&D = 50%", Decade: &before, Available: &no},
			},
			Visit: model.Visit{Surface: model.APISurface, Agent: model.UnknownAgent},
			Match: model.NoMatch, ServedQuery: "republic", Value: []byte("[]"),
		},
		"emoji-and-rtl": {
			ID: anID, Source: aSource, Sequence: 1<<64 - 1, Time: at,
			Search: model.Search{Keyword: "🍕 \u200fשלום\u200e", Sort: model.ByRelevance, Limit: 20},
			Visit:  model.Visit{Surface: model.PageSurface, Agent: model.BotAgent, Tag: "🍣"},
			Match:  model.ExactMatch, ServedQuery: "🍕 \u200fשלום\u200e", Value: []byte(oneBook), Total: 1, Served: 1,
		},
		"nothing-found": {
			ID: anID, Source: aSource, Sequence: 2, Time: at.Truncate(time.Second),
			Search: model.Search{Keyword: "nothing", Sort: model.ByRelevance, Limit: 20},
			Visit:  model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Visitor: aVisitor, Language: "zh-Hant-TW"},
			Match:  model.NoMatch, ServedQuery: "nothing", Value: []byte("[]"),
		},
		"beyond-the-last-page": {
			ID: anID, Source: aSource, Sequence: 3, Time: at,
			Search: model.Search{Keyword: "war", Sort: model.ByOldest, Offset: 1000, Limit: 20},
			Visit:  model.Visit{Surface: model.APISurface, Agent: model.UnknownAgent},
			Match:  model.ExactMatch, ServedQuery: "war", Value: []byte("[]"), Total: 41,
		},
		"traced": {
			ID: anID, Source: aSource, Sequence: 5, Time: at, TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			Search: model.Search{Keyword: "war", Sort: model.ByRelevance, Limit: 20},
			Visit:  model.Visit{Surface: model.APISurface, Agent: model.UnknownAgent},
			Match:  model.ExactMatch, ServedQuery: "war", Value: []byte(oneBook), Total: 1, Served: 1,
		},
		"corrected": {
			ID: anID, Source: aSource, Sequence: 4, Time: at,
			Search: model.Search{Keyword: "wra", Sort: model.ByRelevance, Limit: 20},
			Visit:  model.Visit{Surface: model.DemoSurface, Agent: model.PersonAgent},
			Match:  model.CorrectedMatch, ServedQuery: "war", Value: []byte(oneBook), Total: 0, Served: 1,
		},
	}
}

func TestGoldenEvents(t *testing.T) {
	events := goldenEvents()
	for name, e := range events {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "events", name+".txt")
			golden := recordOf(e).golden()
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, golden, 0o644))
			}
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(content), string(golden), "encode")
			decoded, err := readGolden(t, file).event()
			require.NoError(t, err)
			assert.Equal(t, e, decoded, "decode")
		})
	}
	files, err := filepath.Glob("testdata/events/*.txt")
	require.NoError(t, err)
	assert.Len(t, files, len(events)+1, "each file but tutorial.txt is one of the events above")
}

func TestGoldenEventsFollowTheSchemas(t *testing.T) {
	compile := func(file string) *jsonschema.Schema {
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		content, err := api.Schemas.ReadFile("schemas/books.searched/" + file)
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		require.NoError(t, err)
		require.NoError(t, compiler.AddResource(file, document))
		schema, err := compiler.Compile(file)
		require.NoError(t, err)
		return schema
	}
	headersSchema, valueSchema := compile("1.headers.json"), compile("1.json")
	for name, e := range goldenEvents() {
		headers := map[string]any{}
		for _, h := range recordOf(e).headers {
			headers[h.Key] = string(h.Value)
		}
		assert.NoError(t, headersSchema.Validate(headers), name)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Value))
		require.NoError(t, err)
		assert.NoError(t, valueSchema.Validate(value), name)
	}
}

// The tutorial's program sends a key and a value and no headers. This golden
// file is input only: our events have headers.
func TestTutorialEventDecodes(t *testing.T) {
	r := readGolden(t, "testdata/events/tutorial.txt")
	require.Empty(t, r.headers)
	e, err := r.event()
	require.NoError(t, err)
	assert.Equal(t, &model.SearchEvent{
		Search: model.Search{Keyword: "War & Peace", Sort: model.ByRelevance},
		Visit:  model.Visit{Agent: model.UnknownAgent},
		Match:  model.ExactMatch, ServedQuery: "War & Peace", Value: r.value, Total: 2, Served: 2,
	}, e)
	books, err := model.DecodeBooks(e.Value)
	require.NoError(t, err)
	assert.Equal(t, "Leo Tolstoy", books[0].Author)
}

// W3C Trace Context wants a malformed traceparent to be ignored.
func TestMalformedTraceParent(t *testing.T) {
	for _, value := range []string{"later", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "\xff", "00-" + strings.Repeat("A", 32) + "-b7ad6b7169203331-01"} {
		e, err := record{"war", []model.Header{header("traceparent", value)}, []byte(oneBook)}.event()
		require.NoError(t, err)
		assert.Empty(t, e.TraceParent)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	long := strings.Repeat("a", model.MaxKeyword+1)
	for name, c := range map[string]struct {
		key, value string
		header     model.Header
		field      string
	}{
		"empty key":               {key: "", field: "key"},
		"blank key":               {key: " \t", field: "key"},
		"long key":                {key: long, field: "key"},
		"key that is no text":     {key: "\xff", field: "key"},
		"empty value":             {value: "", field: "value"},
		"value that is no JSON":   {value: "[", field: "value"},
		"value that is an object": {value: "{}", field: "value"},
		"CloudEvents of old":      {header: header("ce_specversion", "0.3"), field: "ce_specversion"},
		"another event":           {header: header("ce_type", "com.literank.books.clicked"), field: "ce_type"},
		"another schema":          {header: header("ce_dataschema", "https://literank.com/event-books/schemas/books.searched/2.json"), field: "ce_dataschema"},
		"another content type":    {header: header("content-type", "application/protobuf"), field: "content-type"},
		"id that is no text":      {header: header("ce_id", "\xff"), field: "ce_id"},
		"source that is no text":  {header: header("ce_source", "\xff"), field: "ce_source"},
		"sequence 0":              {header: header("ce_sequence", "00000000000000000000"), field: "ce_sequence"},
		"sequence too large":      {header: header("ce_sequence", "18446744073709551616"), field: "ce_sequence"},
		"time of no clock":        {header: header("ce_time", "2026-13-21T07:24:59Z"), field: "ce_time"},
		"time in another zone":    {header: header("ce_time", "2026-11-21T07:24:59+01:00"), field: "ce_time"},
		"unknown surface":         {header: header("ce_surface", "app"), field: "ce_surface"},
		"unknown agent":           {header: header("ce_agent", "crawler"), field: "ce_agent"},
		"tag of two lines":        {header: header("ce_tag", "a\nb"), field: "ce_tag"},
		"client that is no text":  {header: header("ce_clientid", "\xff"), field: "ce_clientid"},
		"address as a visitor":    {header: header("ce_visitor", "192.0.2.7"), field: "ce_visitor"},
		"visitor in capitals":     {header: header("ce_visitor", "0123456789ABCDEF"), field: "ce_visitor"},
		"language that is none":   {header: header("ce_language", "\xff"), field: "ce_language"},
		"negative offset":         {header: header("ce_offset", "-1"), field: "ce_offset"},
		"offset too large":        {header: header("ce_offset", "2147483648"), field: "ce_offset"},
		"limit too large":         {header: header("ce_limit", "101"), field: "ce_limit"},
		"unknown order":           {header: header("ce_sort", "price"), field: "ce_sort"},
		"unknown filter":          {header: header("ce_filters", "publisher=x"), field: "ce_filters"},
		"filter twice":            {header: header("ce_filters", "author=a&author=b"), field: "ce_filters"},
		"filters that are none":   {header: header("ce_filters", "%zz"), field: "ce_filters"},
		"filter with no decade":   {header: header("ce_filters", "decade=1995"), field: "ce_filters"},
		"unknown match":           {header: header("ce_match", "fuzzy"), field: "ce_match"},
		"query that is no text":   {header: header("ce_servedquery", "\xff"), field: "ce_servedquery"},
		"hits that are no number": {header: header("ce_totalhits", "many"), field: "ce_totalhits"},
		"fewer hits than none":    {header: header("ce_servedhits", "-1"), field: "ce_servedhits"},
	} {
		r := record{"war", []model.Header{c.header}, []byte(oneBook)}
		switch c.field {
		case "key":
			r.key = c.key
		case "value":
			r.value = []byte(c.value)
		}
		e, err := r.event()
		assert.Nil(t, e, name)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), name)
		assert.ErrorContains(t, err, c.field+": ", name)
	}
}

func header(key, value string) model.Header { return model.Header{Key: key, Value: []byte(value)} }

func TestHeadersThatAreIgnored(t *testing.T) {
	e, err := record{"war", []model.Header{
		header("traceparent", "\xff"), header("ce_limit", ""), header("ce_limit", "7"), header("ce_limit", "many"),
	}, []byte("[]")}.event()
	require.NoError(t, err)
	assert.Equal(t, 7, e.Search.Limit, "the first that isn't empty counts")
}

// FuzzDecodeSearchEvent: a record is refused, or its event encodes to a record
// that decodes to the same event.
func FuzzDecodeSearchEvent(f *testing.F) {
	for _, e := range goldenEvents() {
		r := recordOf(e)
		f.Add(r.key, strings.Join(lines(r.headers), "\n"), r.value)
	}
	f.Add("War & Peace", "", []byte(oneBook))
	f.Add("a", "ce_limit: 0\nce_filters: author=+&decade=0\nce_time: 0000-01-01T00:00:00+00:00", []byte("null"))
	f.Fuzz(func(t *testing.T, key, headers string, value []byte) {
		r := record{key: key, value: value}
		for line := range strings.SplitSeq(headers, "\n") {
			name, text, _ := strings.Cut(line, ": ")
			r.headers = append(r.headers, header(name, text))
		}
		e, err := r.event()
		if err != nil {
			require.Equal(t, model.Malformed, model.ErrorCode(err))
			return
		}
		again, err := recordOf(e).event()
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
