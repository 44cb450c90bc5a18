//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
)

// The short form of the suite. TEST_CHAOS_SEED repeats the plan of a seed. The legs
// have their own brokers and run side by side, because they mostly wait.
func TestNothingAnsweredIsLost(t *testing.T) {
	seed, err := testbed.SeedIn("TEST_CHAOS_SEED")
	require.NoError(t, err)
	t.Log("seed ", seed)
	program := filepath.Join(t.TempDir(), "event-books")
	require.NoError(t, testbed.Build(t.Context(), program, ""))

	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		place := embeddedStation(t, program)
		o := runShort(t, place, program, shortPlan(seed, 3, 2, place.faults))
		assert.GreaterOrEqual(t, o.piled, 2)
	})
	t.Run("embedded, control: spool bypassed", func(t *testing.T) {
		t.Parallel()
		weak := filepath.Join(t.TempDir(), "event-books")
		require.NoError(t, testbed.Build(t.Context(), weak, bypass))
		place := embeddedStation(t, program)
		// Without the spool, a search waits for Kafka for about a second. 100 losses
		// take a few seconds and show as much as 500.
		place.backlog = 100
		o, err := place.run(t.Context(), subject{bypass, weak, bypass}, shortPlan(seed, 1, 1, place.faults))
		require.NoError(t, err)
		assert.Empty(t, row{control: bypass, runs: []outcome{o}}.failures())
	})
	t.Run("Kafka", func(t *testing.T) {
		t.Parallel()
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		place := shortStation(t)
		place.brokers = strings.Split(brokers, ",")
		place.direct = place.brokers
		// Other tests use this Kafka, too, so the other faults are out.
		place.faults = []fault{morePartitions(func(use func(sarama.ClusterAdmin) error) error {
			return testbed.WithAdmin(place.direct, use)
		})}
		runShort(t, place, program, shortPlan(seed, 3, 1, place.faults))
	})
}

// embeddedStation is a station with its own embedded broker.
func embeddedStation(t *testing.T, program string) *station {
	place := shortStation(t)
	embedded, err := testbed.NewEmbeddedBroker(program, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, embedded.Close())
		if t.Failed() {
			t.Logf("the broker:\n%s", embedded.Log())
		}
	})
	require.NoError(t, embedded.Start(t.Context()))
	place.brokers, place.direct = []string{embedded.Front}, []string{embedded.Front}
	swallow := func(on bool) func() error {
		return func() error { embedded.Swallow(on); return nil }
	}
	place.faults = []fault{
		simple("killed", true, embedded.Kill, embedded.Start),
		simple("black-holed", true, swallow(true), atOnce(swallow(false))),
	}
	return place
}

func shortStation(t *testing.T) *station {
	keywords, err := keywordsOf(40)
	require.NoError(t, err)
	return &station{keywords: keywords, clients: 24, rate: 400, least: 20, backlog: 500, drain: time.Minute, quiet: 5 * time.Second, dir: t.TempDir()}
}

// shortPlan halves the durations of a plan.
func shortPlan(seed uint64, kills, faults int, known []fault) *plan {
	p := newPlan(seed, kills, faults, 0, known)
	for i := range p.rounds {
		r := &p.rounds[i]
		r.calm, r.hold = r.calm/2, r.hold/2
		for _, kills := range [][]kill{r.before, r.during, r.after} {
			for i := range kills {
				kills[i].pause /= 2
			}
		}
	}
	return p
}

func runShort(t *testing.T, place *station, program string, p *plan) outcome {
	t.Helper()
	o, err := place.run(t.Context(), subject{"spool", program, ""}, p)
	if !assert.NoError(t, err) {
		logs, _ := os.ReadFile(filepath.Join(place.dir, fmt.Sprintf("spool-%d", p.seed), "shop.log"))
		t.Fatalf("%s", logs)
	}
	t.Log(o)
	assert.Empty(t, row{runs: []outcome{o}}.failures())
	return o
}
