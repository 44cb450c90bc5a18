package mq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// promise is a sentence that users rely on. kept returns what speaks against it;
// with its mechanism switched off it has to find something.
type promise struct {
	sentence string
	off      weakness
	kept     func(t *testing.T, weak weakness) error
}

// TestPromises holds the promises of docs/promise.md that one process can show;
// the others are in the package main and in wal.
func TestPromises(t *testing.T) {
	for _, p := range []promise{
		{"2 first copies of a key keep their order", disorderly, keepsOrder},
		{"2 a record keeps the partition count under which it was first tried", hasty, keepsPartitions},
		{"4 a record that Kafka will never take holds nothing up", stubborn, holdsNothingUp},
		{"5 Kafka frozen slows no search", bypassed, isNotSlowed},
		{"5 at its bound the spool takes no more, and what is lost is counted", unbounded, keepsItsBound},
		{"5 a tenth of the disk is left free", greedy, leavesSpace},
		{"6 what can be flushed is flushed", abrupt, flushes},
		{"6 what is not flushed is in the spool", bypassed, keepsTheRest},
	} {
		t.Run(p.sentence, func(t *testing.T) {
			assert.NoError(t, p.kept(t, ""))
			assert.Error(t, p.kept(t, p.off), "the test does not notice when %q is off", p.off)
		})
	}
}

func weakenedBy(weak weakness, also ...Option) []Option {
	return append([]Option{func(o *options) { o.weak = weak }}, also...)
}

// within waits until nothing of the spool is left.
func within(t *testing.T, s *Spool, d time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return s.Empty(ctx)
}

func keepsOrder(t *testing.T, weak weakness) error {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(2, topic))
	requests := 0
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: func(kmsg.Request) bool {
		requests++
		return requests < 30 && requests%3 == 0
	}})
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, weakenedBy(weak)...)
	const events = 2000
	for i := range events {
		spooled(t, s, "k", fmt.Sprint(i))
	}
	if err := within(t, s, time.Minute); err != nil {
		return err
	}
	first, _ := firstCopies(all(t, brokers, topic, events))
	for i, r := range first {
		if string(r.Value) != fmt.Sprint(i) {
			return fmt.Errorf("%s came at place %d", r.Value, i)
		}
	}
	return nil
}

func keepsPartitions(t *testing.T, weak weakness) error {
	topic, dir := newTopic(), t.TempDir()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic))
	// It is tried and not acknowledged.
	failing := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownServerError, Count: -1})
	s := newSpool(t, dir, brokers, topic, SpoolOptions{}, weakenedBy(weak)...)
	for i := range 20 {
		spooled(t, s, fmt.Sprint(i), "[]")
	}
	require.Eventually(t, s.queue.isDown, time.Minute, time.Millisecond)
	closeSpool(t, s)
	admin, err := sarama.NewClusterAdmin(brokers, newConfig(Security{}))
	require.NoError(t, err)
	defer admin.Close()
	require.NoError(t, admin.CreatePartitions(topic, 7, nil, false))
	failing.Remove()
	s = newSpool(t, dir, brokers, topic, SpoolOptions{}, weakenedBy(weak)...)
	if err := within(t, s, time.Minute); err != nil {
		return err
	}
	for _, r := range read(t, brokers, topic, 20) {
		if r.Partition != 0 {
			return fmt.Errorf("%s went to partition %d", r.Key, r.Partition)
		}
	}
	return nil
}

func holdsNothingUp(t *testing.T, weak weakness) error {
	brokers, topic := []string{embedded(t, t.TempDir(), "127.0.0.1:0")}, newTopic()
	createTopic1(t, brokers, topic, map[string]string{"max.message.bytes": "10000"})
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, weakenedBy(weak)...)
	_, err := s.SendEvent("poison", make([]byte, 50_000))
	require.NoError(t, err)
	spooled(t, s, "after", "[]")
	if err := within(t, s, 5*time.Second); err != nil {
		return err
	}
	if n := s.EventStats().DeadLettered; n != 1 {
		return fmt.Errorf("%d dead letters", n)
	}
	read(t, brokers, topic+deadSuffix, 1)
	return nil
}

func isNotSlowed(t *testing.T, weak weakness) error {
	l, address := behind(t)
	s := newSpool(t, t.TempDir(), []string{address}, newTopic(), SpoolOptions{}, weakenedBy(weak, func(o *options) { o.ackWait = time.Minute })...)
	_, err := s.SendEvent("before", []byte("[]"))
	require.NoError(t, err)
	settledStats(t, s)
	release := l.hold()
	defer release()
	answered := make(chan error, 1)
	go func() {
		_, err := s.SendEvent("frozen", []byte("[]"))
		answered <- err
	}()
	select {
	case err := <-answered:
		return err
	case <-time.After(5 * time.Second):
		release()
		<-answered
		return errors.New("it waits for Kafka")
	}
}

func keepsItsBound(t *testing.T, weak weakness) error {
	s := newSpool(t, t.TempDir(), []string{"127.0.0.1:1"}, "x", SpoolOptions{MaxBytes: MinSpoolBytes}, weakenedBy(weak)...)
	value := make([]byte, 10<<20)
	for i := range MinSpoolBytes/len(value) + 1 {
		ok, err := s.SendEvent("k", value)
		if ok {
			continue
		}
		if i == 0 || !errors.Is(err, ErrLost) || s.EventStats().Lost != 1 {
			return fmt.Errorf("event %d: %w, %+v", i, err, s.EventStats())
		}
		return nil
	}
	return errors.New("it takes more than its bound")
}

func flushes(t *testing.T, weak weakness) error {
	brokers, topic := []string{embedded(t, t.TempDir(), "127.0.0.1:0")}, newTopic()
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, weakenedBy(weak)...)
	spooled(t, s, "first", "[]")
	settledStats(t, s)
	const events = 2000
	for i := range events {
		spooled(t, s, fmt.Sprint(i), "["+strings.Repeat("1,", 500)+"1]")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, s.Close(ctx))
	if n := s.EventStats().Delivered; n != events+1 {
		return fmt.Errorf("%d of %d events were delivered", n, events+1)
	}
	return nil
}

func keepsTheRest(t *testing.T, weak weakness) error {
	address, topic, dir := nowhere(t), newTopic(), t.TempDir()
	s := newSpool(t, dir, []string{address}, topic, SpoolOptions{}, weakenedBy(weak, func(o *options) { o.ackWait = time.Millisecond })...)
	for i := range 10 {
		_, _ = s.SendEvent("k", fmt.Append(nil, i))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_ = s.Close(ended)
	embedded(t, t.TempDir(), address)
	s = newSpool(t, dir, []string{address}, topic, SpoolOptions{})
	spooled(t, s, "k", "after")
	if err := within(t, s, time.Minute); err != nil {
		return err
	}
	if n := s.EventStats().Delivered; n != 11 {
		return fmt.Errorf("%d of 11 events were delivered", n)
	}
	return nil
}
