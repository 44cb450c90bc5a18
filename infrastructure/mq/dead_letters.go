package mq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/IBM/sarama"

	"literank.com/event-books/infrastructure/disk"
)

const (
	// deadSuffix makes a topic's name that of its dead letters.
	deadSuffix      = ".dead"
	deadLettersName = "dead-letters.jsonl"
	// deadPatience is how long the topic of dead letters is tried, deadRest how
	// long it isn't after it failed.
	deadPatience = 10 * time.Second
	deadRest     = time.Minute
)

// deadLetters take the events that Kafka refuses for good: a topic, and where
// that fails a file in the spool's folder.
type deadLetters struct {
	queue *KafkaQueue
	dir   string

	// of the one goroutine that puts
	producer  *producer
	notBefore time.Time

	mu sync.Mutex // one line at a time
}

var errDeadTopicRests = errors.New("the topic of dead letters took none a moment ago")

// deadLetter is a line of the file.
type deadLetter struct {
	Time    time.Time         `json:"time"`
	Reason  string            `json:"reason"`
	Topic   string            `json:"topic"`
	Key     string            `json:"key"`
	Headers map[string]string `json:"headers"`
	// Value is the record's value as text, or Bytes where it isn't UTF-8.
	Value string `json:"value,omitempty"`
	Bytes []byte `json:"value_base64,omitempty"`
}

// put returns where the event lies now.
func (d *deadLetters) put(ctx context.Context, e *event, reason error) (place string, err error) {
	topicErr := d.send(ctx, e, reason)
	if topicErr == nil {
		return d.queue.topic + deadSuffix, nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err := d.write(e, reason); err != nil {
		return "", errors.Join(topicErr, err)
	}
	return filepath.Join(d.dir, deadLettersName), nil
}

// send sends the event to the topic of dead letters, by a producer of its own,
// so that the events that are well don't suffer. After a failure it doesn't try
// for a while. The record's time is now, since the event's may be what was
// refused.
func (d *deadLetters) send(ctx context.Context, e *event, reason error) (err error) {
	if time.Now().Before(d.notBefore) {
		return errDeadTopicRests
	}
	defer func() {
		if err != nil && !refused(err) && ctx.Err() == nil {
			d.notBefore = time.Now().Add(deadRest)
		}
	}()
	bounded, cancel := context.WithTimeout(ctx, d.queue.options.deadPatience)
	defer cancel()
	p, err := d.connect(bounded)
	if err != nil {
		return err
	}
	topic := d.queue.topic + deadSuffix
	count, err := p.partitions(bounded, topic)
	if err != nil {
		return err
	}
	message := e.message(topic, 0)
	message.Timestamp = time.Now()
	message.Headers = append(message.Headers[:len(message.Headers):len(message.Headers)],
		sarama.RecordHeader{Key: []byte("dead_reason"), Value: []byte(reason.Error())},
		sarama.RecordHeader{Key: []byte("dead_topic"), Value: []byte(d.queue.topic)})
	if message.Partition, err = sarama.NewMurmur2Partitioner(topic).Partition(message, count); err != nil {
		return err
	}
	return p.send(bounded, []*sarama.ProducerMessage{message}, deadPatience, deadPatience, func() {})[0]
}

// connect returns a producer for the topic of dead letters, which is made if it
// is missing. It gives up when ctx ends; what it began goes on in the
// background.
func (d *deadLetters) connect(ctx context.Context) (*producer, error) {
	if d.producer != nil && !d.producer.isDropped() {
		return d.producer, nil
	}
	p, err := d.queue.connectWithin(ctx, d.queue.topic+deadSuffix)
	d.producer = p
	return p, err
}

// close ends the producer, if there is one.
func (d *deadLetters) close() {
	if d.producer != nil {
		d.producer.drop()
	}
}

// write appends the event to the file; it is on disk afterwards.
func (d *deadLetters) write(e *event, reason error) error {
	letter := deadLetter{
		Time: time.Now().UTC(), Reason: reason.Error(), Topic: d.queue.topic,
		Key: string(e.key), Headers: make(map[string]string, len(e.headers)), Value: string(e.value),
	}
	for _, h := range e.headers {
		letter.Headers[string(h.Key)] = string(h.Value)
	}
	if !utf8.Valid(e.value) {
		letter.Value, letter.Bytes = "", e.value
	}
	return d.append(letter)
}

// writeRaw appends what can't be read as an event.
func (d *deadLetters) writeRaw(data []byte, reason error) error {
	return d.append(deadLetter{Time: time.Now().UTC(), Reason: reason.Error(), Topic: d.queue.topic, Bytes: data})
}

func (d *deadLetters) append(letter deadLetter) error {
	line, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Join(d.dir, deadLettersName)
	isNew := !exists(name)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	err = appendLine(f, line)
	if err == nil {
		err = f.Sync()
	}
	if err == nil && isNew {
		err = disk.SyncFolder(d.dir)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	return nil
}

// appendLine leaves a line that an earlier crash has cut off alone on its own.
func appendLine(f *os.File, line []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if size := info.Size(); size > 0 {
		var end [1]byte
		if _, err := f.ReadAt(end[:], size-1); err != nil {
			return err
		}
		if end[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = f.Write(append(line, '\n'))
	return err
}
