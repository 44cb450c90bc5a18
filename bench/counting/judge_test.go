//go:build unix

package main

import (
	"maps"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func message(key string, value []byte, headers []model.Header) *sarama.ConsumerMessage {
	m := &sarama.ConsumerMessage{Key: []byte(key), Value: value, Timestamp: noon}
	for _, h := range headers {
		m.Headers = append(m.Headers, &sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return m
}

// searchRecord is a search for a keyword that the shop corrected.
func searchRecord(id, keyword, served string) *sarama.ConsumerMessage {
	e := &model.SearchEvent{
		ID: id, Time: noon, Search: model.Search{Keyword: model.Keyword(keyword), Limit: 20, Sort: model.ByRelevance}, Served: 1,
		Match: model.CorrectedMatch, ServedQuery: served, Visit: model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Visitor: "00112233deadbeef"},
	}
	return message(keyword, []byte("[]"), e.Headers())
}

func clickRecord(t *testing.T, search string) *sarama.ConsumerMessage {
	e := &model.ClickEvent{
		Time: noon.Add(time.Minute), SearchID: search, SearchTime: noon, Keyword: "dume", Surface: model.PageSurface,
		Visitor: "00112233deadbeef", Agent: model.PersonAgent, Book: 7, Ordinal: 2,
	}
	value, headers, err := e.Encode()
	require.NoError(t, err)
	return message(e.Key(), value, headers)
}

// A recount that overlooked something would find that everything agrees.
func TestTheJudgeSeesDifferences(t *testing.T) {
	answered, lost := uuid.NewString(), uuid.NewString()
	truth := &truth{searches: map[string]bool{}, clicks: map[click]bool{}}
	for range 2 {
		truth.addSearch(searchRecord(answered, "Dume", "dune"))
		truth.addClick(clickRecord(t, answered), map[string]bool{})
	}
	truth.addSearch(message("x", []byte("no JSON"), nil))
	assert.Equal(t, []int{5, 2, 1}, []int{truth.records, truth.copies, truth.broken})

	day, bucket := trend.DayOf(noon), trend.BucketOf(noon)
	typed := row{day, bucket, "dume", trend.Page, "", ""}
	all := row{day, bucket, "", trend.Page, "", ""}
	corrected := row{day, bucket, "dune", trend.Served + trend.Page, "", ""}
	search := trend.Counts{Requests: 1, Searches: 1, Shown: 1, NotFound: 1, Rescued: 1}
	clicked := search
	clicked.Clicked, clicked.Clicks, clicked.Ordinals = 1, 1, 2
	right := map[row]trend.Counts{typed: clicked, all: clicked, corrected: search}
	require.Equal(t, right, truth.recount())

	l := newLoad(nil, nil, 1, 1)
	l.searches[answered], l.clicks[click{answered, 7}] = true, true
	v := judge(l, truth, right)
	assert.Equal(t, []int{0, 0, 3}, []int{v.missing, v.differing, v.rows})
	assert.True(t, v.exact())

	l.searches[lost], l.clicks[click{answered, 8}] = true, true
	wrong := maps.Clone(right)
	delete(wrong, corrected)
	wrong[all] = trend.Counts{Requests: 2}
	wrong[row{day + 1, 0, "dune", trend.API, "", ""}] = search
	v = judge(l, truth, wrong)
	assert.Equal(t, []int{2, 3, 4}, []int{v.missing, v.differing, v.rows}, v.details)
	assert.False(t, v.exact())
}

func TestFailures(t *testing.T) {
	good := outcome{verdict: verdict{answers: 9, clicks: 2, erasures: 1, events: 10, copies: 3, counted: 10, rows: 4, complete: "counted=10, accepted=10, dead=0, waiting=0, lost=0, missed=0, late=0, unknown=1"}}
	assert.Empty(t, series{"row", false, good}.failures())
	assert.Len(t, series{"control", true, good}.failures(), 1)
	for name, spoil := range map[string]func(*outcome){
		"missing":            func(o *outcome) { o.missing = 1 },
		"broken":             func(o *outcome) { o.broken = 1 },
		"refused":            func(o *outcome) { o.refused = map[string]int{"500": 1} },
		"no copies":          func(o *outcome) { o.copies = 0 },
		"counted twice":      func(o *outcome) { o.counted++ },
		"not counted":        func(o *outcome) { o.counted-- },
		"other rows":         func(o *outcome) { o.differing = 1 },
		"other completeness": func(o *outcome) { o.complete = "counted=9, accepted=9" },
		"something waits":    func(o *outcome) { o.complete = "counted=10, accepted=10, waiting=1" },
	} {
		bad := good
		spoil(&bad)
		assert.Len(t, series{"row", false, bad}.failures(), 1, name)
	}
	twice := good
	twice.counted++
	assert.Empty(t, series{"control", true, twice}.failures())
}
