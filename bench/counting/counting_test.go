//go:build unix

package main

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
)

// The short form of the suite. TEST_CHAOS_SEED repeats the plan of a seed. Program and control
// have their own brokers and run side by side, because they mostly wait.
func TestEachEventIsCountedOnce(t *testing.T) {
	seed, err := testbed.SeedIn("TEST_CHAOS_SEED")
	require.NoError(t, err)
	t.Log("seed ", seed)
	for control, n := range map[string]size{
		"":        {kills: 6, rebalances: 2, faults: 2, slow: 0.2},
		forgetful: {kills: 1, slow: 0.2},
	} {
		t.Run(cmp.Or(control, embedded), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			program := filepath.Join(dir, "event-books")
			require.NoError(t, testbed.Build(t.Context(), program, control))
			var closers testbed.Closers
			defer func() { assert.NoError(t, closers.Close()) }()
			place, err := newEmbeddedStation(t.Context(), program, dir, &closers)
			require.NoError(t, err)
			place.clients, place.rate = 8, 60
			o, err := place.run(t.Context(), subject{cmp.Or(control, "program"), program, control != ""}, newPlan(seed, n, len(place.faults), place.processes()))
			if !assert.NoError(t, err) {
				printLogs(t, dir)
			}
			done := series{place.name, control != "", o}
			t.Log(done)
			assert.Empty(t, done.failures())
		})
	}
}

func printLogs(t *testing.T, dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.log"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		t.Logf("%s\n%s", file, text[max(0, len(text)-4096):])
	}
}
