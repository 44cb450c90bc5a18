//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGauge(t *testing.T) {
	for text, want := range map[string]int{
		"# HELP event_books_spool_records waiting\n# TYPE event_books_spool_records gauge\nevent_books_spool_records 12345\n": 12345,
		"event_books_spool_records_total 3\nevent_books_spool_records{topic=\"a\"} 1.2e+04\n":                                 12000,
	} {
		n, err := gauge(strings.NewReader(text), spoolRecords)
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	_, err := gauge(strings.NewReader("event_books_spool_records_total 3\n"), spoolRecords)
	assert.ErrorContains(t, err, spoolRecords)
}

func TestWhereTheMetricsAre(t *testing.T) {
	const log = `{"level":"INFO","msg":"starting"}` + "\n" + `{"msg":"listening","url":"http://127.0.0.1:8080","ops":"127.0.0.1:8081"}` + "\n"
	assert.Equal(t, "127.0.0.1:8081", opsAddress(log))
	assert.Equal(t, "127.0.0.1:8081", opsAddress(strings.ReplaceAll(log, `"127.0.0.1:8081"`, `"http://127.0.0.1:8081"`)))
	assert.Empty(t, opsAddress("plain text\n"))
}

// One search at a time for each keyword needs different keywords.
func TestKeywords(t *testing.T) {
	keywords, err := keywordsOf(100)
	require.NoError(t, err)
	different := map[string]bool{}
	for _, keyword := range keywords {
		different[keyword] = true
	}
	assert.Len(t, different, 100)
}
