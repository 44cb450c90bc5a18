package application

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/api"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// countingShop is a shop's database and its topic of searches.
func countingShop(t *testing.T, brokers []string) (c *config.Config, db *catalogue, send func(...*mq.Record)) {
	t.Helper()
	c = settings(t)
	c.MQ.Brokers, c.MQ.TopicPrefix = brokers, mqtest.NewTopic()+"."
	c.MQ.GroupPrefix = c.MQ.TopicPrefix
	require.NoError(t, makeDataDir(c))
	db, err := openMigrated(t.Context(), c, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	producer, err := mq.NewProducer(c.MQ.Brokers, c.MQ.SearchTopic())
	require.NoError(t, err)
	t.Cleanup(producer.Close)
	return c, db, func(records ...*mq.Record) { deliver(t, producer, records...) }
}

func deliver(t *testing.T, producer *mq.Producer, records ...*mq.Record) {
	t.Helper()
	count, err := producer.Partitions(t.Context())
	require.NoError(t, err)
	left, err := producer.Deliver(t.Context(), records, count, func(_ *mq.Record, rejection error) { assert.NoError(t, rejection) })
	require.NoError(t, err)
	require.Empty(t, left)
}

// runUntilEnd runs something until the test ends.
func runUntilEnd(t *testing.T, run func(context.Context)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
}

// listed are all dead letters of the shop, as events dead list shows them.
func listed(t *testing.T, c *config.Config) (letters []*model.DeadLetter) {
	t.Helper()
	d, err := OpenDeadLetters(t.Context(), c, quiet)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Each(t.Context(), func(l *model.DeadLetter) error { letters = append(letters, l); return nil }))
	return letters
}

// dead waits for some records in the topic of dead letters, and returns them.
func dead(t *testing.T, c *config.Config, n int) (records []*mq.Record) {
	t.Helper()
	require.Eventually(t, func() bool {
		records = nil
		_, err := mq.Read(t.Context(), mq.Kafka{Brokers: c.MQ.Brokers}, mq.DeadLetterTopic(c.MQ.SearchTopic()), time.Time{}, func(r *mq.Record) error {
			records = append(records, r)
			return nil
		})
		return err == nil && len(records) >= n
	}, time.Minute, 20*time.Millisecond)
	return records
}

// foreign is a record of another program that can't be counted.
func foreign() *mq.Record {
	return &mq.Record{
		Key: "odd \xff", Value: []byte("no JSON"), Time: time.UnixMilli(time.Now().UnixMilli() - 5000),
		Headers: []mq.Header{{Key: "made-by", Value: []byte("another program")}, {Key: "empty", Value: []byte{}}},
	}
}

// A record that can't be counted is sent to the topic of dead letters, and listed once.
func TestWhatCannotBeCountedIsSentToTheDeadLetters(t *testing.T) {
	mqtest.OnEach(t, sentToTheDeadLetters)
}

func sentToTheDeadLetters(t *testing.T, brokers []string) {
	c, db, send := countingShop(t, brokers)
	k, err := newConsumers(c, db, consumedTopics(c), c.MQ.Brokers, quiet, Parts{})
	require.NoError(t, err)
	runUntilEnd(t, k.run)
	sent := foreign()
	send(&mq.Record{Key: "fine", Value: []byte("[]"), Time: time.Now()}, sent)
	got := dead(t, c, 1)[0]
	original := mqtest.Read(t, c.MQ.Brokers, c.MQ.SearchTopic(), 2)
	if original[0].Key != sent.Key {
		original[0] = original[1]
	}
	assert.Equal(t, sent.Key, got.Key)
	assert.Equal(t, sent.Value, got.Value)
	assert.True(t, sent.Time.Equal(got.Time), got.Time)
	assert.Equal(t, sent.Headers, got.Headers[:2])
	headers := map[string]any{}
	for _, h := range got.Headers[2:] {
		headers[h.Key] = string(h.Value)
	}
	assert.Equal(t, map[string]any{
		"dead_reason": "key: is not valid UTF-8", "dead_topic": c.MQ.SearchTopic(), "dead_group": trendGroup(c),
		"dead_partition": fmt.Sprint(original[0].Partition), "dead_offset": fmt.Sprint(original[0].Offset),
	}, headers)
	for _, h := range got.Headers[:2] {
		headers[h.Key] = string(h.Value)
	}
	assert.NoError(t, deadSchema(t).Validate(headers))
	// A process that was killed before it noted the letter sends a copy.
	copied, err := newDeadProducer(c, c.MQ.Brokers, c.MQ.SearchTopic(), quiet)
	require.NoError(t, err)
	t.Cleanup(copied.Close)
	deliver(t, copied, got)
	assert.Len(t, dead(t, c, 2), 2)
	letters := listed(t, c)
	require.Len(t, letters, 1, "it is listed once, although it is in the database and twice in the topic")
	assert.Equal(t, trendGroup(c), letters[0].Group)
	assert.Equal(t, sent.Value, letters[0].Record.Value)
}

// A letter that its topic refuses stays in the database, and holds up no other.
func TestADeadLetterThatKafkaRefuses(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		c, db, send := countingShop(t, brokers)
		mqtest.CreateTopic(t, brokers, mq.DeadLetterTopic(c.MQ.SearchTopic()), map[string]string{"max.message.bytes": "5000"})
		log := &testbed.Output{}
		k, err := newConsumers(c, db, consumedTopics(c), brokers, slog.New(slog.NewTextHandler(log, nil)), Parts{})
		require.NoError(t, err)
		runUntilEnd(t, k.run)
		large, small := foreign(), foreign()
		large.Key, large.Value = "large", []byte(strings.Repeat("no JSON", 2000))
		send(large, small)
		assert.Equal(t, small.Key, dead(t, c, 1)[0].Key)
		require.Eventually(t, func() bool {
			left, err := db.UnrelayedDeadLetters(t.Context(), trendGroup(c), c.MQ.SearchTopic(), 10)
			return err == nil && len(left) == 0
		}, time.Minute, 20*time.Millisecond)
		assert.Equal(t, 1, strings.Count(log.String(), "Kafka rejects a dead letter"))
		assert.Len(t, dead(t, c, 1), 1)
		assert.Len(t, listed(t, c), 2)
	})
}

func deadSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	content, err := api.Schemas.ReadFile("schemas/dead_letter/1.headers.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("dead.json", document))
	schema, err := compiler.Compile("dead.json")
	require.NoError(t, err)
	return schema
}
