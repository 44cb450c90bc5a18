package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
)

func TestAsyncAPIOfChanges(t *testing.T) {
	changes := readAsyncAPI(t).Channels["changes"]
	assert.Equal(t, config.Default().MQ.ChangeTopic(), changes.Address)
	assert.Equal(t, []any{"compact"}, changes.Bindings.Kafka.TopicConfiguration["cleanup.policy"])
	assert.NotContains(t, changes.Bindings.Kafka.TopicConfiguration, "retention.ms")

	headersSchema, valueSchema := compile(t, "books.changed/1.headers.json"), compile(t, "books.changed/1.json")
	for _, kind := range []model.ChangeKind{model.BookCreated, model.BookUpdated, model.BookDeleted} {
		headers, value := exampleOf(t, "changed", string(kind))
		assert.NoError(t, described(t, "changed", "headers").Validate(headers), kind)
		assert.NoError(t, described(t, "changed", "payload").Validate(value), kind)
		assert.Len(t, headers, len(headersSchema.Properties), "the example has every header")
		assert.Len(t, value, len(valueSchema.Properties), "the example has every field")
		c := decodeExample(t, headers, value)
		assert.Equal(t, kind, c.Kind)
		assert.Equal(t, kind == model.BookDeleted, c.Book == nil)
		_, encoded, err := c.Encode(model.Generation{Database: "K7PZ3QF2VXN4M5RTB6WYDHJ2LC", Restored: "QX5D2ZB7HNE3WJ6RM4KTVYF2PA"})
		require.NoError(t, err)
		assert.Equal(t, headers, asObject(encoded), "the shop sends these headers")
	}
	_, value := exampleOf(t, "changed", "created")
	const ofResults = 1 // "editions" is a field of a book in a result
	assert.Len(t, value.(map[string]any)["value"], len(bookSchema(t).Properties)-ofResults, "the example has every field of a book")

	headers, value := exampleOf(t, "tombstone", "tombstone")
	assert.Nil(t, value)
	assert.NoError(t, described(t, "tombstone", "headers").Validate(headers))
	assert.NoError(t, described(t, "tombstone", "payload").Validate(value))
	assert.NoError(t, headersSchema.Validate(headers))
	assert.Equal(t, []string{"/ required"}, complaints(t, described(t, "changed", "headers").Validate(headers)), "a tombstone is no change with a value")
	deleted, value := exampleOf(t, "changed", "deleted")
	assert.ElementsMatch(t, []string{"/ce_dataschema falseSchema", "/content-type falseSchema"}, complaints(t, described(t, "tombstone", "headers").Validate(deleted)))
	assert.Equal(t, []string{"/ type"}, complaints(t, described(t, "tombstone", "payload").Validate(value)))
}

func bookSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	return compile(t, "books.searched/1.json").Items2020
}

func decodeExample(t *testing.T, headers map[string]any, value any) *model.Change {
	t.Helper()
	var list []model.Header
	for name, text := range headers {
		list = append(list, model.Header{Key: name, Value: []byte(text.(string))})
	}
	content, err := json.Marshal(value)
	require.NoError(t, err)
	c, err := model.DecodeChange(headers["ce_subject"].(string), list, content)
	require.NoError(t, err)
	return c
}

func asObject(headers []model.Header) map[string]any {
	object := map[string]any{}
	for _, h := range headers {
		object[h.Key] = string(h.Value)
	}
	return object
}

func TestChangeHeadersThatAreRefused(t *testing.T) {
	schema := compile(t, "books.changed/1.headers.json")
	for _, m := range []mutation{
		{"no id", without("ce_id"), "/ required"},
		{"no version", without("ce_version"), "/ required"},
		{"no source", without("ce_source"), "/ required"},
		{"no subject", without("ce_subject"), "/ required"},
		{"no time", without("ce_time"), "/ required"},
		{"no schema, but a value", without("ce_dataschema"), "/ required"},
		{"no content type, but a value", without("content-type"), "/ required"},
		{"another version of CloudEvents", set("ce_specversion", "0.3"), "/ce_specversion const"},
		{"id with a time, UUIDv7", set("ce_id", "01996d2e-6a40-7c31-9f4b-3d6f1c9a8e20"), "/ce_id pattern"},
		{"a search", set("ce_type", model.SearchEventType), "/ce_type enum"},
		{"the type of the value", set("ce_type", "books.event.updated"), "/ce_type enum"},
		{"source of searches", set("ce_source", "/event-books/shop-1/8f14e45f-ceea-4e7a-9d6b-5a3c1f0b2d47"), "/ce_source pattern"},
		{"source without a restoring", set("ce_source", "/event-books/catalogue/K7PZ3QF2VXN4M5RTB6WYDHJ2LC"), "/ce_source pattern"},
		{"subject of no book", set("ce_subject", "0"), "/ce_subject pattern"},
		{"subject as a number", set("ce_subject", json.Number("7")), "/ce_subject type"},
		{"time in another zone", set("ce_time", "2026-11-21T08:24:59+01:00"), "/ce_time pattern"},
		{"time that never was", set("ce_time", "2026-13-21T07:24:59Z"), "/ce_time format"},
		{"version 0", set("ce_version", "0"), "/ce_version pattern"},
		{"negative version", set("ce_version", "-1"), "/ce_version pattern"},
		{"version with zeros", set("ce_version", "0042"), "/ce_version pattern"},
		{"version of 20 digits", set("ce_version", "10000000000000000000"), "/ce_version pattern"},
		{"schema of another version", set("ce_dataschema", base+"schemas/books.changed/2.json"), "/ce_dataschema const"},
		{"schema of searches", set("ce_dataschema", model.SearchEventSchema), "/ce_dataschema const"},
		{"content type with a charset", set("content-type", "application/json; charset=utf-8"), "/content-type const"},
	} {
		headers, _ := exampleOf(t, "changed", "updated")
		m.change(headers)
		assert.Equal(t, []string{m.want}, complaints(t, schema.Validate(headers)), m.name)
	}
	for _, fine := range []func(map[string]any){set("traceparent", "later"), set("ce_type", "com.literank.books.deleted")} {
		headers, _ := exampleOf(t, "changed", "updated")
		fine(headers)
		assert.NoError(t, schema.Validate(headers))
	}
	tombstone, _ := exampleOf(t, "tombstone", "tombstone")
	tombstone["ce_type"] = "com.literank.books.updated"
	assert.Equal(t, []string{"/ required"}, complaints(t, schema.Validate(tombstone)), "only a deletion has a tombstone")
}

func TestChangesThatAreRefused(t *testing.T) {
	schema := compile(t, "books.changed/1.json")
	book := func(change func(map[string]any)) func(map[string]any) {
		return func(m map[string]any) { change(m["value"].(map[string]any)) }
	}
	for _, m := range []mutation{
		{"no type", without("type"), "/ required"},
		{"no value", without("value"), "/ required"},
		{"no version", without("version"), "/ required"},
		{"unknown kind", set("type", "books.event.renamed"), "/type enum"},
		{"the type of the headers", set("type", "com.literank.books.updated"), "/type enum"},
		{"null as the book", set("value", nil), "/value type"},
		{"books as a list", set("value", []any{}), "/value type"},
		{"version 0", set("version", json.Number("0")), "/version minimum"},
		{"version as a text", set("version", "42"), "/version type"},
		{"part of a version", set("version", json.Number("4.2")), "/version type"},
		{"version beyond 2^63-1", set("version", json.Number("9223372036854775808")), "/version maximum"},
		{"id as a text", book(set("id", "7")), "/value/id type"},
		{"id of no book", book(set("id", json.Number("0"))), "/value/id minimum"},
		{"book without a title", book(without("title")), "/value required"},
		{"price as a number", book(set("price", json.Number("12.9"))), "/value/price type"},
		{"script as a link", book(set("buy_url", "javascript:alert(1)")), "/value/buy_url pattern"},
	} {
		for _, kind := range []string{"created", "updated"} {
			_, value := exampleOf(t, "changed", kind)
			m.change(value.(map[string]any))
			got := complaints(t, schema.Validate(value))
			for i := range got { // the id and the object are described twice
				assert.Equal(t, m.want, got[i], m.name)
			}
			assert.NotEmpty(t, got, m.name)
		}
	}
	for _, m := range []mutation{
		{"no id", book(without("id")), "/value required"},
		{"deletion as an update", set("type", "books.event.updated"), "/value required"},
		{"id alone", set("value", json.Number("7")), "/value type"},
	} {
		_, value := exampleOf(t, "changed", "deleted")
		m.change(value.(map[string]any))
		assert.Equal(t, []string{m.want}, complaints(t, schema.Validate(value)), m.name)
	}
	for name, value := range map[string]any{"null": nil, "a list": []any{}, "a text": strings.Repeat("x", 9)} {
		assert.Equal(t, []string{"/ type"}, complaints(t, schema.Validate(value)), name)
	}
	for _, fine := range []func(map[string]any){set("later", "x"), book(set("later", "x"))} {
		for _, kind := range []string{"created", "updated", "deleted"} {
			_, value := exampleOf(t, "changed", kind)
			fine(value.(map[string]any))
			assert.NoError(t, schema.Validate(value), "later versions may add fields")
		}
	}
}
