package spool

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

	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/mq"
)

const (
	deadLettersName = "dead-letters.jsonl"
	// deadTimeout limits one attempt to send a dead letter. After a failure, the
	// drainer doesn't use the topic for deadPause.
	deadTimeout = 10 * time.Second
	deadPause   = time.Minute
)

// deadLetters stores events that the broker rejects permanently: in a topic of
// their own, or in a file in the spool's folder if that topic fails.
type deadLetters struct {
	dir string
	// topic names the topic that rejected the events, deadTopic the one of dead
	// letters.
	topic, deadTopic string
	// broker sends dead letters. It is apart from the broker of events, so a
	// failure of one doesn't affect the other's connection.
	broker  Broker
	timeout time.Duration // deadTimeout

	notBefore time.Time // of the drainer's goroutine

	mu sync.Mutex // one line at a time
}

var errDeadTopicPaused = errors.New("the topic of dead letters failed a moment ago")

// deadLetter is a line of the file.
type deadLetter struct {
	Time    time.Time         `json:"time"`
	Reason  string            `json:"reason"`
	Topic   string            `json:"topic"`
	Key     string            `json:"key"`
	Headers map[string]string `json:"headers"`
	// Value is the record's value as text, or Bytes if it isn't UTF-8.
	Value string `json:"value,omitempty"`
	Bytes []byte `json:"value_base64,omitempty"`
}

// put returns where the event lies now: a topic or a file.
func (d *deadLetters) put(ctx context.Context, event *mq.Record, reason error) (place string, err error) {
	topicErr := d.publish(ctx, event, reason)
	if topicErr == nil {
		return d.deadTopic, nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err := d.write(event, reason); err != nil {
		return "", errors.Join(topicErr, err)
	}
	return filepath.Join(d.dir, deadLettersName), nil
}

// publish sends the event to the topic of dead letters. If that topic fails, it
// isn't tried again for a while. The record's time is the present, because the
// broker may have rejected the event's own time.
func (d *deadLetters) publish(ctx context.Context, event *mq.Record, reason error) error {
	if time.Now().Before(d.notBefore) {
		return errDeadTopicPaused
	}
	letter := *event
	letter.Time = time.Now()
	letter.Headers = append(letter.Headers[:len(letter.Headers):len(letter.Headers)],
		mq.Header{Key: mq.DeadReason, Value: []byte(reason.Error())},
		mq.Header{Key: mq.DeadTopic, Value: []byte(d.topic)})
	bounded, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	rejection, err := d.deliver(bounded, &letter)
	if err != nil && ctx.Err() == nil {
		d.notBefore = time.Now().Add(deadPause)
	}
	return errors.Join(rejection, err)
}

// deliver tries once.
func (d *deadLetters) deliver(ctx context.Context, letter *mq.Record) (rejection, err error) {
	count, err := d.broker.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	left, err := d.broker.Deliver(ctx, []*mq.Record{letter}, count, func(_ *mq.Record, reason error) { rejection = reason })
	if err == nil && len(left) > 0 {
		err = errors.New("the topic of dead letters did not take the event")
	}
	return rejection, err
}

// write appends the event to the file and syncs it.
func (d *deadLetters) write(event *mq.Record, reason error) error {
	letter := deadLetter{
		Time: time.Now().UTC(), Reason: reason.Error(), Topic: d.topic,
		Key: event.Key, Headers: make(map[string]string, len(event.Headers)), Value: string(event.Value),
	}
	for _, h := range event.Headers {
		letter.Headers[h.Key] = string(h.Value)
	}
	if !utf8.Valid(event.Value) {
		letter.Value, letter.Bytes = "", event.Value
	}
	return d.append(letter)
}

// writeRaw appends an unreadable record.
func (d *deadLetters) writeRaw(data []byte, reason error) error {
	return d.append(deadLetter{Time: time.Now().UTC(), Reason: reason.Error(), Topic: d.topic, Bytes: data})
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

// appendLine starts a new line even if a crash has cut off the last one.
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

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
