//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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
	seed := 1 + rand.Uint64N(1_000_000)
	if text := os.Getenv("TEST_CHAOS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
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
	embedded := startEmbedded(t, program)
	place.brokers, place.direct = embedded.front, embedded.front
	place.faults = []fault{
		simple("killed", true, embedded.kill, embedded.start),
		simple("black-holed", true, embedded.swallow(true), atOnce(embedded.swallow(false))),
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

// embedded is the program's broker in a separate process behind a forwarder.
type embedded struct {
	program, dir, address string
	front                 []string
	forwarder             *testbed.Forwarder
	process               *testbed.Process
	printed               *testbed.Output
}

func startEmbedded(t *testing.T, program string) *embedded {
	e := &embedded{program: program, dir: t.TempDir(), address: freeAddress(t)}
	var err error
	e.forwarder, err = testbed.NewForwarder("127.0.0.1:0", e.address)
	require.NoError(t, err)
	t.Cleanup(func() { e.forwarder.Close() })
	e.front = []string{e.forwarder.Addr().String()}
	require.NoError(t, e.start(t.Context()))
	t.Cleanup(func() {
		assert.NoError(t, e.kill())
		if t.Failed() {
			t.Logf("the broker:\n%s", e.printed)
		}
	})
	return e
}

// freeAddress returns an address with a port below the range from which systems
// choose, so no other program gets it while the broker is down.
func freeAddress(t *testing.T) string {
	for range 100 {
		address := local(10_000 + rand.IntN(20_000))
		if free, err := net.Listen("tcp", address); err == nil {
			require.NoError(t, free.Close())
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (e *embedded) start(ctx context.Context) (err error) {
	command := exec.Command(e.program, "broker")
	command.Dir = e.dir
	command.Env = append(os.Environ(), "EVENT_BOOKS_MQ_LISTEN="+e.address, "EVENT_BOOKS_MQ_ADVERTISE="+e.front[0])
	e.printed = &testbed.Output{}
	command.Stdout, command.Stderr = e.printed, e.printed
	if e.process, err = testbed.Run(command); err != nil {
		return err
	}
	return testbed.Eventually(ctx, time.Minute, func() error {
		if e.process.Ended() {
			return fmt.Errorf("%w\n%s", testbed.ErrEnded, e.printed)
		}
		conn, err := net.Dial("tcp", e.address)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

func (e *embedded) kill() error { return e.process.End(syscall.SIGKILL) }

func (e *embedded) swallow(on bool) func() error {
	return func() error { e.forwarder.Swallow(on); return nil }
}
