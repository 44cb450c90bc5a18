//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"literank.com/event-books/bench/testbed"
)

// fault is a disturbance of brokers.
type fault struct {
	name string
	// strike begins the fault. heal ends it, and returns when the broker has recovered.
	strike func(rng *rand.Rand) (heal func(context.Context) error, err error)
}

// fixed is a fault without anything random.
func fixed(name string, begin func() error, heal func(context.Context) error) fault {
	return fault{name, func(*rand.Rand) (func(context.Context) error, error) { return heal, begin() }}
}

func without(do func() error) func(context.Context) error {
	return func(context.Context) error { return do() }
}

// clusterFaults are the faults of a Kafka of several brokers behind forwarders.
func clusterFaults(k *testbed.Kafka, fronts []*testbed.Forwarder) []fault {
	one := func(name string, begin func(*testbed.Broker) error, heal func(*testbed.Broker, context.Context) error) fault {
		return fault{name, func(rng *rand.Rand) (func(context.Context) error, error) {
			b := k.Brokers[rng.IntN(len(k.Brokers))]
			return func(ctx context.Context) error { return heal(b, ctx) }, begin(b)
		}}
	}
	return []fault{
		one("one broker killed", (*testbed.Broker).Kill, (*testbed.Broker).Start),
		one("one broker frozen", (*testbed.Broker).Freeze, func(b *testbed.Broker, _ context.Context) error { return b.Thaw() }),
		{"connections to one broker cut", func(rng *rand.Rand) (func(context.Context) error, error) {
			return cut(rng, fronts[rng.IntN(len(fronts))]), nil
		}},
		fixed("all brokers killed", k.Kill, k.Start),
		fixed("all brokers frozen", k.Freeze, without(k.Thaw)),
	}
}

// embeddedFaults are the faults of an embedded broker.
func embeddedFaults(b *testbed.EmbeddedBroker) []fault {
	return []fault{
		fixed("broker killed", b.Kill, b.Start),
		fixed("broker frozen", b.Freeze, without(b.Thaw)),
		{"connections cut", func(rng *rand.Rand) (func(context.Context) error, error) { return cut(rng, b.Forwarder), nil }},
	}
}

// cut closes connections again and again, at random moments, until it is healed.
func cut(rng *rand.Rand, front *testbed.Forwarder) (heal func(context.Context) error) {
	own := rand.New(rand.NewPCG(rng.Uint64(), 0)) // the number of draws depends on time
	ctx, stop := context.WithCancel(context.Background())
	var cutting sync.WaitGroup
	cutting.Go(func() {
		for ctx.Err() == nil {
			front.Cut()
			_ = testbed.Sleep(ctx, 50*time.Millisecond+time.Duration(own.Int64N(int64(time.Second))))
		}
	})
	return func(context.Context) error {
		stop()
		cutting.Wait()
		return nil
	}
}
