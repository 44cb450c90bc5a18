package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
)

func TestTailShowsEachRecord(t *testing.T) {
	at := time.Date(2026, 7, 1, 10, 30, 0, 0, time.UTC)
	when := at.Local().Format(time.DateTime)
	for name, c := range map[string]struct {
		record     mq.Record
		line, json string
	}{
		"two books": {
			mq.Record{Partition: 2, Offset: 7, Key: "war", Time: at, Value: []byte(`[{"id":1,"title":"War"},{"id":2,"title":"Peace\u202e"}]`), Headers: []mq.Header{{Key: "ce_agent", Value: []byte("person")}}},
			when + `  war  2 books  War · Peace\u202e`,
			`{"position":{"partition":2,"offset":7},"key":"war","time":"2026-07-01T10:30:00Z","headers":{"ce_agent":"person"},"books":[{"id":1,"title":"War"},{"id":2,"title":"Peace\u202e"}]}`,
		},
		"one book": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[{"id":1,"title":"War"}]`)},
			when + `  war  1 book  War`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{},"books":[{"id":1,"title":"War"}]}`,
		},
		"nothing found": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[]`)},
			when + `  war  0 books`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{},"books":[]}`,
		},
		"no JSON": {
			mq.Record{Key: "war", Time: at, Value: []byte("a\x1b")},
			when + `  war  (not a search, 2 bytes: value: is not a JSON array)`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{},"books":"a\u001b"}`,
		},
		"another event": {
			mq.Record{Key: "war", Time: at, Value: []byte("[]"), Headers: []mq.Header{{Key: "ce_type", Value: []byte("x")}}},
			when + `  war  (not a search, 2 bytes: ce_type: must be com.literank.books.searched)`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{"ce_type":"x"},"books":[]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var line, asJSON bytes.Buffer
			require.NoError(t, printEvent(&line, &c.record))
			assert.Equal(t, c.line+"\n", line.String())
			require.NoError(t, printEventJSON(&asJSON, &c.record))
			assert.Equal(t, c.json+"\n", asJSON.String())
		})
	}
}
