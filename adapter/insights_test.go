package adapter

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/insights"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// click counts that a book of a search was opened, and refreshes the board.
func (s *shop) click(search *trend.Search, book uint, ordinal int) {
	s.t.Helper()
	shard := model.Shard{Group: "trends-clicks", Stream: "test"}
	claim, err := s.db.Claim(s.t.Context(), shard)
	require.NoError(s.t, err)
	require.NoError(s.t, s.db.Advance(s.t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim}, tx.CountClicks(s.t.Context(), []*trend.Click{{
			SearchID: search.ID, Book: book, At: time.Now(), SearchedAt: search.At, Keyword: search.Keyword, Folded: search.Folded,
			Visitor: search.Visitor, Surface: search.Surface, Tag: search.Tag, Language: search.Language, First: true, Ordinal: ordinal,
		}})
	}))
	require.NoError(s.t, s.board.Refresh(s.t.Context()))
}

// insight reads an answer for staff.
func insight[T any](s *shop, address string) (value T) {
	s.t.Helper()
	answer := s.staff(http.MethodGet, address, "")
	require.Equal(s.t, http.StatusOK, answer.Code, answer.Body)
	assert.Equal(s.t, "private, no-store", answer.Header().Get("Cache-Control"))
	require.NoError(s.t, json.Unmarshal(answer.Body.Bytes(), &value))
	return value
}

// table reads an answer as CSV.
func (s *shop) table(address string) [][]string {
	s.t.Helper()
	answer := s.staff(http.MethodGet, address, "")
	require.Equal(s.t, http.StatusOK, answer.Code, answer.Body)
	assert.Equal(s.t, "text/csv; charset=utf-8", answer.Header().Get("Content-Type"))
	rows, err := csv.NewReader(answer.Body).ReadAll()
	require.NoError(s.t, err)
	return rows
}

// insightful is a shop with some searches of three visitors: two on pages, one by the API.
func insightful(t *testing.T) *shop {
	s := newShop(t)
	s.add(&model.Book{Title: "Emma", Author: "Jane Austen"}, &model.Book{Title: "Persuasion", Author: "Jane Austen"})
	of := func(keyword, visitor, tag, language string, surface model.Surface, facts trend.Fact, books ...uint) *trend.Search {
		e := searched(keyword, visitor, books...)
		e.Tag, e.Language, e.Surface, e.Facts = tag, language, surface, trend.Searched|facts
		return e
	}
	const found, nothing, rescued = trend.Shown | trend.Hit, trend.Empty, trend.Empty | trend.Shown
	const one, two, three = "00000001aaaaaaaa", "00000002aaaaaaaa", "00000003aaaaaaaa"
	emma := of("Emma", one, "letter", "de", model.PageSurface, found, 1, 2)
	bot, demo, earlier := of("emma", "", "", "", model.PageSurface, found), of("emma", three, "", "", model.DemoSurface, found), of("emma", one, "", "de", model.PageSurface, found)
	bot.Bot, earlier.At = true, time.Now().Add(-30*time.Hour)
	s.count(emma, of("emma", one, "letter", "de", model.PageSurface, found, 1, 2), of("emma", two, "", "en-GB", model.PageSurface, found, 1, 2),
		of("Emma", three, "", "", model.APISurface, found, 1, 2), of("dragons", two, "", "en-GB", model.PageSurface, nothing),
		of("emna", two, "", "en-GB", model.PageSurface, rescued, 1), bot, demo, earlier)
	s.click(emma, 1, 1)
	s.click(emma, 2, 12)
	return s
}

func TestInsightSummary(t *testing.T) {
	s := insightful(t)
	all := insight[insights.Summary](s, "/api/insights/summary")
	assert.Equal(t, trend.Counts{Requests: 6, Searches: 5, Shown: 4, NotFound: 2, Rescued: 1, Clicked: 1, Clicks: 2, Ordinals: 13}, all.Numbers.Counts)
	assert.Equal(t, []int64{3, 3, 1, 1}, []int64{all.Numbers.DailyVisitors, all.Numbers.Unclicked, all.Bots, all.Demo})
	assert.InDelta(t, 1.0/3, *all.Numbers.ClickThroughRate, 1e-9, "of three searches on pages that showed books, one was clicked")
	assert.InDelta(t, 6.5, *all.Numbers.AveragePosition, 1e-9)
	assert.Equal(t, []int64{1, 1}, []int64{all.Before.Searches, all.Before.DailyVisitors})
	assert.Nil(t, all.Before.AveragePosition, "nothing was opened")
	assert.Equal(t, []int64{1, 1}, []int64{all.Positions[0].Clicks, all.Positions[10].Clicks})
	assert.Len(t, all.History, 49)
	assert.Equal(t, int64(5), all.History[48].Searches)
	assert.Equal(t, 49*trend.BucketLength, all.To.Sub(all.From))
	names := func(parts []insights.Part) (list []string) {
		for _, p := range parts {
			list = append(list, fmt.Sprintf("%s:%d:%d", p.Name, p.Searches, p.DailyVisitors))
		}
		return list
	}
	assert.Equal(t, []string{"page:4:2", "api:1:1"}, names(all.BySurface))
	assert.Equal(t, []string{":4:2", "letter:1:1"}, names(all.ByTag))
	assert.Equal(t, []string{"en-GB:3:1", ":1:1", "de:1:1"}, names(all.ByLanguage))

	for filter, want := range map[string][]int64{ // searches and daily visitors
		"surface=page": {4, 2}, "surface=api": {1, 1}, "surface=demo": {1, 1}, "tag=letter": {1, 1}, "tag=": {4, 2},
		"language=en-gb": {3, 1}, "language=": {1, 1}, "surface=page&tag=letter&language=de": {1, 1}, "tag=unknown": {0, 0},
		"window=1h": {5, 3}, "window=7d": {6, 4}, "window=30d": {6, 4},
	} {
		got := insight[insights.Summary](s, "/api/insights/summary?"+filter)
		assert.Equal(t, want, []int64{got.Numbers.Searches, got.Numbers.DailyVisitors}, filter)
	}
	assert.Nil(t, insight[insights.Summary](s, "/api/insights/summary?surface=api").Numbers.ClickThroughRate, "nobody clicks in the API")
	assert.InDelta(t, 0, *insight[insights.Summary](s, "/api/insights/summary?surface=demo").Numbers.ClickThroughRate, 0)
}

func TestInsightTables(t *testing.T) {
	s := insightful(t)
	numbers := s.table("/api/insights/summary?format=csv")
	assert.Equal(t, [][]string{{"number", "value", "before"}, {"requests", "6", "1"}, {"searches", "5", "1"}}, numbers[:3])
	assert.Equal(t, []string{"average_position", "6.5", ""}, numbers[len(numbers)-1])
	assert.Len(t, s.table("/api/insights/summary?format=csv&table=history&window=7d"), 1+8)
	assert.Equal(t, []string{"11-20", "1"}, s.table("/api/insights/summary?format=csv&table=positions")[11])
	assert.Equal(t, "page", s.table("/api/insights/summary?format=csv&table=surfaces")[1][0])
	assert.Equal(t, "letter", s.table("/api/insights/summary?format=csv&table=tags")[2][0])
	assert.Equal(t, "en-GB", s.table("/api/insights/summary?format=csv&table=languages")[1][0])
	assert.Equal(t, "Persuasion", s.table("/api/insights/keyword?q=emma&format=csv&table=clicks")[2][1])
	assert.Len(t, s.table("/api/insights/keyword?q=emma&format=csv"), 1+49)

	// A spreadsheet must not run what somebody has searched.
	for _, keyword := range []string{`=HYPERLINK("http://example.com")`, "+1 555", "-x", "@sum", "\tx"} {
		s.count(searched(keyword, "00000001aaaaaaaa"))
	}
	s.count(searched("a, \"b\"\r\nc", "00000001aaaaaaaa"), searched(strings.Repeat("ß", 1000), "00000001aaaaaaaa"), searched("<script>", "00000001aaaaaaaa"))
	found := map[string]bool{}
	for _, row := range s.table("/api/insights/keywords?format=csv&ps=100")[1:] {
		assert.NotContains(t, "=+-@\t", row[0][:1])
		found[row[0]] = true
	}
	assert.Subset(t, found, map[string]bool{`'=HYPERLINK("http://example.com")`: true, "'@sum": true, "a, \"b\"\nc": true, "<script>": true, strings.Repeat("ß", 1000): true})
}

func TestInsightKeywords(t *testing.T) {
	s := insightful(t)
	list := func(filter string) (keywords []string) {
		for _, k := range insight[[]insights.Keyword](s, "/api/insights/keywords?"+filter) {
			keywords = append(keywords, fmt.Sprintf("%s:%d", k.Keyword, k.Searches))
		}
		return keywords
	}
	assert.Equal(t, []string{"emma:3", "dragons:1", "emna:1"}, sorted(list("")), "as typed most often; corrected searches count as typed")
	assert.Equal(t, []string{"emma:3"}, list("ps=1"))
	assert.Equal(t, []string{"dragons:1", "emna:1"}, sorted(list("sort=not_found")))
	assert.Equal(t, "emma:3", list("sort=rising")[0])
	assert.Equal(t, []string{"emma:1"}, list("surface=api"))
	assert.Equal(t, []string{"emma:1"}, list("tag=letter&window=7d"))
	assert.Equal(t, []string{"emma:1"}, list("surface=demo"))
	assert.Equal(t, "emma:4", list("window=7d")[0])
	first := insight[[]insights.Keyword](s, "/api/insights/keywords?ps=1")[0]
	assert.InDelta(t, 0.5, *first.ClickThroughRate, 1e-9)
	assert.Equal(t, []int64{1, 2}, []int64{first.Before, first.Clicks})
}

func sorted(list []string) []string { // those with equal numbers come in any order
	if len(list) > 1 && list[len(list)-2] > list[len(list)-1] {
		list[len(list)-2], list[len(list)-1] = list[len(list)-1], list[len(list)-2]
	}
	return list
}

func TestInsightKeyword(t *testing.T) {
	s := insightful(t)
	report := insight[insights.KeywordReport](s, "/api/insights/keyword?q=%C3%89mma")
	assert.Equal(t, "emma", report.Keyword)
	assert.Equal(t, []int64{3, 3, 1, 1}, []int64{report.Numbers.Searches, report.Numbers.DailyVisitors, report.Before.Searches, report.Before.DailyVisitors})
	require.Len(t, report.Clicks, 2)
	assert.Equal(t, "Emma", report.Clicks[0].Book.Title)
	assert.InDelta(t, 12, *report.Clicks[1].AveragePosition, 0)
	require.Len(t, report.Results, 2)
	assert.Equal(t, "Emma", report.Results[0].Title)
	assert.Equal(t, int64(3), report.History[48].Searches)

	never := insight[insights.KeywordReport](s, "/api/insights/keyword?q="+url.QueryEscape("=1+1, never searched"))
	assert.Equal(t, "=1+1, never searched", never.Keyword)
	assert.Zero(t, never.Numbers.Counts)
	assert.Len(t, never.History, 49)
}

// Wrong requests are told which parameter is wrong. Only staff get an answer.
func TestInsightsRefuseWrongRequests(t *testing.T) {
	s := insightful(t)
	for target, parameter := range map[string]string{
		"summary?window=2d": "window", "summary?surface=shop": "surface", "summary?tag=%00": "tag", "summary?tag=a&tag=b": "tag", "summary?language=x_y_z!": "language",
		"summary?format=xml": "format", "summary?table=books": "table", "summary?format=csv&table=books": "table", "summary?ps=3": "ps", "keywords?sort=best": "sort",
		"keywords?ps=0": "ps", "keywords?ps=101": "ps", "keywords?language=de": "language", "keyword": "q", "keyword?q=%20": "q", "keyword?q=%ff": "q", "keyword?q=" + strings.Repeat("x", 1001): "q",
	} {
		answer := s.staff(http.MethodGet, "/api/insights/"+target, "")
		assert.Equal(t, http.StatusBadRequest, answer.Code, target)
		assert.Contains(t, answer.Body.String(), parameter, target)
		assert.Equal(t, http.StatusUnauthorized, s.get("/api/insights/"+target).Code, target)
	}
	assert.Equal(t, http.StatusOK, s.staff(http.MethodGet, "/api/insights/summary?tag="+url.QueryEscape("a,b"), "").Code, "a tag may have a comma")
	long := insight[[]insights.Keyword](s, "/api/insights/keywords?window=30d&ps=100")
	assert.NotEmpty(t, long)
}
