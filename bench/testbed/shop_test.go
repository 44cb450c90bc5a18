//go:build unix

package testbed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGauge(t *testing.T) {
	const spoolRecords = "event_books_spool_records"
	for text, want := range map[string]int{
		"# HELP event_books_spool_records waiting\n# TYPE event_books_spool_records gauge\nevent_books_spool_records 12345\n": 12345,
		"event_books_spool_records{spool=\"clicks\"} 3\nevent_books_spool_records{spool=\"searches\"} 4\n":                    7,
		"event_books_spool_records_total 3\nevent_books_spool_records{topic=\"a\"} 1.2e+04\n":                                 12000,
	} {
		n, err := gauge(strings.NewReader(text), spoolRecords)
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	_, err := gauge(strings.NewReader("event_books_spool_records_total 3\n"), spoolRecords)
	assert.ErrorContains(t, err, spoolRecords)
}
