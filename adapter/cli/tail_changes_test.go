package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

func TestPrintChange(t *testing.T) {
	at := time.Date(2026, 7, 1, 10, 30, 0, 0, time.UTC)
	record := func(c model.Change) *mq.Record {
		value, headers, err := c.Encode(model.Generation{Database: "d", Restored: "r"})
		require.NoError(t, err)
		return &mq.Record{Key: c.Key(), Value: value, Headers: headers, Time: at}
	}
	deleted := model.Change{BookID: 7, Version: 9, Kind: model.BookDeleted, Time: at}
	for name, c := range map[string]struct {
		record     *mq.Record
		want, json string
	}{
		"created": {
			record(model.Change{BookID: 7, Version: 3, Kind: model.BookCreated, Time: at, Book: &model.Book{ID: 7, Title: "Sea\x1b", Author: "A"}}),
			`created    book 7  version 3  Sea\x1b · A`, `"type":"books.event.created"`,
		},
		"without author": {
			record(model.Change{BookID: 7, Version: 4, Kind: model.BookUpdated, Time: at, Book: &model.Book{ID: 7, Title: "Sea"}}),
			"updated    book 7  version 4  Sea", `"version":4`,
		},
		"deleted":   {record(deleted), "deleted    book 7  version 9", `"value":{"id":7}`},
		"tombstone": {&mq.Record{Key: "7", Headers: deleted.Tombstone(model.Generation{}), Time: at}, "tombstone  book 7  version 9", `"change":null`},
		"foreign":   {&mq.Record{Key: "x", Value: []byte("no"), Time: at}, `x  (not a change, 2 bytes: key: must be the id of a book)`, `"change":"no"`},
	} {
		var line, asJSON bytes.Buffer
		require.NoError(t, printChange(&line, c.record), name)
		assert.Equal(t, at.Local().Format(time.DateTime)+"  "+c.want+"\n", line.String(), name)
		require.NoError(t, printChangeJSON(&asJSON, c.record), name)
		assert.True(t, json.Valid(asJSON.Bytes()), name)
		assert.Contains(t, asJSON.String(), c.json, name)
		assert.Contains(t, asJSON.String(), `"key":"`, name)
	}
}
