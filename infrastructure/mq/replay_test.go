package mq_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func (c *consumed) replay(t *testing.T) *mq.Replay {
	t.Helper()
	r, err := mq.OpenReplay(t.Context(), mq.Kafka{Brokers: c.brokers}, c.group, c.topic, noting, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// A replay handles just the records before a position, and goes on from there.
func TestReplayGoesToAPosition(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c := newConsumed(t, brokers, 1)
		c.send(t, 30)
		r := c.replay(t)
		assert.Equal(t, map[int32]int64{0: 0}, r.Oldest())
		require.NoError(t, r.Begin(t.Context(), c.ledger))
		for _, end := range []int64{0, 1, 17, 17, 5, 30} {
			require.NoError(t, r.To(t.Context(), 0, end))
			assert.Equal(t, int(r.Next(0)), c.ledger.total())
		}
		assert.Equal(t, int64(30), r.Next(0))
		c.ledger.once(t, c.keys)
		_, err := c.ledger.Claim(t.Context(), model.Shard{})
		require.NoError(t, err)
		c.send(t, 1)
		require.ErrorIs(t, r.To(t.Context(), 0, 31), gateway.ErrFenced)
	})
}

// Records that are deleted before they are read are not passed over in silence.
func TestReplayNoticesDeletedRecords(t *testing.T) {
	_, brokers := mqtest.FakeKafka(t) // the embedded broker deletes no single records
	c := newConsumed(t, brokers, 1)
	c.send(t, 30)
	before, after := c.replay(t), c.replay(t)
	require.NoError(t, before.Begin(t.Context(), c.ledger))
	require.NoError(t, c.admin.DeleteRecords(c.topic, map[int32]int64{0: 8}))
	require.ErrorIs(t, before.To(t.Context(), 0, 30), mq.ErrBehind)
	require.ErrorIs(t, after.Begin(t.Context(), newLedger()), mq.ErrBehind)
	c.ledger = newLedger()
	whole := c.replay(t)
	assert.Equal(t, map[int32]int64{0: 8}, whole.Oldest())
	require.NoError(t, whole.Begin(t.Context(), c.ledger))
	require.NoError(t, whole.To(t.Context(), 0, 30))
	c.ledger.once(t, c.keys[8:])
	_, err := mq.OpenReplay(t.Context(), mq.Kafka{Brokers: brokers}, "group", mqtest.NewTopic(), noting, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, mq.ErrNoTopic)
}
