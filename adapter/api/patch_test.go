package api

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// mergePatch is RFC 7396 in its own words, on decoded JSON.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = mergePatch(merged[name], value)
		}
	}
	return merged
}

// A patch that is accepted makes what RFC 7396 makes.
func FuzzPatch(f *testing.F) {
	f.Add(`{"title": "U", "subjects": ["c"], "stock": null}`)
	f.Add(`{"price": null, "subjects": [], "stock": 4, "availability": "to_order"}`)
	f.Add(`{"subjects": null, "author": "", "id": 7, "created_at": "2024-02-29T12:00:00Z"}`)
	f.Add(`{"title": {"a": null}}`)
	f.Add(`[null]`)
	f.Fuzz(func(t *testing.T, body string) {
		stock := 3
		book := &model.Book{
			ID: 7, Title: "T", Author: "A", PublishedAt: "1900", CreatedAt: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
			Subjects: []string{"a", "b"}, Price: "1.00", Stock: &stock, Availability: model.InStock,
		}
		before, err := json.Marshal(book)
		require.NoError(t, err)
		p := patch(body)
		if p.applyTo(&model.Book{}) != nil {
			return
		}
		patched, err := p.apply(book)
		if err != nil {
			return
		}
		var target, changes any
		require.NoError(t, json.Unmarshal(before, &target))
		require.NoError(t, json.Unmarshal([]byte(body), &changes), "what is accepted is JSON")
		merged, err := json.Marshal(mergePatch(target, changes))
		require.NoError(t, err)
		var want model.Book
		if json.Unmarshal(merged, &want) != nil {
			return // such as 3.0 for a whole number, which this library doesn't take
		}
		expected, err := json.Marshal(want)
		require.NoError(t, err)
		got, err := json.Marshal(patched)
		require.NoError(t, err)
		assert.Equal(t, string(expected), string(got))
	})
}
