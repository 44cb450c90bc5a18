package mq

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Kafka is a cluster and how clients reach it.
type Kafka struct {
	// Brokers are host:port of some of its brokers.
	Brokers []string
	Security
}

// newConfig returns the settings that all our clients share: asking for a topic
// never creates it, and a broker that doesn't answer fails within seconds.
func newConfig(security Security) *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "event-books"
	c.Version = sarama.V2_8_0_0 // Kafka 2.8 to 4.x speak this version
	c.Metadata.AllowAutoTopicCreation = false
	c.Net.DialTimeout = 3 * time.Second
	c.Net.ReadTimeout = 10 * time.Second
	c.Net.WriteTimeout = 10 * time.Second
	c.Admin.Timeout = 10 * time.Second
	security.apply(c)
	return c
}

// dial connects a client. If a setting is wrong, the error names it as far as it
// can be found out. A server that refuses fails within seconds; one that accepts
// the connection and stays silent fails after 45 s.
func dial(brokers []string, config *sarama.Config) (sarama.Client, error) {
	client, err := sarama.NewClient(brokers, config)
	if err == nil {
		return client, nil
	}
	if cause := wrongSetting(err, config); cause != "" {
		return nil, fmt.Errorf("connect to Kafka: %s: %w", cause, err)
	}
	return nil, fmt.Errorf("connect to Kafka: %w", err)
}
