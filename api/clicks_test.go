package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
)

func listOf(headers map[string]any) (list []model.Header) {
	for name, text := range headers {
		list = append(list, model.Header{Key: name, Value: []byte(text.(string))})
	}
	return list
}

// asSent is what the shop adds to headers when it accepts an event.
func asSent(encoded []model.Header, example map[string]any) map[string]any {
	object := asObject(encoded)
	for _, name := range []string{"ce_source", "ce_sequence"} {
		object[name] = example[name]
	}
	return object
}

func TestAsyncAPIOfClicks(t *testing.T) {
	document := readAsyncAPI(t)
	clicks := document.Channels["clicks"]
	assert.Equal(t, config.Default().MQ.ClickTopic(), clicks.Address)
	assert.Equal(t, clicks.Address+".dead", document.Channels["deadClicks"].Address)
	assert.Equal(t, model.ClickEventType, document.Components.Messages["clicked"].Name)
	assert.Equal(t, model.VisitorErasedEventType, document.Components.Messages["visitorErased"].Name)

	headers, value := exampleOf(t, "clicked", "clicked")
	assert.NoError(t, described(t, "clicked", "headers").Validate(headers))
	assert.NoError(t, described(t, "clicked", "payload").Validate(value))
	assert.Len(t, headers, len(compile(t, "books.clicked/1.headers.json").Properties)-1, "every header but ce_visitor, which ce_clientid excludes")
	content, err := json.Marshal(value)
	require.NoError(t, err)
	click, err := model.DecodeClickEvent(headers["ce_searchid"].(string), listOf(headers), content)
	require.NoError(t, err)
	click.ID = model.ClickID(click.SearchID, click.Book)
	encoded, sent, err := click.Encode()
	require.NoError(t, err)
	assert.JSONEq(t, string(content), string(encoded))
	assert.Equal(t, headers, asSent(sent, headers), "the shop sends these headers")

	headers, value = exampleOf(t, "visitorErased", "erased")
	assert.NoError(t, described(t, "visitorErased", "headers").Validate(headers))
	assert.NoError(t, described(t, "visitorErased", "payload").Validate(value))
	assert.Len(t, headers, len(compile(t, "books.visitor_erased/1.headers.json").Properties))
	if content, err = json.Marshal(value); assert.NoError(t, err) {
		erased, err := model.DecodeVisitorErasedEvent("", listOf(headers), content)
		require.NoError(t, err)
		encoded, sent, err := erased.Encode()
		require.NoError(t, err)
		assert.JSONEq(t, string(content), string(encoded))
		assert.Equal(t, headers, asSent(sent, headers))
	}
}

func TestClickHeadersThatAreRefused(t *testing.T) {
	schema := compile(t, "books.clicked/1.headers.json")
	for _, m := range []mutation{
		{"no search", without("ce_searchid"), "/ required"},
		{"no time of the search", without("ce_searchtime"), "/ required"},
		{"no book", without("ce_bookid"), "/ required"},
		{"no place", without("ce_ordinal"), "/ required"},
		{"a search", set("ce_type", model.SearchEventType), "/ce_type const"},
		{"random id", set("ce_id", "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"), "/ce_id pattern"},
		{"source of searches", set("ce_source", "/event-books/shop-1/8f14e45f-ceea-4e7a-9d6b-5a3c1f0b2d47"), "/ce_source pattern"},
		{"schema of a search", set("ce_dataschema", model.SearchEventSchema), "/ce_dataschema const"},
		{"search that is no search's id", set("ce_searchid", "42"), "/ce_searchid pattern"},
		{"time in another zone", set("ce_searchtime", "2026-11-21T08:24:59+01:00"), "/ce_searchtime pattern"},
		{"empty keyword", set("ce_keyword", ""), "/ce_keyword minLength"},
		{"bot", set("ce_agent", "bot"), "/ce_agent enum"},
		{"unknown surface", set("ce_surface", "app"), "/ce_surface enum"},
		{"cookie and daily visitor", set("ce_visitor", "0123456789abcdef"), "/ not"},
		{"book 0", set("ce_bookid", "0"), "/ce_bookid pattern"},
		{"place 0", set("ce_ordinal", "0"), "/ce_ordinal pattern"},
		{"place as a number", set("ce_ordinal", json.Number("2")), "/ce_ordinal type"},
	} {
		headers, _ := exampleOf(t, "clicked", "clicked")
		m.change(headers)
		assert.Equal(t, []string{m.want}, complaints(t, schema.Validate(headers)), m.name)
	}
}

func TestClicksThatAreRefused(t *testing.T) {
	schema := compile(t, "books.clicked/1.json")
	part := func(path ...string) func(map[string]any) map[string]any {
		return func(m map[string]any) map[string]any {
			for _, name := range path {
				m = m[name].(map[string]any)
			}
			return m
		}
	}
	click, object, position := part(), part("event_attributes", "object"), part("event_attributes", "position")
	for _, c := range []struct {
		in func(map[string]any) map[string]any
		mutation
	}{
		{click, mutation{"another action", set("action_name", "purchase"), "/action_name const"}},
		{click, mutation{"no search", without("query_id"), "/ required"}},
		{click, mutation{"no time", without("timestamp"), "/ required"}},
		{click, mutation{"name as the client", set("client_id", "Ann"), "/client_id pattern"}},
		{click, mutation{"time of no clock", set("timestamp", "2026-13-21T07:24:59Z"), "/timestamp format"}},
		{click, mutation{"no attributes", without("event_attributes"), "/ required"}},
		{object, mutation{"id as a number", set("object_id", json.Number("7")), "/event_attributes/object/object_id type"}},
		{object, mutation{"another field", set("object_id_field", "isbn"), "/event_attributes/object/object_id_field const"}},
		{position, mutation{"no place", without("ordinal"), "/event_attributes/position required"}},
		{position, mutation{"place 0", set("ordinal", json.Number("0")), "/event_attributes/position/ordinal minimum"}},
	} {
		_, value := exampleOf(t, "clicked", "clicked")
		c.change(c.in(value.(map[string]any)))
		assert.Equal(t, []string{c.want}, complaints(t, schema.Validate(value)), c.name)
	}
	_, value := exampleOf(t, "clicked", "clicked")
	value.(map[string]any)["client_id"] = "0123456789abcdef"
	value.(map[string]any)["session_id"] = "later"
	assert.NoError(t, schema.Validate(value))
}

func TestErasuresThatAreRefused(t *testing.T) {
	headers, values := compile(t, "books.visitor_erased/1.headers.json"), compile(t, "books.visitor_erased/1.json")
	for _, m := range []mutation{
		{"a click", set("ce_type", model.ClickEventType), "/ce_type const"},
		{"id without a time", set("ce_id", "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"), "/ce_id pattern"},
		{"no time", without("ce_time"), "/ required"},
		{"schema of a click", set("ce_dataschema", model.ClickEventSchema), "/ce_dataschema const"},
	} {
		example, _ := exampleOf(t, "visitorErased", "erased")
		m.change(example)
		assert.Equal(t, []string{m.want}, complaints(t, headers.Validate(example)), m.name)
	}
	for _, m := range []mutation{
		{"nobody", without("visitor"), "/ required"},
		{"an address", set("visitor", "192.0.2.7"), "/visitor pattern"},
		{"several", set("visitor", []any{"0123456789abcdef"}), "/visitor type"},
	} {
		_, value := exampleOf(t, "visitorErased", "erased")
		m.change(value.(map[string]any))
		assert.Equal(t, []string{m.want}, complaints(t, values.Validate(value)), m.name)
	}
}
