package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/mq"
)

// scripted is a broker in memory that takes a few events at a time and answers as
// a test says.
type scripted struct {
	mu         sync.Mutex
	partitions int32
	failures   int               // attempts that fail
	growth     int32             // partitions that each failure adds
	poison     map[string]string // value → why it is rejected
	got        []string          // values in the order of their acknowledgement
	counts     []int32           // partition counts of the attempts
}

func (s *scripted) Partitions(context.Context) (int32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partitions, nil
}

func (s *scripted) Deliver(_ context.Context, events []*mq.Record, partitions int32, report func(*mq.Record, error)) ([]*mq.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = append(s.counts, partitions)
	if s.failures > 0 {
		s.failures--
		s.partitions += s.growth
		return events, errors.New("as the test wants it")
	}
	const few = 3
	for _, e := range events[:min(few, len(events))] {
		if reason := s.poison[string(e.Value)]; reason != "" {
			report(e, errors.New(reason))
			continue
		}
		s.got = append(s.got, string(e.Value))
		report(e, nil)
	}
	return events[min(few, len(events)):], nil
}

func (s *scripted) State() mq.State { return mq.Reachable }

func (s *scripted) set(partitions int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions = partitions
}

// The spool needs nothing but the interface: here is another broker.
func TestDrainerDeliversToAnyBroker(t *testing.T) {
	topic, dead := &scripted{partitions: 1, failures: 2, poison: map[string]string{"[7]": "a bad number"}}, &scripted{partitions: 1}
	s := spoolFor(t, t.TempDir(), topic, dead, "t", Options{})
	var want []string
	for i := range 20 {
		value := fmt.Sprintf("[%d]", i)
		spooled(t, s, "k", value)
		if i != 7 {
			want = append(want, value)
		}
	}
	stats := settledStats(t, s)
	assert.EqualValues(t, 19, stats.Delivered)
	assert.EqualValues(t, 1, stats.DeadLettered)
	assert.Equal(t, want, topic.got, "in order, and without the rejected one")
	assert.Equal(t, []string{"[7]"}, dead.got)
}

// While the topic has fewer partitions than before, events wait, and Close doesn't
// wait for them.
func TestFewerPartitionsHoldEventsBack(t *testing.T) {
	dir, topic := t.TempDir(), &scripted{partitions: 5}
	s := spoolFor(t, dir, topic, &scripted{partitions: 1}, "t", Options{})
	spooled(t, s, "k", "[0]")
	settledStats(t, s)
	assert.True(t, s.EventStats().Connected)
	closeSpool(t, s)

	away := spoolFor(t, dir, unreachable{}, &scripted{partitions: 1}, "t", Options{})
	spooled(t, away, "k", "[1]")
	closeSpool(t, away)

	topic.set(2)
	s = spoolFor(t, dir, topic, &scripted{partitions: 1}, "t", Options{})
	require.Eventually(t, s.away, time.Minute, time.Millisecond)
	assert.False(t, s.EventStats().Connected)
	assert.Len(t, topic.got, 1)
	topic.set(5)
	settledStats(t, s)
	assert.Equal(t, []string{"[0]", "[1]"}, topic.got)
	assert.Equal(t, []int32{5, 5}, topic.counts)
	assert.True(t, s.EventStats().Connected)
}

// Partitions that are added between two attempts aren't used for events that were
// tried.
func TestRetriesKeepThePartitionCount(t *testing.T) {
	topic := &scripted{partitions: 5, failures: 2, growth: 1}
	s := spoolFor(t, t.TempDir(), topic, &scripted{partitions: 1}, "t", Options{})
	spooled(t, s, "k", "[0]")
	settledStats(t, s)
	spooled(t, s, "k", "[1]")
	settledStats(t, s)
	assert.Equal(t, []int32{5, 5, 5, 7}, topic.counts)
}

// While the count can't be stored, events wait, and the log says why once.
func TestPartitionCountThatCannotBeStored(t *testing.T) {
	dir, log := t.TempDir(), testbed.Output{}
	inTheWay := filepath.Join(dir, partitionsName)
	topic := &scripted{partitions: 5}
	s := spoolFor(t, dir, topic, &scripted{partitions: 1}, "t", Options{Log: logTo(&log)})
	require.NoError(t, os.Remove(inTheWay), "it names the topic")
	require.NoError(t, os.Mkdir(inTheWay, 0o700))
	spooled(t, s, "k", "[0]")
	require.Eventually(t, s.away, time.Minute, time.Millisecond)
	require.NoError(t, os.Remove(inTheWay))
	settledStats(t, s)
	assert.Equal(t, 1, strings.Count(log.String(), "the number of partitions can't be stored"), log.String())
	assert.Contains(t, log.String(), "the number of partitions is stored")
}
