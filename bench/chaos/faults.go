//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/bench/testbed"
)

// fault is a disturbance of Kafka or of the connection to it.
type fault struct {
	name string
	// away means that Kafka acknowledges nothing during the fault, so records wait.
	away bool
	// strike starts the fault. heal ends it and returns when Kafka has recovered; it
	// is not nil if err is nil.
	strike func(context.Context, *victim) (heal func(context.Context) error, err error)
}

// victim is the target of a fault.
type victim struct {
	topic string
	rng   *rand.Rand
	// counts are the topic's numbers of partitions, oldest first.
	counts []int32
}

func simple(name string, away bool, begin func() error, end func(context.Context) error) fault {
	return fault{name, away, func(context.Context, *victim) (func(context.Context) error, error) { return end, begin() }}
}

func atOnce(do func() error) func(context.Context) error {
	return func(context.Context) error { return do() }
}

// faultsOf returns the faults for a Kafka behind proxies.
func faultsOf(k *testbed.Kafka, p *proxies) []fault {
	faults := []fault{
		simple("stopped", true, k.Stop, k.Start),
		simple("killed", true, k.Kill, k.Start),
		simple("frozen", true, k.Freeze, atOnce(k.Thaw)),
		simple("black-holed", true, p.swallow, atOnce(p.heal)),
		{"black-holed, partitions added", true, func(_ context.Context, v *victim) (func(context.Context) error, error) {
			return atOnce(p.heal), errors.Join(p.swallow(), v.addPartitions(k.WithAdmin))
		}},
		{"slowed", false, func(_ context.Context, v *victim) (func(context.Context) error, error) {
			return atOnce(p.heal), p.slow(100+v.rng.Int64N(400), 50+v.rng.Int64N(200))
		}},
		{"cut", false, func(ctx context.Context, v *victim) (func(context.Context) error, error) {
			return cut(ctx, p, v.rng.Uint64())
		}},
		morePartitions(k.WithAdmin),
	}
	if len(k.Brokers) > 1 {
		faults = append(faults,
			one("one broker killed", k, (*testbed.Broker).Kill, (*testbed.Broker).Start),
			one("one broker frozen", k, (*testbed.Broker).Freeze, func(b *testbed.Broker, _ context.Context) error { return b.Thaw() }))
	}
	return faults
}

func one(name string, k *testbed.Kafka, begin func(*testbed.Broker) error, end func(*testbed.Broker, context.Context) error) fault {
	return fault{name, false, func(_ context.Context, v *victim) (func(context.Context) error, error) {
		b := k.Brokers[v.rng.IntN(len(k.Brokers))]
		return func(ctx context.Context) error { return end(b, ctx) }, begin(b)
	}}
}

// cut breaks connections repeatedly, at random moments and in the middle of frames.
// It has its own random source, because the number of draws depends on time.
func cut(ctx context.Context, p *proxies, seed uint64) (heal func(context.Context) error, err error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	ctx, stop := context.WithCancel(ctx)
	var cutting sync.WaitGroup
	cutting.Go(func() {
		for err == nil && ctx.Err() == nil {
			if rng.IntN(2) == 0 {
				err = p.reset()
			} else {
				err = p.limit(1 + rng.Int64N(20_000))
			}
			_ = testbed.Sleep(ctx, 100*time.Millisecond+rand64(rng, time.Second))
			err = errors.Join(err, p.heal())
		}
	})
	return func(context.Context) error {
		stop()
		cutting.Wait()
		return errors.Join(err, p.heal())
	}, nil
}

// morePartitions adds partitions to the topic. They remain after the fault.
func morePartitions(withAdmin func(func(sarama.ClusterAdmin) error) error) fault {
	return fault{"partitions added", false, func(_ context.Context, v *victim) (func(context.Context) error, error) {
		return func(context.Context) error { return nil }, v.addPartitions(withAdmin)
	}}
}

func (v *victim) addPartitions(withAdmin func(func(sarama.ClusterAdmin) error) error) error {
	n := v.counts[len(v.counts)-1] + 1 + v.rng.Int32N(3)
	err := withAdmin(func(admin sarama.ClusterAdmin) error { return admin.CreatePartitions(v.topic, n, nil, false) })
	if err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	v.counts = append(v.counts, n)
	return nil
}
