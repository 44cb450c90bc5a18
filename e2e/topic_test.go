//go:build unix

package e2e

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The topic has the configured settings, and events go there.
func TestTopicSettings(t *testing.T) {
	t.Parallel()
	settings := func(prefix string) []string {
		return []string{
			"EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix, "EVENT_BOOKS_MQ_TOPIC=searches", "EVENT_BOOKS_MQ_PARTITIONS=2",
			"EVENT_BOOKS_MQ_RETENTION=2d", "EVENT_BOOKS_MQ_REPLICATION=1", "EVENT_BOOKS_MQ_BROKER_MAX_BYTES=33554432",
		}
	}
	run := func(t *testing.T, environ []string, prefix, brokers string) {
		p := start(t, t.TempDir(), append(settings(prefix), environ...))
		url := p.ready()
		if brokers == "" {
			brokers = p.broker()
		}
		p.connected()
		require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
		topic := prefix + "searches"
		assert.Equal(t, "love", events(t, brokers, topic, 1)[0].Key)

		config := sarama.NewConfig()
		admin, err := sarama.NewClusterAdmin(strings.Split(brokers, ","), config)
		require.NoError(t, err)
		defer admin.Close()
		found, err := admin.DescribeTopics([]string{topic, "searches"})
		require.NoError(t, err)
		require.Len(t, found, 2)
		for _, metadata := range found {
			if metadata.Name == topic {
				require.Len(t, metadata.Partitions, 2)
				assert.Len(t, metadata.Partitions[0].Replicas, 1)
			} else {
				assert.Equal(t, sarama.ErrUnknownTopicOrPartition, metadata.Err, "no topic without the prefix")
			}
		}
		asked, want := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}}, "172800000"
		if len(environ) == 0 { // the embedded broker ignores retention by time
			asked, want = sarama.ConfigResource{Type: sarama.BrokerResource, Name: "0", ConfigNames: []string{"log.retention.bytes"}}, "33554432"
		}
		described, err := admin.DescribeConfigs([]*sarama.ConfigResource{&asked}, sarama.DescribeConfigsOptions{})
		require.NoError(t, err)
		require.Len(t, described, 1)
		require.Len(t, described[0].Configs, 1)
		assert.Equal(t, want, described[0].Configs[0].Value)
		assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	}
	t.Run("embedded", func(t *testing.T) { run(t, nil, "shop2.", "") })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		run(t, []string{"EVENT_BOOKS_MQ_BROKERS=" + brokers}, "test-"+uuid.NewString()+".", brokers)
	})
}
