package mq

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/infrastructure/wal"
)

// The shop is busy, and Kafka refuses now and then for a reason that sarama
// does not try again for.
func TestOrderOnABusyMachine(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for range 4 * runtime.GOMAXPROCS(0) {
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
	}
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic))
	var counts []uint32
	fails := map[kmsg.Request]bool{} // it is asked more than once for a request
	refusals := 0
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.OutOfOrderSequenceNumber, Count: -1, When: func(r kmsg.Request) bool {
		fail, known := fails[r]
		if !known {
			n := binary.BigEndian.Uint32(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records[57:])
			fail = refusals < 3 && n < 1000 && (len(counts) == 0 || counts[len(counts)-1] == 1000) // the first part of a call
			if fail {
				refusals++
			}
			counts, fails[r] = append(counts, n), fail
		}
		return fail
	}})
	dir := t.TempDir()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	const events = 20_000
	var pending []wal.Pending
	for i := range events {
		head := appendHead(nil, "/s", "k", nil)
		setSequence(head, uint64(i+1))
		p, err := log.Start(head, fmt.Appendf(nil, "[%d]", i))
		require.NoError(t, err)
		pending = append(pending, p)
	}
	for _, p := range pending {
		_, err := p.Wait()
		require.NoError(t, err)
	}
	require.NoError(t, log.Close())
	s := newSpool(t, dir, brokers, topic, SpoolOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, s.Empty(ctx))
	first, _ := firstCopies(all(t, brokers, topic, events))
	assert.Len(t, first, events)
	t.Log("records in each request", counts)
	wrong := 0
	for i, r := range first {
		if string(r.Value) != fmt.Sprintf("[%d]", i) {
			wrong++
		}
	}
	assert.Zero(t, wrong, "of %d are out of order", events)
}
