//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
)

const (
	// remembered is how many records of a topic may be sent once more.
	remembered = 2000
	// copyEvery is how often records are sent once more, and copiesAtOnce how many.
	copyEvery    = time.Second
	copiesAtOnce = 20
	// copiesAtTheEnd are sent once everything is counted.
	copiesAtTheEnd = 200
)

// copier sends records of topics once more, as they are, by a producer that isn't the shop's.
// It also sends searches of the demo, of a source of its own.
type copier struct {
	brokers []string
	rng     *rand.Rand
	topics  []*copiedTopic
	demo    string // source
	demos   uint64 // sequence
	// unsent is the event of the demo that may not have arrived. A sequence that never
	// arrives would be missed for ever.
	unsent *sarama.ProducerMessage
}

// copiedTopic has a sample of the records of a topic.
type copiedTopic struct {
	name   string
	reader *testbed.TopicReader
	seen   int
	sample []*sarama.ConsumerMessage
}

func newCopier(brokers []string, seed uint64, topics ...string) *copier {
	c := &copier{brokers: brokers, rng: rand.New(rand.NewPCG(seed, 2)), demo: "/event-books/demo/" + uuid.NewString()}
	for _, topic := range topics {
		c.topics = append(c.topics, &copiedTopic{name: topic, reader: testbed.NewTopicReader(brokers, topic)})
	}
	return c
}

// run sends copies until ctx ends. A broker may be away: what fails is left out.
func (c *copier) run(ctx context.Context) {
	for testbed.Sleep(ctx, copyEvery) == nil {
		_ = c.send(ctx, copiesAtOnce)
	}
}

// send sends n copies of records of each topic, and an event of the demo.
func (c *copier) send(ctx context.Context, n int) error {
	var messages []*sarama.ProducerMessage
	for _, t := range c.topics {
		if err := t.reader.Read(ctx, func(m *sarama.ConsumerMessage) { c.sample(t, m) }); err != nil {
			return err
		}
		if len(t.sample) == 0 {
			continue
		}
		for range n {
			messages = append(messages, again(t.sample[c.rng.IntN(len(t.sample))]))
		}
	}
	if searches := c.topics[0].sample; c.unsent == nil && len(searches) > 0 {
		c.unsent = c.demoEvent(searches[c.rng.IntN(len(searches))])
	}
	if c.unsent != nil {
		messages = append(messages, c.unsent)
	}
	err := sendPlainly(c.brokers, messages)
	if err == nil {
		c.unsent = nil
	}
	return err
}

// sample keeps a random sample.
func (c *copier) sample(t *copiedTopic, m *sarama.ConsumerMessage) {
	t.seen++
	if len(t.sample) < remembered {
		t.sample = append(t.sample, m)
	} else if i := c.rng.IntN(t.seen); i < remembered {
		t.sample[i] = m
	}
}

// again is a copy of a record, in the same partition.
func again(m *sarama.ConsumerMessage) *sarama.ProducerMessage {
	message := &sarama.ProducerMessage{
		Topic: m.Topic, Partition: m.Partition, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value), Timestamp: m.Timestamp,
	}
	for _, h := range m.Headers {
		message.Headers = append(message.Headers, *h)
	}
	return message
}

// demoEvent is another search like that of a record, by a simulated shopper.
func (c *copier) demoEvent(like *sarama.ConsumerMessage) *sarama.ProducerMessage {
	c.demos++
	own := map[string]string{
		"ce_id": uuid.Must(uuid.NewV7()).String(), "ce_source": c.demo, "ce_sequence": fmt.Sprintf("%020d", c.demos),
		"ce_surface": string(model.DemoSurface),
	}
	message := again(like)
	for i, h := range message.Headers {
		if value, replaced := own[string(h.Key)]; replaced {
			message.Headers[i].Value = []byte(value)
		}
	}
	return message
}

// sendPlainly sends messages to their partitions, and waits until all replicas have them.
func sendPlainly(brokers []string, messages []*sarama.ProducerMessage) (err error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Metadata.AllowAutoTopicCreation = false
	config.Net.DialTimeout, config.Net.ReadTimeout, config.Net.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.MaxMessageBytes = 15 << 20
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(brokers, config)
	if err != nil {
		return fmt.Errorf("send copies: %w", err)
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	if err := producer.SendMessages(messages); err != nil {
		return fmt.Errorf("send %d copies: %w", len(messages), err)
	}
	return nil
}
