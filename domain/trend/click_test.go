package trend_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

func TestNewClick(t *testing.T) {
	const search, cookie = "0197a2b4-0000-7000-8000-000000000000", "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"
	at := time.Date(2026, 7, 2, 0, 2, 0, 0, time.UTC)
	searched := at.Add(-4 * time.Minute) // the day before
	e := &model.ClickEvent{
		Time: at, SearchID: search, SearchTime: searched, Keyword: "Dune", Offset: 20, Surface: model.PageSurface, Tag: "t", ClientID: cookie, Book: 7, Ordinal: 21,
	}
	want := trend.Click{
		SearchID: search, Book: 7, At: at, SearchedAt: searched, Keyword: "Dune", Folded: "dune",
		Visitor: trend.VisitorOf(cookie, ""), Surface: model.PageSurface, Tag: "t", Ordinal: 21,
	}
	assert.Equal(t, &want, trend.NewClick(e, at))
	assert.Equal(t, trend.DayOf(searched), trend.DayOf(trend.NewClick(e, at).SearchedAt), "it belongs to its search")

	// A clock two hours ahead.
	record := at.Add(-2 * time.Hour)
	ahead := want
	ahead.At, ahead.SearchedAt = record, record
	assert.Equal(t, &ahead, trend.NewClick(e, record))

	// Another program's.
	bare := &model.ClickEvent{SearchID: search, SearchTime: searched, Keyword: "Dune", Book: 7, Ordinal: 1}
	assert.Equal(t, &trend.Click{SearchID: search, Book: 7, At: at, SearchedAt: searched, Keyword: "Dune", Folded: "dune", Surface: model.PageSurface, First: true, Ordinal: 1}, trend.NewClick(bare, at))
}

func TestNewErasure(t *testing.T) {
	at := time.Date(2026, 7, 2, 0, 2, 0, 0, time.UTC)
	for name, want := range map[string]trend.Visitor{
		"0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11": trend.VisitorOf("0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11", ""),
		"0123456789abcdef":                     trend.VisitorOf("", "0123456789abcdef"),
		"another program's":                    trend.VisitorOf("another program's", ""),
	} {
		assert.NotEmpty(t, want)
		assert.Equal(t, &trend.Erasure{Visitor: want, Until: at}, trend.NewErasure(&model.VisitorErasedEvent{Time: at, Visitor: name}, at), name)
	}
}
