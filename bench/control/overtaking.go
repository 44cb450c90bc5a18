// Package control has the weakened parts of the negative controls. Tests and benches put
// them into a shop and check that they detect the weakness. The commands in its folders
// are the shop with such a part.
package control

import (
	"context"
	"sync"

	"github.com/IBM/sarama"

	"literank.com/event-books/infrastructure/mq"
)

// Broker is the part of a spool.Broker that Overtaking leaves as it is. It repeats
// that interface, because the tests of package spool import this package.
type Broker interface {
	Partitions(ctx context.Context) (int32, error)
	State() mq.State
}

// Overtaking is a Broker that breaks the order of events. It sends parts of a batch at the
// same time, with a producer that gives up early, and sends a failed event again after
// later ones.
type Overtaking struct {
	Broker
	Brokers []string
	Topic   string
}

// Deliver sends each event until Kafka acknowledges it or ctx ends.
func (o *Overtaking) Deliver(ctx context.Context, events []*mq.Record, _ int32, report func(event *mq.Record, rejection error)) (left []*mq.Record, err error) {
	const atOnce, part = 4, 20
	producer, err := sarama.NewSyncProducer(o.Brokers, o.config())
	if err != nil {
		return events, err
	}
	defer producer.Close()
	var sending sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for from := 0; from < len(events); from += part {
		places <- struct{}{}
		sending.Go(func() {
			o.send(ctx, producer, events[from:min(from+part, len(events))])
			<-places
		})
	}
	sending.Wait()
	if ctx.Err() != nil {
		return events, context.Cause(ctx)
	}
	for _, event := range events {
		report(event, nil)
	}
	return nil, nil
}

// send retries the events that failed.
func (o *Overtaking) send(ctx context.Context, producer sarama.SyncProducer, events []*mq.Record) {
	messages := make([]*sarama.ProducerMessage, len(events))
	for i, event := range events {
		messages[i] = o.message(event)
	}
	for len(messages) > 0 && ctx.Err() == nil {
		err := producer.SendMessages(messages)
		failed, _ := err.(sarama.ProducerErrors)
		messages = messages[:0]
		for _, f := range failed {
			messages = append(messages, f.Msg)
		}
	}
}

func (o *Overtaking) message(event *mq.Record) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: o.Topic, Key: sarama.StringEncoder(event.Key), Value: sarama.ByteEncoder(event.Value), Timestamp: event.Time}
	for _, h := range event.Headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return m
}

func (o *Overtaking) config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Metadata.AllowAutoTopicCreation = false
	config.Metadata.Retry.Max = 1
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.MaxMessageBytes = 15 << 20
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 1
	return config
}
