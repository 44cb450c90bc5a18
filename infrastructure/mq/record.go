package mq

import (
	"time"

	"github.com/IBM/sarama"
)

// Record is one record of a topic, read or to be sent.
type Record struct {
	// Partition and Offset say where a record that was read lies. They are
	// ignored when it is sent.
	Partition int32
	Offset    int64
	Key       string
	Value     []byte
	// Time is the record's timestamp; Kafka keeps milliseconds.
	Time    time.Time
	Headers []Header
}

// Header returns the value of the first header with that key, or "".
func (r *Record) Header(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Size returns an upper estimate of the record's size on the wire, in bytes.
func (r *Record) Size() int {
	const record, header = 64, 10
	n := record + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += header + len(h.Key) + len(h.Value)
	}
	return n
}

// message returns the record as sarama sends it. Each attempt needs a new one:
// sarama keeps its state in a message.
func (r *Record) message(topic string) *sarama.ProducerMessage {
	size := len(r.Key)
	for _, h := range r.Headers {
		size += len(h.Key)
	}
	text := append(make([]byte, 0, size), r.Key...) // one allocation for all keys
	key := text[:len(text):len(text)]
	headers := make([]sarama.RecordHeader, len(r.Headers))
	for i, h := range r.Headers {
		begin := len(text)
		text = append(text, h.Key...)
		headers[i] = sarama.RecordHeader{Key: text[begin:len(text):len(text)], Value: h.Value}
	}
	return &sarama.ProducerMessage{
		Topic: topic, Timestamp: r.Time, Headers: headers,
		Key: sarama.ByteEncoder(key), Value: sarama.ByteEncoder(r.Value),
	}
}

// newRecord returns what sarama has read.
func newRecord(message *sarama.ConsumerMessage) *Record {
	r := &Record{
		Partition: message.Partition, Offset: message.Offset, Key: string(message.Key),
		Value: message.Value, Time: message.Timestamp, Headers: make([]Header, len(message.Headers)),
	}
	for i, h := range message.Headers {
		r.Headers[i] = Header{Key: string(h.Key), Value: h.Value}
	}
	return r
}
