package mq

import (
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/domain/model"
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
func (r *Record) Header(key string) string { return model.FindHeader(r.Headers, key) }

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
	return newMessageMaker(topic, []*Record{r}).message(r)
}

// messageMaker makes the messages of a batch. They share three allocations.
type messageMaker struct {
	topic    string
	messages []sarama.ProducerMessage
	headers  []sarama.RecordHeader
	text     []byte // keys of records and headers
}

// newMessageMaker makes room for the messages of records.
func newMessageMaker(topic string, records []*Record) *messageMaker {
	headers, text := 0, 0
	for _, r := range records {
		headers += len(r.Headers)
		text += len(r.Key)
		for _, h := range r.Headers {
			text += len(h.Key)
		}
	}
	return &messageMaker{
		topic: topic, messages: make([]sarama.ProducerMessage, 0, len(records)),
		headers: make([]sarama.RecordHeader, 0, headers), text: make([]byte, 0, text),
	}
}

func (m *messageMaker) message(r *Record) *sarama.ProducerMessage {
	first := len(m.headers)
	for _, h := range r.Headers {
		m.headers = append(m.headers, sarama.RecordHeader{Key: m.bytes(h.Key), Value: h.Value})
	}
	m.messages = append(m.messages, sarama.ProducerMessage{
		Topic: m.topic, Timestamp: r.Time, Headers: m.headers[first:len(m.headers):len(m.headers)],
		Key: sarama.ByteEncoder(m.bytes(r.Key)), Value: sarama.ByteEncoder(r.Value),
	})
	return &m.messages[len(m.messages)-1]
}

func (m *messageMaker) bytes(text string) []byte {
	first := len(m.text)
	m.text = append(m.text, text...)
	return m.text[first:len(m.text):len(m.text)]
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
