//go:build unix

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWaitIsPrinted(t *testing.T) {
	for want, o := range map[string]outcome{
		"0.00 s":         {},
		"1.02 s":         {slowest: 1024 * time.Millisecond},
		"9.99 s":         {slowest: 9990 * time.Millisecond},
		"61 s":           {slowest: 61_200 * time.Millisecond},
		"119 s":          {slowest: 119 * time.Second},
		"> 120 s":        {slowest: searchBound},
		"does not start": {notStarted: true, slowest: time.Second},
	} {
		assert.Equal(t, want, o.wait())
	}
	assert.Equal(t, "> 120 s", outcome{slowest: searchBound + 3*time.Second}.wait())
}

func TestTableHasEachNumberInItsColumn(t *testing.T) {
	lines := strings.Split(table([]row{
		{weather: "frozen", tutorial: outcome{slowest: searchBound, answered: 1, arrived: 2, copies: 3}, ours: outcome{slowest: time.Second, answered: 4, arrived: 5, unconfirmed: 6, lost: 7}},
		{weather: "absent", tutorial: outcome{notStarted: true}},
	}), "\n")
	require.Len(t, lines, 5)
	assert.Equal(t, "| frozen | > 120 s | 1 of 8 | 2 of 8, and 3 copies | 1.00 s | 4 of 8 | 5 of 8 | 6 | 7 |", lines[2])
	assert.Equal(t, "| absent | does not start | 0 of 8 | 0 of 8 | 0.00 s | 0 of 8 | 0 of 8 | 0 | 0 |", lines[3])
	for _, line := range lines[:4] {
		assert.Equal(t, strings.Count(lines[0], "|"), strings.Count(line, "|"), line)
	}
}

func TestBrokenPromisesAreSeen(t *testing.T) {
	kept := outcome{slowest: time.Second, answered: searches, arrived: searches}
	assert.Empty(t, kept.broken())
	for what, spoil := range map[string]func(*outcome){
		"a search takes longer":       func(o *outcome) { o.slowest = aSecond + 1 },
		"a search is not answered":    func(o *outcome) { o.answered-- },
		"an event is missing":         func(o *outcome) { o.arrived-- },
		"an event is counted as lost": func(o *outcome) { o.lost++ },
	} {
		o := kept
		spoil(&o)
		assert.Len(t, o.broken(), 1, what)
	}
}
