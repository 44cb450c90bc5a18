package mq

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// A topic has as many replicas as asked for, else as there are brokers, at most
// three, and two of three have to acknowledge.
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
			cluster, err := kfake.NewCluster(kfake.NumBrokers(c.brokers))
			require.NoError(t, err)
			defer cluster.Close()
			topic := newTopic()
			q := newQueue(t, cluster.ListenAddrs(), topic, patient, WithTopicConfig(TopicConfig{Partitions: 2, Replication: c.replication, Retention: 3 * time.Hour}))
			ok, err := q.SendEvent("k", []byte("[]"))
			require.NoError(t, err)
			require.True(t, ok)

			admin, err := sarama.NewClusterAdmin(cluster.ListenAddrs(), newConfig(Security{}))
			require.NoError(t, err)
			defer admin.Close()
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

// settingsOf returns what holds for a topic, by name.
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
