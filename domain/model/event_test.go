package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

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
	e.Tag, e.ClientID = "", ""
	for _, line := range lines(e.Headers()) {
		assert.NotContains(t, line, "ce_tag")
		assert.NotContains(t, line, "ce_clientid")
	}
	e.Total = 41 // behind the last page
	assert.Contains(t, lines(e.Headers()), "ce_match: exact")
}

func TestTags(t *testing.T) {
	for typed, want := range map[string]string{
		"": "", "spring-letter": "spring-letter", " \t a b\u3000": "a b", "e\u0301": "é", "🍕": "🍕",
		strings.Repeat("é", 100): strings.Repeat("é", 100),
	} {
		tag, err := model.ParseTag(typed)
		require.NoError(t, err, typed)
		assert.Equal(t, want, tag)
	}
	for typed, want := range map[string]string{
		"\xff": "is not valid UTF-8", "a\x00b": "control", "a\nb": "control", "a\u0085b": "control", "a\x7fb": "control", strings.Repeat("a", 101): "longer than 100",
	} {
		_, err := model.ParseTag(typed)
		require.ErrorContains(t, err, want, typed)
		assert.Equal(t, model.Malformed, model.ErrorCode(err))
	}
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
	value, err := model.EncodeBooks(books)
	require.NoError(t, err)
	decoded, err := model.DecodeBooks(value)
	require.NoError(t, err)
	assert.Equal(t, books, decoded)

	for _, none := range [][]*model.Book{nil, {}} {
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
