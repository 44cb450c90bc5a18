package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/counting"
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
			when + `  person   war  2 found  War · Peace\u202e`,
			`{"position":{"partition":2,"offset":7},"key":"war","time":"2026-07-01T10:30:00Z","headers":{"ce_agent":"person"},"books":[{"id":1,"title":"War"},{"id":2,"title":"Peace\u202e"}]}`,
		},
		"one book": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[{"id":1,"title":"War"}]`)},
			when + `  unknown  war  1 found  War`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{},"books":[{"id":1,"title":"War"}]}`,
		},
		"nothing found": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[]`)},
			when + `  unknown  war  0 found`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{},"books":[]}`,
		},
		"a later page": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[{"id":1,"title":"War"}]`), Headers: headers("ce_agent", "bot", "ce_totalhits", "41", "ce_offset", "40")},
			when + `  bot      war  41 found, from 41  War`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{"ce_agent":"bot","ce_offset":"40","ce_totalhits":"41"},"books":[{"id":1,"title":"War"}]}`,
		},
		"past the end, simulated": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[]`), Headers: headers("ce_agent", "person", "ce_surface", "demo", "ce_totalhits", "41", "ce_offset", "60")},
			when + `  demo     war  41 found, from 61`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{"ce_agent":"person","ce_offset":"60","ce_surface":"demo","ce_totalhits":"41"},"books":[]}`,
		},
		"corrected": {
			mq.Record{Key: "wra", Time: at, Value: []byte(`[{"id":1,"title":"War"}]`), Headers: headers("ce_match", "corrected", "ce_servedquery", "war", "ce_totalhits", "0")},
			when + `  unknown  wra  0 found, shown: war  War`,
			`{"position":{"partition":0,"offset":0},"key":"wra","time":"2026-07-01T10:30:00Z","headers":{"ce_match":"corrected","ce_servedquery":"war","ce_totalhits":"0"},"books":[{"id":1,"title":"War"}]}`,
		},
		"a later version": {
			mq.Record{Key: "war", Time: at, Value: []byte(`[{"id":1,"title":"War"}]`), Headers: headers("ce_agent", "android")},
			when + `  unknown  war  1 found  War`,
			`{"position":{"partition":0,"offset":0},"key":"war","time":"2026-07-01T10:30:00Z","headers":{"ce_agent":"android"},"books":[{"id":1,"title":"War"}]}`,
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
			require.NoError(t, printEvent(&line, &c.record, false))
			assert.Equal(t, c.line+"\n", line.String())
			require.NoError(t, printEventJSON(&asJSON, &c.record, false))
			assert.Equal(t, c.json+"\n", asJSON.String())
		})
	}
}

func TestTailMarksCopies(t *testing.T) {
	record := func(partition int32, source, sequence string) *mq.Record {
		return &mq.Record{Partition: partition, Key: "war", Value: []byte("[]"), Headers: headers("ce_source", source, "ce_sequence", sequence)}
	}
	var copies counting.Copies
	for i, c := range []struct {
		record *mq.Record
		want   bool
	}{
		{record(0, "shop", "1"), false}, {record(0, "shop", "2"), false}, {record(0, "shop", "1"), true},
		{record(1, "shop", "1"), false}, {record(0, "other", "1"), false},
		{&mq.Record{Key: "war", Value: []byte("[]")}, false}, {&mq.Record{Key: "war", Value: []byte("[]")}, false},
		{&mq.Record{Key: "war", Value: []byte("?")}, false},
	} {
		assert.Equal(t, c.want, isCopy(&copies, c.record), i)
	}
	var line, asJSON bytes.Buffer
	require.NoError(t, printEvent(&line, record(0, "shop", "1"), true))
	assert.Contains(t, line.String(), "war  0 found, a copy\n")
	require.NoError(t, printEventJSON(&asJSON, record(0, "shop", "1"), true))
	assert.Contains(t, asJSON.String(), `,"books":[],"copy":true}`)
}

// headers returns headers from pairs of key and value.
func headers(pairs ...string) (list []mq.Header) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, mq.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}
