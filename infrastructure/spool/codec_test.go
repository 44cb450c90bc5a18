package spool

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
)

const exampleKey, exampleValue = "Ёж 🍕", `[{"id":1}]`

func exampleHeaders() []mq.Header {
	return []mq.Header{
		{Key: "ce_id", Value: []byte("0198c0de-0000-7000-8000-000000000001")},
		{Key: "ce_time", Value: []byte(time.Date(2026, 3, 1, 12, 30, 0, 123_456_789, time.UTC).Format(time.RFC3339Nano))},
		{Key: "empty"},
	}
}

// encodedExample is the example as the spool keeps it.
func encodedExample(source string, sequence uint64) []byte {
	head := appendHead(nil, source, exampleKey, exampleHeaders())
	setSequence(head, sequence)
	return append(head, exampleValue...)
}

// The golden file has the format of version 1, which every later version must read.
func TestFormatOfASpooledEvent(t *testing.T) {
	golden := filepath.Join("testdata", "event-v1.hex")
	got := encodedExample("/event-books/test/1", 258)
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(want)), hex.EncodeToString(got))

	for _, keys := range []headerKeys{nil, {}} {
		decoded, err := decodeEvent(got, keys)
		require.NoError(t, err)
		assert.Equal(t, exampleKey, decoded.Key)
		assert.Equal(t, exampleValue, string(decoded.Value))
		assert.Equal(t, "/event-books/test/1", decoded.source)
		assert.EqualValues(t, 258, decoded.sequence)
		assert.True(t, time.Date(2026, 3, 1, 12, 30, 0, 123_456_789, time.UTC).Equal(decoded.Time))
		want := mq.AppendSource(exampleHeaders(), "/event-books/test/1", 258)
		require.Len(t, decoded.Headers, len(want))
		for i, h := range want {
			assert.Equal(t, h.Key, decoded.Headers[i].Key)
			assert.Equal(t, string(h.Value), string(decoded.Headers[i].Value))
		}
		assert.Equal(t, "00000000000000000258", string(decoded.Headers[len(decoded.Headers)-1].Value))
	}
}

func TestCutOffEventIsAnError(t *testing.T) {
	whole := encodedExample("s", 1)
	for n := range len(whole) - len(exampleValue) {
		_, err := decodeEvent(whole[:n], nil)
		assert.Error(t, err, n)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(encodedExample("s", 1))
	f.Add([]byte{eventVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEvent(b, headerKeys{})
		if err == nil && e.Size() > 100*len(b)+1000 {
			t.Errorf("%d bytes give an event of %d", len(b), e.Size())
		}
	})
}
