package mq_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// ledger is a gateway.Progress in memory. Handlers write keys to it.
type ledger struct {
	mu       sync.Mutex
	shards   map[int32]*shardRow
	handled  map[string]int // how often a key was handled and committed
	rejected map[string]string
	// fail is asked before and after each commit, and may return an error.
	fail func(committed bool) error
}

type shardRow struct {
	model.Checkpoint
	sources map[string]source
}

type source struct {
	window           []byte
	arrived, leftOut int64
}

func newLedger() *ledger {
	return &ledger{
		shards: map[int32]*shardRow{}, handled: map[string]int{}, rejected: map[string]string{},
		fail: func(bool) error { return nil },
	}
}

func (l *ledger) row(number int32) *shardRow {
	if l.shards[number] == nil {
		l.shards[number] = &shardRow{sources: map[string]source{}}
	}
	return l.shards[number]
}

func (l *ledger) Claim(_ context.Context, s model.Shard) (model.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.row(s.Number).Epoch++
	return l.row(s.Number).Checkpoint, nil
}

func (l *ledger) Checkpoint(_ context.Context, s model.Shard, epoch int64) (model.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.row(s.Number).Epoch != epoch {
		return model.Checkpoint{}, gateway.ErrFenced
	}
	return l.row(s.Number).Checkpoint, nil
}

func (l *ledger) Sources(_ context.Context, s model.Shard, names []string) (map[string]model.SourceCount, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[string]model.SourceCount{}
	for _, name := range names {
		if stored, ok := l.row(s.Number).sources[name]; ok {
			window, err := model.DecodeWindow(stored.window)
			if err != nil {
				return nil, err
			}
			known[name] = model.SourceCount{Window: window, Arrived: stored.arrived, LeftOut: stored.leftOut}
		}
	}
	return known, nil
}

// ledgerTx has what a handler writes until the commit.
type ledgerTx struct {
	gateway.Transaction // no test needs the rest
	keys                []string
	rejected            map[string]string
}

func (tx *ledgerTx) Reject(r *model.Record, reason error) { tx.rejected[r.Key] = reason.Error() }
func (tx *ledgerTx) Late(*model.Record)                   {}

func (tx *ledgerTx) CountSearches(_ context.Context, searches []*trend.Search) error {
	for _, s := range searches {
		tx.keys = append(tx.keys, s.Keyword)
	}
	return nil
}

func (l *ledger) Advance(_ context.Context, s model.Shard, epoch int64, work func(gateway.Transaction) (gateway.Step, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	row := l.row(s.Number)
	if row.Epoch != epoch {
		return gateway.ErrFenced
	}
	tx := &ledgerTx{rejected: map[string]string{}}
	step, err := work(tx)
	if err != nil {
		return err
	}
	if err := l.fail(false); err != nil {
		return err
	}
	row.Checkpoint = step.Checkpoint
	for name, known := range step.Sources {
		row.sources[name] = source{known.Encode(), known.Arrived, row.sources[name].leftOut + known.LeftOut}
	}
	for _, key := range tx.keys {
		l.handled[key]++
	}
	maps.Copy(l.rejected, tx.rejected)
	return l.fail(true)
}

// checkpoint returns what is stored of the first partition.
func (l *ledger) checkpoint() model.Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.row(0).Checkpoint
}

func (l *ledger) total() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.handled {
		n += times
	}
	return n
}

// once checks that each of n keys was handled once.
func (l *ledger) once(t *testing.T, keys []string) {
	t.Helper()
	require.Eventually(t, func() bool { return l.total() >= len(keys) }, time.Minute, 10*time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	want := map[string]int{}
	for _, key := range keys {
		want[key] = 1
	}
	assert.Equal(t, want, l.handled)
}

// stored counts each record, with its key.
func stored(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	for _, r := range records {
		if err := tx.CountSearches(ctx, []*trend.Search{{Keyword: r.Key}}); err != nil {
			return err
		}
	}
	return nil
}

// consumed is a topic with events, and what consumes it.
type consumed struct {
	brokers []string
	topic   string
	group   string
	admin   sarama.ClusterAdmin
	queue   *mq.KafkaQueue
	ledger  *ledger
	keys    []string
	log     *slog.Logger
}

func newConsumed(t *testing.T, brokers []string, partitions int32) *consumed {
	t.Helper()
	c := &consumed{brokers: brokers, topic: mqtest.NewTopic(), group: "group-" + uuid.NewString(), ledger: newLedger(), admin: mqtest.Admin(t, brokers), log: slog.New(slog.DiscardHandler)}
	c.create(t, partitions)
	c.queue = newQueue(t, brokers, c.topic)
	return c
}

func (c *consumed) create(t *testing.T, partitions int32) {
	t.Helper()
	require.Eventually(t, func() bool {
		return c.admin.CreateTopic(c.topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false) == nil
	}, time.Minute, 50*time.Millisecond)
}

func (c *consumed) send(t *testing.T, n int) {
	t.Helper()
	for range n {
		key := fmt.Sprint("key ", len(c.keys))
		c.keys = append(c.keys, key)
		require.Eventually(t, func() bool {
			ok, _ := c.queue.SendEvent(key, []byte("[]"), mq.Header{Key: "ce_type", Value: []byte("test")})
			return ok
		}, time.Minute, 50*time.Millisecond)
	}
}

// run runs a consumer until stop is called.
func (c *consumed) run(t *testing.T, handlers gateway.Handlers) (consumer *mq.Consumer, stop func()) {
	t.Helper()
	consumer = mq.NewConsumer(mq.Kafka{Brokers: c.brokers}, c.group, c.topic, handlers, c.ledger, c.log)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { consumer.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return consumer, stop
}

var noting = gateway.Handlers{"test": stored}

func TestPromise3EachRecordIsHandledOnce(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 3)
		c.send(t, 50)
		consumer, stopFirst := c.run(t, noting)
		c.ledger.once(t, c.keys)
		require.Eventually(t, func() bool { return len(consumer.Stats()) > 0 }, time.Minute, 10*time.Millisecond)
		for _, s := range consumer.Stats() {
			assert.Zero(t, s.Lag)
		}
		_, stopSecond := c.run(t, noting) // a rebalance
		c.send(t, 50)
		c.ledger.once(t, c.keys)
		stopFirst()
		c.send(t, 50)
		c.ledger.once(t, c.keys)
		stopSecond()
		c.send(t, 10)
		c.run(t, noting)
		c.ledger.once(t, c.keys)
	})
}

// deadMember joins the group and sends nothing more. timeout is its session and rebalance timeout.
func (c *consumed) deadMember(t *testing.T, timeout time.Duration) {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	client, err := sarama.NewClient(c.brokers, config)
	require.NoError(t, err)
	defer client.Close()
	coordinator, err := client.Coordinator(c.group)
	require.NoError(t, err)
	join := sarama.NewJoinGroupRequest(config.Version)
	join.GroupId, join.ProtocolType = c.group, "consumer"
	join.SessionTimeout, join.RebalanceTimeout = int32(timeout.Milliseconds()), int32(timeout.Milliseconds())
	require.NoError(t, join.AddGroupProtocolMetadata(sarama.RangeBalanceStrategyName, &sarama.ConsumerGroupMemberMetadata{Topics: []string{c.topic}}))
	joined, err := coordinator.JoinGroup(join)
	require.NoError(t, err)
	if joined.Err == sarama.ErrMemberIdRequired {
		join.MemberId = joined.MemberId
		joined, err = coordinator.JoinGroup(join)
		require.NoError(t, err)
	}
	require.Equal(t, sarama.ErrNoError, joined.Err)
	sync := &sarama.SyncGroupRequest{GroupId: c.group, GenerationId: joined.GenerationId, MemberId: joined.MemberId}
	require.NoError(t, sync.AddGroupAssignmentMember(joined.MemberId, &sarama.ConsumerGroupMemberAssignment{Topics: map[string][]int32{c.topic: {0}}}))
	synced, err := coordinator.SyncGroup(sync)
	require.NoError(t, err)
	require.Equal(t, sarama.ErrNoError, synced.Err)
}

// A group answers a new member when it has given up the dead ones. A member that doesn't wait
// for that, but joins again, becomes a dead one itself.
func TestAMemberWaitsUntilDeadOnesAreGivenUp(t *testing.T) {
	t.Parallel()
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		c.send(t, 5)
		c.deadMember(t, 13*time.Second)
		var printed testbed.Output
		c.log = slog.New(slog.NewTextHandler(&printed, nil))
		c.run(t, noting)
		c.ledger.once(t, c.keys)
		assert.NotContains(t, printed.String(), "can't be read")
	})
}

// A copy has the same source and sequence, whatever its offset.
func TestPromise3CopiesAreLeftOut(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		c.send(t, 20)
		again := mqtest.All(t, brokers, c.topic, 20)
		p := newProducer(t, brokers, c.topic)
		copies := make([]*mq.Record, len(again))
		for i, r := range again {
			copies[i] = &mq.Record{Key: r.Key, Value: r.Value, Headers: r.Headers, Time: r.Time}
		}
		left, err := p.Deliver(t.Context(), copies, 1, func(_ *mq.Record, rejection error) { assert.NoError(t, rejection) })
		require.NoError(t, err)
		require.Empty(t, left)
		c.send(t, 1)
		c.run(t, noting)
		c.ledger.once(t, c.keys)
		assert.Equal(t, int64(20), c.ledger.checkpoint().Copies)
		assert.Equal(t, int64(21), c.ledger.checkpoint().Handled)
	})
}

// A commit may succeed although its answer is an error.
func TestPromise3AFailedCommitIsNoLossAndNoCopy(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		away := &model.Error{Code: model.UnavailableNow, Message: "away"}
		failures := 0
		c.ledger.fail = func(committed bool) error {
			if failures++; failures%3 > 0 {
				return away
			}
			return nil
		}
		c.run(t, noting)
		for range 5 {
			c.send(t, 5)
			c.ledger.once(t, c.keys)
		}
		assert.Greater(t, failures, 5)
	})
}

// A member that was frozen stores nothing when it wakes up.
func TestPromise3ALateOwnerIsFenced(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		c.send(t, 3)
		c.run(t, noting)
		c.ledger.once(t, c.keys)
		claim, err := c.ledger.Claim(t.Context(), model.Shard{})
		require.NoError(t, err)
		c.send(t, 3)
		c.ledger.once(t, c.keys) // after it has claimed the partition again
		assert.Greater(t, c.ledger.checkpoint().Epoch, claim.Epoch)
	})
}

// A topic that is created anew is read from its beginning, whether it is shorter than before, as
// long or longer, and also while the consumer reads.
func TestPromise3ATopicThatWasCreatedAnewIsReadFromItsBeginning(t *testing.T) {
	for name, more := range map[string]int{"as long": 0, "longer": 5} {
		t.Run(name, func(t *testing.T) {
			mqtest.OnEach(t, func(t *testing.T, brokers []string) {
				c := newConsumed(t, brokers, 1)
				c.send(t, 5)
				c.run(t, noting)
				c.ledger.once(t, c.keys)
				old := mqtest.All(t, brokers, c.topic, 5)
				require.NoError(t, c.admin.DeleteTopic(c.topic))
				c.create(t, 1)
				if more == 0 {
					c.send(t, 5) // other records at the same offsets
				} else {
					c.importAgain(t, old)
					c.send(t, more)
				}
				c.ledger.once(t, c.keys)
			})
		})
	}
}

// importAgain sends records once more.
func (c *consumed) importAgain(t *testing.T, old []*mq.Record) {
	t.Helper()
	p := newProducer(t, c.brokers, c.topic)
	var again []*mq.Record
	for _, r := range old {
		again = append(again, &mq.Record{Key: r.Key, Value: r.Value, Headers: r.Headers, Time: r.Time})
	}
	require.Eventually(t, func() bool {
		left, err := p.Deliver(t.Context(), again, 1, func(*mq.Record, error) {})
		again = left
		return err == nil && len(left) == 0
	}, time.Minute, 50*time.Millisecond)
}

// The position is checked against the topic at each claim.
func TestPromise3APositionThatDoesNotFitGoesBack(t *testing.T) {
	for name, damage := range map[string]func(*shardRow){
		"another record before it": func(r *shardRow) { r.Last = "/other/shop 17" },
		"behind the end":           func(r *shardRow) { r.Next += 100 },
		"another topic":            func(r *shardRow) { r.StreamID = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			mqtest.OnEach(t, func(t *testing.T, brokers []string) {
				c := newConsumed(t, brokers, 1)
				c.send(t, 5)
				_, stop := c.run(t, noting)
				c.ledger.once(t, c.keys)
				stop()
				damage(c.ledger.row(0))
				c.send(t, 5)
				transactions := 0 // those of the claim and of the first records fail
				c.ledger.fail = func(committed bool) error {
					if committed {
						return nil
					}
					if transactions++; transactions == 1 || transactions == 3 {
						return &model.Error{Code: model.UnavailableNow, Message: "away"}
					}
					return nil
				}
				c.run(t, noting)
				c.ledger.once(t, c.keys)
				assert.Equal(t, int64(5), c.ledger.checkpoint().Copies, "they were read again, and recognised")
				assert.Equal(t, int64(10), c.ledger.checkpoint().Next)
			})
		})
	}
}

func TestPromise3DeletedRecordsAreMissed(t *testing.T) {
	_, brokers := mqtest.FakeKafka(t) // the embedded broker deletes no single records
	c := newConsumed(t, brokers, 1)
	c.send(t, 5)
	_, stop := c.run(t, noting)
	c.ledger.once(t, c.keys)
	stop()
	c.send(t, 5)
	require.NoError(t, c.admin.DeleteRecords(c.topic, map[int32]int64{0: 8}))
	c.send(t, 1)
	c.keys = slices.Delete(c.keys, 5, 8)
	c.run(t, noting)
	c.ledger.once(t, c.keys)
	assert.Equal(t, int64(3), c.ledger.checkpoint().Missed)
}

// Records of other programs have no source. They count once, also after a rewind.
func TestPromise3RecordsOfOtherProgramsCountOnce(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		foreign := newProducer(t, brokers, c.topic)
		send := func(n int) {
			var records []*mq.Record
			for range n {
				key := fmt.Sprint("foreign ", len(c.keys))
				c.keys = append(c.keys, key)
				records = append(records, &mq.Record{Key: key, Value: []byte("same"), Time: time.Now()})
			}
			left, err := foreign.Deliver(t.Context(), records, 1, func(*mq.Record, error) {})
			require.NoError(t, err)
			require.Empty(t, left)
		}
		handlers := gateway.Handlers{"": stored, "test": stored}
		send(5)
		_, stop := c.run(t, handlers)
		c.ledger.once(t, c.keys)
		stop()
		c.ledger.row(0).Last = "something else" // a rewind
		send(5)
		c.send(t, 1)
		c.run(t, handlers)
		c.ledger.once(t, c.keys)
	})
}

func TestPromise3WhatAHandlerCanNotHandleBecomesADeadLetter(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		c.send(t, 10)
		c.run(t, gateway.Handlers{"test": func(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
			for _, r := range records {
				switch r.Key {
				case "key 3":
					return errors.New("three is odd")
				case "key 5":
					panic("five is odd")
				}
			}
			return stored(ctx, records, tx)
		}})
		c.send(t, 3)
		c.keys = slices.DeleteFunc(c.keys, func(key string) bool { return key == "key 3" || key == "key 5" })
		c.ledger.once(t, c.keys)
		c.ledger.mu.Lock()
		defer c.ledger.mu.Unlock()
		assert.Equal(t, "three is odd", c.ledger.rejected["key 3"])
		assert.Contains(t, c.ledger.rejected["key 5"], "five is odd")
		assert.Equal(t, int64(2), c.ledger.row(0).Dead)
		assert.Equal(t, int64(11), c.ledger.row(0).Handled)
	})
}

// A dead letter that is put back counts, although the consumer knows its source as it was before.
func TestADeadLetterThatIsPutBackIsNoLongerLeftOut(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		c.send(t, 1)
		c.run(t, gateway.Handlers{"test": func(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
			if records[0].Key == "key 0" {
				tx.Reject(records[0], errors.New("odd"))
				records = records[1:]
			}
			return stored(ctx, records, tx)
		}})
		leftOut := func(change int64) (sum int64) {
			c.ledger.mu.Lock()
			defer c.ledger.mu.Unlock()
			for name, known := range c.ledger.row(0).sources {
				known.leftOut += change
				c.ledger.row(0).sources[name] = known
				sum += known.leftOut
			}
			return sum
		}
		require.Eventually(t, func() bool { return leftOut(0) == 1 }, time.Minute, 10*time.Millisecond)
		assert.Zero(t, leftOut(-1))
		c.keys = nil
		c.send(t, 1) // the same key
		require.Eventually(t, func() bool { return leftOut(0) == 1 }, time.Minute, 10*time.Millisecond)
	})
}

func TestOtherTypesAreIgnored(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		ok, err := c.queue.SendEvent("other", []byte("[]"), mq.Header{Key: "ce_type", Value: []byte("unknown")})
		require.NoError(t, err)
		require.True(t, ok)
		c.send(t, 1)
		c.run(t, noting)
		c.ledger.once(t, c.keys)
		assert.Equal(t, int64(1), c.ledger.checkpoint().Ignored)
	})
}

// The topic may come later than its consumer.
func TestAMissingTopicIsAwaited(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		require.NoError(t, c.admin.DeleteTopic(c.topic))
		c.run(t, noting)
		c.create(t, 2)
		c.send(t, 5)
		c.ledger.once(t, c.keys)
	})
}
