//go:build unix

package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
)

// The short form of the crash suite, on the servers of the tests. Others use that Kafka, too,
// so it isn't stopped. TEST_CHANGES_SEED repeats the plan of a seed.
func TestAllCopiesAgree(t *testing.T) {
	server, brokers := os.Getenv("TEST_MARIADB_DSN"), os.Getenv("TEST_KAFKA_BROKERS")
	if server == "" || brokers == "" {
		t.Skip("TEST_MARIADB_DSN names no MariaDB server, or TEST_KAFKA_BROKERS no Apache Kafka")
	}
	seed, err := testbed.SeedIn("TEST_CHANGES_SEED")
	require.NoError(t, err)
	t.Log("seed ", seed)
	for _, control := range []string{"", outside, unversioned} {
		t.Run(cmp.Or(control, product), func(t *testing.T) {
			place := &station{server: server, brokers: strings.Split(brokers, ","), dir: t.TempDir(), rate: 60, rows: 500, built: map[string]bool{}}
			name, kills, settle := cmp.Or(control, product), 5, settleTime
			if control != "" {
				kills, settle = 3, controlTime/2
			}
			program, err := place.build(t.Context(), control)
			require.NoError(t, err)
			o, err := place.crash(t.Context(), name, program, newPlan(seed, kills, 0), settle)
			if !assert.NoError(t, err) {
				logs, _ := filepath.Glob(filepath.Join(place.dir, "*", "shop.log"))
				for _, file := range logs {
					text, _ := os.ReadFile(file)
					t.Logf("%s\n%s", file, text[max(0, len(text)-4096):])
				}
				t.FailNow()
			}
			t.Log(o)
			assert.Empty(t, row{name, o}.failures())
		})
	}
}

// The figures are about the queries of the program.
func TestQueriesAreThoseOfTheSweep(t *testing.T) {
	code, err := os.ReadFile("../../infrastructure/database/known_books.go")
	require.NoError(t, err)
	for _, query := range []string{sumsQuery, deletedQuery, addedQuery} {
		assert.Contains(t, string(code), query)
	}
}
