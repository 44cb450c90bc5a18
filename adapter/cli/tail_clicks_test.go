package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

func TestTailShowsClicks(t *testing.T) {
	at := time.Date(2026, 7, 1, 10, 30, 0, 0, time.UTC)
	search := uuid.NewString()
	click := func(change func(*model.ClickEvent)) *mq.Record {
		e := &model.ClickEvent{
			ID: model.ClickID(search, 7), Time: at, SearchID: search, SearchTime: at, Keyword: "moon\u202e", Surface: model.PageSurface,
			Agent: model.PersonAgent, Book: 7, Ordinal: 2,
		}
		change(e)
		value, headers, err := e.Encode()
		require.NoError(t, err)
		return &mq.Record{Key: e.Key(), Value: value, Headers: headers, Time: at}
	}
	plain := click(func(*model.ClickEvent) {})
	erased := &model.VisitorErasedEvent{ID: uuid.NewString(), Time: at, Visitor: "5d41402abc4b2a76"}
	value, own, err := erased.Encode()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		record     *mq.Record
		line, json string
	}{
		"click":    {plain, `person   moon\u202e  book 7, place 2`, `"event":{"action_name":"click","query_id":"` + search + `"`},
		"demo":     {click(func(e *model.ClickEvent) { e.Surface = model.DemoSurface }), `demo     moon\u202e  book 7, place 2`, `"ce_surface":"demo"`},
		"erasure":  {&mq.Record{Key: erased.Key(), Value: value, Headers: own, Time: at}, "forget   visitor 5d41402abc4b2a76", `"event":{"visitor":"5d41402abc4b2a76"}`},
		"foreign":  {&mq.Record{Key: search, Value: []byte("no"), Time: at}, search + "  (not a click, 2 bytes: ce_searchtime: is missing)", `"event":"no"`},
		"no value": {&mq.Record{Key: search, Time: at}, search + "  (not a click, 0 bytes: ce_searchtime: is missing)", `"event":null`},
	} {
		var line, asJSON bytes.Buffer
		require.NoError(t, clickPrinter(false)(&line, c.record), name)
		assert.Equal(t, at.Local().Format(time.DateTime)+"  "+c.line+"\n", line.String(), name)
		require.NoError(t, clickPrinter(true)(&asJSON, c.record), name)
		assert.Contains(t, asJSON.String(), c.json, name)
		assert.Contains(t, asJSON.String(), `"key":"`+c.record.Key+`"`, name)
		assert.NotContains(t, asJSON.String(), `"copy"`, name)
	}

	// A book that is opened twice makes two events; a copy has the same sequence.
	sent := func(sequence string) *mq.Record {
		r := *plain
		r.Headers = append(headers("ce_source", "/event-books/shop/1/clicks", "ce_sequence", sequence), plain.Headers...)
		return &r
	}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		show := clickPrinter(asJSON)
		for _, sequence := range []string{"1", "2", "1"} {
			require.NoError(t, show(&out, sent(sequence)))
		}
		lines := strings.Split(out.String(), "\n")
		mark := map[bool]string{false: ", a copy", true: `"copy":true`}[asJSON]
		assert.NotContains(t, lines[0]+lines[1], mark)
		assert.Contains(t, lines[2], mark)
	}
}
