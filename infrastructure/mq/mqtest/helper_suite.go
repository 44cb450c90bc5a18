package mqtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// OpenHelper opens a Helper of the instance "test" to a topic. The test may call
// closeHelper; otherwise the Helper is closed when the test ends.
type OpenHelper func(t *testing.T, brokers []string, topic string) (h mq.Helper, closeHelper func())

// HelperFeatures are what Helpers do differently.
type HelperFeatures struct {
	// Durable: the Helper keeps events until the topic takes them.
	Durable bool
}

// RunHelper is the contract of mq.Helper, on each broker.
func RunHelper(t *testing.T, open OpenHelper, features HelperFeatures) {
	for name, test := range map[string]func(t *testing.T, brokers []string, open OpenHelper){
		"an event arrives as sent":             arrivesAsSent,
		"the tutorial's call works":            tutorialsCall,
		"many large events fit into any topic": manyLargeEvents,
		"many at once":                         manyAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			OnEach(t, func(t *testing.T, brokers []string) { test(t, brokers, open) })
		})
	}
	t.Run("a closed Helper loses events honestly", func(t *testing.T) { closedHelper(t, open) })
	if features.Durable {
		t.Run("a topic deleted while running", func(t *testing.T) {
			t.Parallel()
			OnEach(t, func(t *testing.T, brokers []string) { deletedTopic(t, brokers, open) })
		})
	}
}

func send(t *testing.T, h mq.Helper, key string, value []byte, headers ...mq.Header) {
	t.Helper()
	ok, err := h.SendEvent(key, value, headers...)
	require.NoError(t, err)
	require.True(t, ok)
}

func arrivesAsSent(t *testing.T, brokers []string, open OpenHelper) {
	topic := NewTopic()
	h, _ := open(t, brokers, topic)
	at := time.Date(2026, 3, 1, 12, 30, 0, 123_000_000, time.UTC)
	event := model.SearchEvent{
		ID: "0198c0de-0000-7000-8000-000000000001", Time: at, Visit: model.Visit{Surface: model.APISurface, Agent: model.BotAgent},
		Search: model.Search{Keyword: "Ёж 🍕", Sort: model.ByRelevance, Offset: 20, Limit: 10, Filters: model.Filters{Language: "ru", Author: "A & B"}},
		Value:  []byte(`[{"id":1,"title":"Ёж"}]`), Total: 21, Served: 1,
	}
	for range 2 {
		send(t, h, "Ёж 🍕", event.Value, event.Headers()...)
	}
	records := Read(t, brokers, topic, 2)
	r := records[0]
	assert.Equal(t, "Ёж 🍕", r.Key)
	assert.Equal(t, event.Value, r.Value)
	assert.True(t, at.Equal(r.Time), "the record's time is the search's: %s", r.Time)
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	assert.Regexp(t, `^/event-books/test/[0-9a-f-]{36}$`, headers["ce_source"])
	delete(headers, "ce_source")
	assert.Equal(t, map[string]string{
		"ce_specversion": "1.0", "ce_id": event.ID, "ce_type": "com.literank.books.searched",
		"ce_time": "2026-03-01T12:30:00.123Z", "content-type": "application/json",
		"ce_dataschema": "https://literank.com/event-books/schemas/books.searched/1.json",
		"ce_surface":    "api", "ce_agent": "bot", "ce_offset": "20", "ce_limit": "10", "ce_sort": "relevance",
		"ce_filters": "author=A+%26+B&language=ru", "ce_match": "exact", "ce_servedquery": "Ёж 🍕",
		"ce_totalhits": "21", "ce_servedhits": "1", "ce_sequence": "00000000000000000001",
	}, headers)
	assert.Equal(t, "00000000000000000002", records[1].Header("ce_sequence"))
	assert.Equal(t, r.Header("ce_source"), records[1].Header("ce_source"))
}

func tutorialsCall(t *testing.T, brokers []string, open OpenHelper) {
	topic := NewTopic()
	h, _ := open(t, brokers, topic)
	send(t, h, "keyword", []byte("[]"))
	r := Read(t, brokers, topic, 1)[0]
	id, err := uuid.Parse(r.Header("ce_id"))
	require.NoError(t, err)
	assert.EqualValues(t, 7, id.Version())
	at, err := time.Parse(time.RFC3339Nano, r.Header("ce_time"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), at, time.Minute)
	assert.Equal(t, at.UnixMilli(), r.Time.UnixMilli())
}

// Batches fit into topics that others made, with Kafka's default of 1 MiB.
func manyLargeEvents(t *testing.T, brokers []string, open OpenHelper) {
	topic := NewTopic()
	CreateTopic(t, brokers, topic, nil)
	h, _ := open(t, brokers, topic)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			ok, err := h.SendEvent(fmt.Sprint(i), make([]byte, 90_000))
			assert.NoError(t, err)
			assert.True(t, ok)
		})
	}
	wg.Wait()
	assert.Len(t, Read(t, brokers, topic, 60), 60)
}

// Events of one key, sent one after the other, keep their order.
func manyAtOnce(t *testing.T, brokers []string, open OpenHelper) {
	topic := NewTopic()
	h, _ := open(t, brokers, topic)
	const writers, each = 20, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				ok, err := h.SendEvent(fmt.Sprintf("key %d", w), fmt.Appendf(nil, "[%d]", i))
				assert.NoError(t, err)
				assert.True(t, ok)
			}
		})
	}
	wg.Wait()
	records := Read(t, brokers, topic, writers*each)
	KeysInOrder(t, records)
	sequences := map[string]bool{}
	for _, r := range records {
		sequences[r.Header("ce_sequence")] = true
	}
	assert.Len(t, sequences, writers*each)
}

func deletedTopic(t *testing.T, brokers []string, open OpenHelper) {
	topic := NewTopic()
	h, _ := open(t, brokers, topic)
	send(t, h, "before", []byte("[]"))
	Read(t, brokers, topic, 1)
	admin := Admin(t, brokers)
	require.NoError(t, admin.DeleteTopic(topic))
	require.Eventually(t, func() bool { // or the old topic still takes the next event
		found, err := admin.DescribeTopics([]string{topic})
		return err == nil && len(found) == 1 && found[0].Err == sarama.ErrUnknownTopicOrPartition
	}, time.Minute, 10*time.Millisecond)
	// The first events may be refused while the deletion spreads.
	require.Eventually(t, func() bool {
		ok, _ := h.SendEvent("after", []byte("[]"))
		return ok
	}, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool {
		found, err := admin.DescribeTopics([]string{topic})
		return err == nil && len(found) == 1 && found[0].Err == sarama.ErrNoError
	}, time.Minute, 10*time.Millisecond, "the topic is created anew")
	assert.Equal(t, "after", Read(t, brokers, topic, 1)[0].Key)
}

func closedHelper(t *testing.T, open OpenHelper) {
	h, closeHelper := open(t, []string{Shared(t)}, NewTopic())
	send(t, h, "k", []byte("[]"))
	closeHelper()
	ok, err := h.SendEvent("late", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, mq.ErrLost)
}
