package mq_test

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// A topic has as many replicas as configured, else one on each broker and at
// most three. Of three, two must acknowledge.
func TestReplicasOfATopic(t *testing.T) {
	for name, c := range map[string]struct {
		brokers, replication int
		want                 int
		minISR               string
	}{
		"one broker":            {1, 0, 1, "1"},
		"two brokers":           {2, 0, 2, "1"},
		"three brokers":         {3, 0, 3, "2"},
		"four brokers":          {4, 0, 3, "2"},
		"fewer than there are":  {4, 2, 2, "1"},
		"one, though there are": {3, 1, 1, "1"},
		"more than by default":  {4, 4, 4, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, brokers := mqtest.FakeKafka(t, kfake.NumBrokers(c.brokers))
			topic := mqtest.NewTopic()
			q := newQueue(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 2, Replication: c.replication, Retention: 3 * time.Hour}))
			ok, err := q.SendEvent("k", []byte("[]"))
			require.NoError(t, err)
			require.True(t, ok)

			admin := mqtest.Admin(t, brokers)
			found, err := admin.DescribeTopics([]string{topic})
			require.NoError(t, err)
			require.Len(t, found[0].Partitions, 2)
			assert.Len(t, found[0].Partitions[0].Replicas, c.want)
			values := settingsOf(t, admin, topic)
			assert.Equal(t, c.minISR, values["min.insync.replicas"])
			assert.Equal(t, "10800000", values["retention.ms"])
			assert.Equal(t, "15728640", values["max.message.bytes"])
		})
	}
}

// settingsOf returns the settings of a topic by name.
func settingsOf(t *testing.T, admin sarama.ClusterAdmin, topic string) map[string]string {
	t.Helper()
	found, err := admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic}}, sarama.DescribeConfigsOptions{})
	require.NoError(t, err)
	require.Len(t, found, 1)
	values := map[string]string{}
	for _, e := range found[0].Configs {
		values[e.Name] = e.Value
	}
	return values
}
