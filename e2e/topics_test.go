//go:build unix

package e2e

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While a topic is missing, the other one is sent and counted. The rest follows when the topic is
// there again: each topic has a spool and a consumer group of its own.
func TestPromise3TroubleWithOneTopicHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	brokers := os.Getenv("TEST_KAFKA_BROKERS")
	if brokers == "" {
		t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
	}
	config := sarama.NewConfig()
	config.Producer.Return.Successes, config.Producer.Retry.Max, config.Metadata.Retry.Max = true, 0, 0
	admin, err := sarama.NewClusterAdmin(strings.Split(brokers, ","), config)
	require.NoError(t, err)
	defer admin.Close()
	producer, err := sarama.NewSyncProducer(strings.Split(brokers, ","), config)
	require.NoError(t, err)
	defer producer.Close()
	prefix := "test-" + uuid.NewString() + "-"
	create := func(topic string) {
		t.Helper()
		require.Eventually(t, func() bool {
			return admin.CreateTopic(prefix+topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false) == nil
		}, time.Minute, 50*time.Millisecond)
	}
	create(topic)
	create(clickTopic)
	p := start(t, t.TempDir(), []string{"EVENT_BOOKS_MQ_BROKERS=" + brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix, "EVENT_BOOKS_MQ_REPLICATION=3"}) // one broker can't create such a topic
	address := p.ready()
	p.stocked()
	const n = 5
	search := func() {
		t.Helper()
		for i := range n {
			page := visited(t, http.MethodGet, fmt.Sprintf("%s/?q=love&tag=%d", address, i), nil)
			link := bookLink.FindStringSubmatch(page.body)
			require.NotEmpty(t, link)
			require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, address+html.UnescapeString(link[1]), nil).code)
		}
	}
	search()
	sent := n
	for missing, other := range map[string]string{clickTopic: topic, topic: clickTopic} {
		p.eventually("all is counted", func() bool { return p.handled(prefix+topic) == sent && p.handled(prefix+clickTopic) == sent })
		require.NoError(t, admin.DeleteTopic(prefix+missing))
		p.eventually("the topic is gone", func() bool { // until then, Kafka may acknowledge records and lose them
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: prefix + missing, Headers: []sarama.RecordHeader{{Key: []byte("ce_type"), Value: []byte("probe")}}})
			return err != nil
		})
		search()
		sent += n
		p.eventually("the other topic is counted", func() bool { return p.handled(prefix+other) == sent })
		create(missing)
		p.eventually("the rest follows", func() bool { return p.handled(prefix+missing) == sent })
	}
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
