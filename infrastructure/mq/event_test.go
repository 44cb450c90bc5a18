package mq

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const exampleKey, exampleValue = "Ёж 🍕", `[{"id":1}]`

func exampleHeaders() []Header {
	return []Header{
		{Key: "ce_id", Value: []byte("0198c0de-0000-7000-8000-000000000001")},
		{Key: "ce_time", Value: []byte(time.Date(2026, 3, 1, 12, 30, 0, 123_456_789, time.UTC).Format(time.RFC3339Nano))},
		{Key: "empty"},
	}
}

func exampleEvent() *event { return newEvent(exampleKey, []byte(exampleValue), exampleHeaders()) }

// encodedExample is the example as the spool keeps it.
func encodedExample(source string, sequence uint64) []byte {
	head := appendHead(nil, source, exampleKey, exampleHeaders())
	setSequence(head, sequence)
	return append(head, exampleValue...)
}

// The file is what version 1 writes: a later program has to read it.
func TestFormatOfASpooledEvent(t *testing.T) {
	golden := filepath.Join("testdata", "event-v1.hex")
	got := encodedExample("/event-books/test/1", 258)
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(want)), hex.EncodeToString(got))

	decoded, err := decodeEvent(got)
	require.NoError(t, err)
	whole := exampleEvent()
	whole.number("/event-books/test/1", 258)
	assert.Equal(t, whole.key, decoded.key)
	assert.Equal(t, whole.value, decoded.value)
	assert.Equal(t, whole.source, decoded.source)
	assert.Equal(t, whole.sequence, decoded.sequence)
	assert.True(t, whole.time.Equal(decoded.time))
	require.Len(t, decoded.headers, len(whole.headers))
	for i, h := range whole.headers {
		assert.Equal(t, string(h.Key), string(decoded.headers[i].Key))
		assert.Equal(t, string(h.Value), string(decoded.headers[i].Value))
	}
	assert.Equal(t, "00000000000000000258", string(decoded.headers[len(decoded.headers)-1].Value))
}

func TestCutOffEventIsAnError(t *testing.T) {
	whole := encodedExample("s", 1)
	for n := range len(whole) - len(exampleEvent().value) {
		_, err := decodeEvent(whole[:n])
		assert.Error(t, err, n)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(encodedExample("s", 1))
	f.Add([]byte{eventVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEvent(b)
		if err == nil && e.size() > 100*len(b)+1000 {
			t.Errorf("%d bytes give an event of %d", len(b), e.size())
		}
	})
}

// The size decides about batches: it must not be less than what sarama counts.
func TestSizeIsThatOfTheRecord(t *testing.T) {
	e := exampleEvent()
	e.number("/event-books/test/1", 258)
	message := e.message("t", 0)
	assert.GreaterOrEqual(t, e.size(), message.ByteSize(2))
	assert.Less(t, e.size(), message.ByteSize(2)+100)
}
