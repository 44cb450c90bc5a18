package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	i := &items{numbers: map[string]uint{}}
	all, err := i.parse(strings.NewReader("session,item,time\nb,x,2026-01-02T00:00:05Z\na,y,1767225600\nb,y,2026-01-02T00:00:00Z\nb,x,2026-01-02T00:00:09Z\na,x,1767225601000\n"))
	require.NoError(t, err)
	require.Len(t, all, 2)
	x, y := i.numbers["x"], i.numbers["y"]
	assert.Equal(t, []string{"a", "b"}, []string{all[0].name, all[1].name}, "by their begins")
	assert.Equal(t, []uint{y, x}, all[0].items)
	assert.Equal(t, []uint{y, x}, all[1].items, "in order, each once")
	for _, wrong := range []string{"session,item,time\na,x,1\na,x,yesterday\n", "a,x\n", `"`} {
		_, err := i.parse(strings.NewReader(wrong))
		assert.Error(t, err, wrong)
	}
	i.asTheyAre = true
	_, err = i.parse(strings.NewReader("a,Dune,1\n"))
	assert.ErrorContains(t, err, "line 1")
}

// In these sessions the item after 2n is always 2n+1, and all items are equally popular.
func TestTable(t *testing.T) {
	var lines strings.Builder
	for session := range 1000 {
		for place := range 2 {
			fmt.Fprintf(&lines, "%d,%d,%d\n", session, session%100*2+place, 1767225600+session*60+place)
		}
	}
	file := filepath.Join(t.TempDir(), "sessions.csv")
	require.NoError(t, os.WriteFile(file, []byte(lines.String()), 0o600))
	i := &items{numbers: map[string]uint{}}
	train, test, err := i.read(options{sessions: file, share: 0.1})
	require.NoError(t, err)
	assert.Len(t, train, 900)
	assert.Len(t, test, 100)
	assert.True(t, train[899].begin.Before(test[0].begin), "whole sessions, split by time")
	fewer, last, err := i.read(options{sessions: file, share: 0.1, validate: true})
	require.NoError(t, err)
	assert.Equal(t, train[:810], fewer)
	assert.Equal(t, train[810:], last, "the test is left out")

	j := &judge{train: train, test: test}
	var table strings.Builder
	require.NoError(t, j.table(t.Context(), &table))
	assert.Equal(t, 100, j.predictions)
	assert.Contains(t, table.String(), "| content off, threshold off | 1.0000 | 1.0000 |")
	assert.Contains(t, table.String(), "| content off, threshold on | 1.0000 | 1.0000 |")
	assert.Contains(t, table.String(), "| most popular | 0.1", "it lists twenty of two hundred")

	twice := &judge{train: train[:200], test: test}
	table.Reset()
	require.NoError(t, twice.table(t.Context(), &table))
	assert.Contains(t, table.String(), "| content off, threshold off | 1.0000 | 1.0000 |")
	assert.NotContains(t, table.String(), "| content off, threshold on | 1.0000 |", "two sessions are too few to be shown")
}

func TestLeaveOneOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shelves.csv")
	require.NoError(t, os.WriteFile(file, []byte("a,1,1\na,2,2\na,3,3\nb,1,1\nb,3,2\nc,2,1\n"), 0o600))
	i := &items{numbers: map[string]uint{}}
	train, test, err := i.read(options{sessions: file, leaveOne: true})
	require.NoError(t, err)
	one, two, three := i.numbers["1"], i.numbers["2"], i.numbers["3"]
	assert.Equal(t, [][]uint{{one, two}, {one}, {}}, [][]uint{train[0].items, train[1].items, train[2].items})
	assert.Equal(t, [][]uint{{one, two, three}, {one, three}, {two}}, [][]uint{test[0].items, test[1].items, test[2].items})
	j := &judge{train: train, test: test, onlyLast: true}
	require.NoError(t, j.table(t.Context(), io.Discard))
	assert.Equal(t, []int{0, 2}, []int{j.predictions, j.unknown}, "nobody has opened item 3 in what is counted")
}
