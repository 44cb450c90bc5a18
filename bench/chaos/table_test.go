//go:build unix

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableAddsUpTheRuns(t *testing.T) {
	first := outcome{faults: 1, kills: 2, piled: 1, uptime: 2 * time.Second, drained: 3 * time.Second,
		took: []time.Duration{time.Second, 40 * time.Millisecond}, verdict: verdict{answered: 100, found: 98, lost: 2, copies: 7, violations: 5}}
	second := outcome{faults: 10, kills: 20, piled: 10, uptime: 2 * time.Second, drained: 8 * time.Second,
		took: []time.Duration{2350 * time.Millisecond}, verdict: verdict{answered: 900, found: 900, copies: 70}}
	lines := strings.Split(table([]row{{name: "spool", runs: []outcome{first, second}}, {name: "nothing"}}, 10_000), "\n")
	require.Len(t, lines, 5)
	assert.Equal(t, "| spool | 2 | 22 | 11 | 11 | 1000 | 998 | 2 | 77 | 5 | 2.35 s | 2350 ms | 250 | 8 s |", lines[2])
	assert.Equal(t, "| nothing | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0.00 s | 0 ms | 0 | 0 s |", lines[3])
	for _, line := range lines[:4] {
		assert.Equal(t, strings.Count(lines[0], "|"), strings.Count(line, "|"), line)
	}
}

func TestWhatFailsTheSuite(t *testing.T) {
	for name, test := range map[string]struct {
		control string
		outcome
		fails bool
	}{
		"no problem":                       {"", outcome{verdict: verdict{answered: 9, found: 9, copies: 3, extra: 1}}, false},
		"a loss":                           {"", outcome{verdict: verdict{lost: 1}}, true},
		"a violation":                      {"", outcome{verdict: verdict{violations: 1}}, true},
		"a wrong record":                   {"", outcome{verdict: verdict{broken: 1}}, true},
		"a search not answered":            {"", outcome{refused: map[string]int{"503": 1}}, true},
		"bypass detected":                  {bypass, outcome{verdict: verdict{lost: 1, violations: 1}}, false},
		"bypass not detected":              {bypass, outcome{verdict: verdict{violations: 1}}, true},
		"disorder detected":                {order, outcome{verdict: verdict{lost: 1, violations: 1}}, false},
		"disorder not detected":            {order, outcome{verdict: verdict{lost: 1}}, true},
		"a control may have wrong records": {order, outcome{verdict: verdict{violations: 1, broken: 1}}, false},
	} {
		assert.Equal(t, test.fails, len(row{control: test.control, runs: []outcome{test.outcome}}.failures()) > 0, name)
	}
}

func TestTooLittleLoadFailsTheSuite(t *testing.T) {
	enough := outcome{kills: 5, piled: 3, uptime: 10 * time.Second, verdict: verdict{answered: 2000}}
	assert.Empty(t, row{runs: []outcome{enough}}.shortcomings())
	spoilt := enough
	spoilt.piled--
	assert.Len(t, row{runs: []outcome{spoilt}}.shortcomings(), 1)
	spoilt = enough
	spoilt.answered--
	assert.Len(t, row{runs: []outcome{spoilt}}.shortcomings(), 1)
}

func TestPercentile(t *testing.T) {
	var durations []time.Duration
	for i := range 200 {
		durations = append(durations, time.Duration(i+1))
	}
	assert.EqualValues(t, 199, percentile(durations, 0.99))
	assert.EqualValues(t, 200, percentile(durations, 1))
	assert.Zero(t, percentile(nil, 0.99))
}
