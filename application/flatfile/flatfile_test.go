package flatfile

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 120_000_000, time.UTC)

const (
	cookie = "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"
	daily  = "0123456789abcdef"
)

// search is an event of a person who was shown books with these ids.
func search(id, keyword string, books ...uint) *model.SearchEvent {
	listed := make([]model.ListedBook, len(books))
	for i, book := range books {
		listed[i] = model.ListedBook{Book: &model.Book{ID: book, Title: fmt.Sprintf("=Title %d", book)}}
	}
	value, err := model.EncodeBooks(listed)
	if err != nil {
		panic(err)
	}
	return &model.SearchEvent{
		ID: id, Time: noon, Value: value, Total: 40 + len(books), Served: len(books), Match: model.ExactMatch, ServedQuery: keyword,
		Search: model.Search{Keyword: model.Keyword(keyword), Limit: 20, Sort: model.ByRelevance},
		Visit:  model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Visitor: daily, Language: "de"},
	}
}

// click opens a book at a place of the result of a search.
func click(s *model.SearchEvent, book uint, ordinal int) *model.ClickEvent {
	return &model.ClickEvent{
		ID: model.ClickID(s.ID, book), Time: s.Time.Add(time.Minute), SearchID: s.ID, SearchTime: s.Time, Keyword: s.Search.Keyword, Offset: s.Search.Offset,
		Surface: s.Surface, Tag: s.Tag, Language: s.Language, ClientID: s.ClientID, Visitor: s.Visitor, Agent: s.Agent, Book: book, Ordinal: ordinal,
	}
}

// exported writes events to a file, each in a record that was written when it happened.
func exported(t *testing.T, options Options, format Format, events ...any) (string, *Exporter) {
	t.Helper()
	if options.To.IsZero() {
		options.To = noon.Add(48 * time.Hour)
	}
	var text strings.Builder
	w, err := NewWriter(&text, options.Kind, format)
	require.NoError(t, err)
	x := New(options, w.Write)
	x.key = []byte("key")
	for _, event := range events {
		switch e := event.(type) {
		case *model.SearchEvent:
			require.NoError(t, x.AddSearch(0, e.Time, e))
		case *model.ClickEvent:
			require.NoError(t, x.AddClick(0, e.Time, e))
		case *model.VisitorErasedEvent:
			x.AddErasure(e.Time, e)
		}
	}
	require.NoError(t, x.Close())
	require.NoError(t, w.Close())
	return text.String(), x
}

func TestSearchRows(t *testing.T) {
	decade := 1990
	full := search("s1", "Émile, \"Zola\"\n<x>", 7, 8)
	full.Search.Offset, full.Search.Filters, full.Search.ByWork = 20, model.Filters{Author: "Ann & Bob", Decade: &decade}, true
	full.Tag, full.Language, full.ClientID, full.Visitor, full.Agent = "letter", "fr-CA", cookie, "", model.UnknownAgent
	bare := search("s2", "=1+1")
	bare.Total, bare.Match, bare.Visitor, bare.Surface, bare.Language = 0, model.NoMatch, "", model.APISurface, ""
	text, x := exported(t, Options{Kind: Searches}, JSONLines, full, bare)
	assert.Equal(t, `{"search_id":"s1","time":"2026-07-01T12:00:00.12Z","keyword":"Émile, \"Zola\"\n<x>","folded":"emile, \"zola\" <x>","visitor":"886d13494909fbf5","surface":"page","agent":"unknown","tag":"letter","language":"fr-CA","offset":20,"limit":20,"sort":"relevance","filters":"author=Ann+%26+Bob&decade=1990","group":"work","match":"exact","served_query":"Émile, \"Zola\"\n<x>","total_hits":42,"served_hits":2}
{"search_id":"s2","time":"2026-07-01T12:00:00.12Z","keyword":"=1+1","folded":"=1+1","visitor":null,"surface":"api","agent":"person","tag":null,"language":null,"offset":0,"limit":20,"sort":"relevance","filters":null,"group":null,"match":"none","served_query":"=1+1","total_hits":0,"served_hits":0}
`, text)
	assert.Equal(t, 2, x.Rows)
	text, _ = exported(t, Options{Kind: Searches}, CSV, full, bare)
	assert.Equal(t, `search_id,time,keyword,folded,visitor,surface,agent,tag,language,offset,limit,sort,filters,group,match,served_query,total_hits,served_hits
s1,2026-07-01T12:00:00.12Z,"Émile, ""Zola""
<x>","emile, ""zola"" <x>",886d13494909fbf5,page,unknown,letter,fr-CA,20,20,relevance,author=Ann+%26+Bob&decade=1990,work,exact,"Émile, ""Zola""
<x>",42,2
s2,2026-07-01T12:00:00.12Z,'=1+1,'=1+1,,api,person,,,0,20,relevance,,,none,'=1+1,0,0
`, text)
}

func TestImpressionRows(t *testing.T) {
	s := search("s1", "moon", 7, 8)
	s.Search.Offset = 20
	text, x := exported(t, Options{Kind: Impressions}, CSV, s, search("s2", "nothing"))
	assert.Equal(t, `search_id,time,keyword,folded,visitor,surface,agent,tag,language,ordinal,book_id,title
s1,2026-07-01T12:00:00.12Z,moon,moon,b0349a882ba44d37,page,person,,de,21,7,'=Title 7
s1,2026-07-01T12:00:00.12Z,moon,moon,b0349a882ba44d37,page,person,,de,22,8,'=Title 8
`, text)
	assert.Equal(t, 2, x.Rows)
	text, _ = exported(t, Options{Kind: Impressions}, JSONLines, s)
	assert.Contains(t, text, `"ordinal":21,"book_id":7,"title":"=Title 7"}`+"\n", "JSON Lines have texts as they are")
	s.Value = []byte(`[{"id": "a later version's"}]`)
	text, _ = exported(t, Options{Kind: Impressions}, JSONLines, s)
	assert.Empty(t, text)
}

func TestClickRows(t *testing.T) {
	s := search("0197a2b4-0000-7000-8000-000000000000", "moon", 7)
	text, _ := exported(t, Options{Kind: Clicks}, CSV, click(s, 7, 1))
	assert.Equal(t, `click_id,time,search_id,search_time,keyword,folded,visitor,surface,agent,tag,language,offset,ordinal,book_id
`+model.ClickID(s.ID, 7)+`,2026-07-01T12:01:00.12Z,0197a2b4-0000-7000-8000-000000000000,2026-07-01T12:00:00.12Z,moon,moon,b0349a882ba44d37,page,person,,de,0,1,7
`, text)
}

// The shape of a file doesn't depend on what is in it.
func TestEmptyFilesHaveColumns(t *testing.T) {
	for kind, columns := range map[Kind]int{Searches: 18, Impressions: 12, Clicks: 14, Judgements: 3} {
		text, _ := exported(t, Options{Kind: kind}, CSV)
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 1, kind)
		assert.Len(t, rows[0], columns, kind)
		text, _ = exported(t, Options{Kind: kind}, JSONLines)
		assert.Empty(t, text)
	}
	_, err := NewWriter(&strings.Builder{}, UBI, CSV)
	assert.ErrorContains(t, err, "can't be CSV")
}

func TestTimesAndSurfaces(t *testing.T) {
	at := func(id string, offset time.Duration, surface model.Surface) *model.SearchEvent {
		s := search(id, "moon", 7)
		s.Time, s.Surface = noon.Add(offset), surface
		return s
	}
	events := []any{at("before", -1, model.PageSurface), at("first", 0, model.PageSurface), at("demo", 1, model.DemoSurface), at("last", time.Hour-1, model.APISurface), at("after", time.Hour, model.PageSurface)}
	ids := func(options Options) (ids []string) {
		text, _ := exported(t, options, JSONLines, events...)
		for line := range strings.Lines(text) {
			ids = append(ids, strings.Split(line, `"`)[3])
		}
		return ids
	}
	assert.Equal(t, []string{"first", "demo", "last"}, ids(Options{Kind: Searches, From: noon, To: noon.Add(time.Hour)}))
	assert.Equal(t, []string{"demo"}, ids(Options{Kind: Searches, Surface: model.DemoSurface}))
	assert.Len(t, ids(Options{Kind: Searches}), 5)
	// A clock ahead counts at the record's time.
	x := New(Options{Kind: Searches, From: noon, To: noon.Add(time.Hour)}, func(row any) error {
		assert.Equal(t, noon, row.(searchRow).Time)
		return nil
	})
	require.NoError(t, x.AddSearch(0, noon, at("ahead", 24*time.Hour, model.PageSurface)))
	assert.Equal(t, 1, x.Rows)
}

func TestCopiesAndForgottenVisitorsAreLeftOut(t *testing.T) {
	from := func(id string, sequence uint64, clientID, visitor string, offset time.Duration) *model.SearchEvent {
		s := search(id, "moon", 7)
		s.Source, s.Sequence, s.ClientID, s.Visitor, s.Time = "/shop/1", sequence, clientID, visitor, noon.Add(offset)
		return s
	}
	erased := func(visitor string) *model.VisitorErasedEvent {
		return &model.VisitorErasedEvent{Visitor: visitor, Time: noon}
	}
	events := []any{
		erased(cookie), &model.VisitorErasedEvent{Visitor: cookie, Time: noon.Add(-time.Hour)}, erased(""),
		from("forgotten", 1, cookie, "", 0), from("later", 2, cookie, "", 1), from("other", 3, "", daily, 0), from("other", 3, "", daily, 0), from("nobody", 4, "", "", 0),
	}
	text, x := exported(t, Options{Kind: Searches}, JSONLines, events...)
	assert.NotContains(t, text, "forgotten")
	assert.Equal(t, []int{3, 1, 1}, []int{x.Rows, x.Copies, x.Erased})
	c := click(from("forgotten", 1, cookie, "", -time.Hour), 7, 1)
	c.Time = noon
	_, x = exported(t, Options{Kind: Clicks}, JSONLines, erased(cookie), c)
	assert.Equal(t, []int{0, 1}, []int{x.Rows, x.Erased})
}

// Nobody can connect visitors of two files, or a file with the topic.
func TestVisitorsHaveOtherNames(t *testing.T) {
	s, other := search("s1", "moon", 7), search("s2", "moon", 7)
	other.Visitor = "fedcba9876543210"
	names := func() (names []string) {
		x := New(Options{Kind: Searches, To: noon.Add(time.Hour)}, func(row any) error {
			names = append(names, *row.(searchRow).Visitor)
			return nil
		})
		for _, e := range []*model.SearchEvent{s, s, other} {
			require.NoError(t, x.AddSearch(0, noon, e))
		}
		return names
	}
	one, again := names(), names()
	assert.Equal(t, one[0], one[1])
	assert.NotEqual(t, one[0], one[2])
	assert.NotEqual(t, one[0], again[0])
	assert.NotContains(t, append(one, again...), daily)
}

// Lines are queries and events of User Behavior Insights. The test's schema refuses others.
func TestUBI(t *testing.T) {
	content, err := os.ReadFile("testdata/ubi.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(content)))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("ubi.json", document))
	schema, err := compiler.Compile("ubi.json")
	require.NoError(t, err)

	s := search("0197a2b4-0000-7000-8000-000000000000", "moon <&>", 7, 8)
	s.Tag, s.Search.Filters.Language = "letter", "en"
	nobody := search(strings.Repeat("é", 101), "nothing")
	nobody.Visitor = ""
	text, x := exported(t, Options{Kind: UBI}, JSONLines, s, nobody, click(s, 8, 2))
	assert.Equal(t, 5, x.Rows)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	var actions []string
	for _, line := range lines {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		require.NoError(t, err)
		assert.NoError(t, schema.Validate(instance), line)
		fields := instance.(map[string]any)
		actions = append(actions, fmt.Sprint(fields["action_name"]))
		for field := range fields {
			if field == "client_id" {
				continue
			}
			broken := map[string]any{}
			require.NoError(t, json.Unmarshal([]byte(line), &broken))
			delete(broken, field)
			assert.Error(t, schema.Validate(broken), "without %s: %s", field, line)
			broken[field] = true
			assert.Error(t, schema.Validate(broken), "a wrong %s: %s", field, line)
		}
	}
	assert.Equal(t, []string{"<nil>", "impression", "impression", "<nil>", "click"}, actions)
	assert.JSONEq(t, `{"application": "event-books", "query_id": "0197a2b4-0000-7000-8000-000000000000", "client_id": "b0349a882ba44d37", "user_query": "moon <&>",
		"query_attributes": {"surface": "page", "agent": "person", "tag": "letter", "language": "de", "offset": 0, "limit": 20, "sort": "relevance", "filters": "language=en", "match": "exact", "served_query": "moon <&>", "total_hits": 42},
		"object_id_field": "id", "timestamp": "2026-07-01T12:00:00.12Z", "query_response_hit_ids": ["7", "8"]}`, lines[0])
	assert.JSONEq(t, `{"application": "event-books", "action_name": "click", "query_id": "0197a2b4-0000-7000-8000-000000000000", "client_id": "b0349a882ba44d37", "user_query": "moon <&>",
		"timestamp": "2026-07-01T12:01:00.12Z", "event_attributes": {"object": {"object_id": "8", "object_id_field": "id"}, "position": {"ordinal": 2}, "surface": "page", "agent": "person", "tag": "letter"}}`, lines[4])
}

func TestErrorsOfTheFile(t *testing.T) {
	full := errors.New("the disk is full")
	for kind, event := range map[Kind]any{Searches: search("s", "moon", 7), Impressions: search("s", "moon", 7), UBI: search("s", "moon", 7), Clicks: click(search("s", "moon", 7), 7, 1)} {
		x := New(Options{Kind: kind, To: noon.Add(time.Hour)}, func(any) error { return full })
		var err error
		switch e := event.(type) {
		case *model.SearchEvent:
			err = x.AddSearch(0, e.Time, e)
		case *model.ClickEvent:
			err = x.AddClick(0, e.Time, e)
		}
		assert.ErrorIs(t, err, full, kind)
	}
}

func TestHarmless(t *testing.T) {
	for cell, want := range map[string]string{"": "", "moon": "moon", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\tx": "'\tx", "\rx": "'\rx", "a=1": "a=1", "'=": "'="} {
		assert.Equal(t, want, model.SpreadsheetText(cell), cell)
	}
}
