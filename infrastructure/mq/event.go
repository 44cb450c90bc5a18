package mq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
)

// event is an event that was accepted: it has its number and isn't changed
// any more.
type event struct {
	// source and sequence identify it, together with those of the same source.
	source   string
	sequence uint64
	time     time.Time
	key      []byte
	// headers lack ce_source and ce_sequence until it is numbered.
	headers []sarama.RecordHeader
	value   []byte
	// alone: it must not share a batch with others, which would be refused with it.
	alone bool
	// tried: it may be in the topic.
	tried bool
	// unreadable is what the spool holds in its place, and why: a later version
	// has written it.
	unreadable []byte
	reason     error
}

// newEvent is an event that isn't numbered yet.
func newEvent(key string, value []byte, headers []Header) *event {
	headers, at := supply(headers)
	e := &event{time: at, key: []byte(key), value: value, headers: make([]sarama.RecordHeader, len(headers), len(headers)+2)}
	for i, h := range headers {
		e.headers[i] = sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value}
	}
	return e
}

// supply adds ce_id and ce_time where they are lacking, and returns the time of
// the event.
func supply(headers []Header) (all []Header, at time.Time) {
	hasID := false
	for _, h := range headers {
		switch h.Key {
		case "ce_id":
			hasID = true
		case "ce_time":
			if t, err := time.Parse(time.RFC3339Nano, string(h.Value)); err == nil {
				at = t
			}
		}
	}
	all = headers[:len(headers):len(headers)]
	if !hasID {
		all = append(all, Header{Key: "ce_id", Value: []byte(uuid.Must(uuid.NewV7()).String())})
	}
	if at.IsZero() {
		at = time.Now()
		all = append(all, Header{Key: "ce_time", Value: []byte(at.UTC().Format(time.RFC3339Nano))})
	}
	return all, at
}

// newSource names the events of one start of an instance.
func newSource(instance string) (string, error) {
	if instance == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		instance = host
	}
	start, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("make an id of this start: %w", err)
	}
	return "/event-books/" + instance + "/" + start.String(), nil
}

// number says which event of which source it is.
func (e *event) number(source string, sequence uint64) {
	e.source, e.sequence = source, sequence
	const zeros = "00000000000000000000"
	digits := strconv.FormatUint(sequence, 10)
	e.headers = append(e.headers,
		sarama.RecordHeader{Key: []byte("ce_source"), Value: []byte(source)},
		sarama.RecordHeader{Key: []byte("ce_sequence"), Value: []byte(zeros[len(digits):] + digits)})
}

// message makes a record of the event, a new one for each try: sarama keeps its
// state in them.
func (e *event) message(topic string, partition int32) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{
		Topic: topic, Partition: partition, Timestamp: e.time, Headers: e.headers,
		Key: sarama.ByteEncoder(e.key), Value: sarama.ByteEncoder(e.value),
	}
}

// size is about that of the record, in bytes.
func (e *event) size() int {
	const record, header = 64, 10
	n := record + len(e.key) + len(e.value)
	for _, h := range e.headers {
		n += header + len(h.Key) + len(h.Value)
	}
	return n
}

// The form of an event in the spool, version 1. Numbers are big-endian or, where
// it says uvarint, as in Go's encoding/binary.
//
//	 0  version, one byte
//	 1  sequence, 8 bytes
//	 9  time in nanoseconds since 1970, 8 bytes
//	17  source: its length as uvarint, and the text
//	    key: likewise
//	    number of headers, uvarint; of each the key and the value, likewise
//	    value: the rest
const (
	eventVersion = 1
	sequenceAt   = 1
)

// appendHead encodes all of an event that isn't numbered yet but its value,
// which follows.
func appendHead(b []byte, source, key string, headers []Header) []byte {
	headers, at := supply(headers)
	b = append(b, eventVersion)
	b = binary.BigEndian.AppendUint64(b, 0) // setSequence
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
	b = appendText(b, source)
	b = appendText(b, key)
	b = binary.AppendUvarint(b, uint64(len(headers)))
	for _, h := range headers {
		b = appendText(b, h.Key)
		b = appendText(b, h.Value)
	}
	return b
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// setSequence numbers an encoded event.
func setSequence(head []byte, sequence uint64) {
	binary.BigEndian.PutUint64(head[sequenceAt:], sequence)
}

var errEventCutOff = errors.New("the event ends early")

// decodeEvent reads what a spool holds. The event keeps b.
func decodeEvent(b []byte) (*event, error) {
	if len(b) < 17 {
		return nil, errEventCutOff
	}
	if b[0] != eventVersion {
		return nil, fmt.Errorf("the event has version %d, this program knows %d", b[0], eventVersion)
	}
	e := &event{time: time.Unix(0, int64(binary.BigEndian.Uint64(b[9:])))}
	r := eventReader{rest: b[17:]}
	source := r.text()
	e.key = r.text()
	count := r.uvarint()
	if count > uint64(len(r.rest)) {
		return nil, errEventCutOff
	}
	e.headers = make([]sarama.RecordHeader, count, count+2)
	for i := range e.headers {
		e.headers[i] = sarama.RecordHeader{Key: r.text(), Value: r.text()}
	}
	if r.failed {
		return nil, errEventCutOff
	}
	e.value = r.rest
	e.number(string(source), binary.BigEndian.Uint64(b[sequenceAt:]))
	return e, nil
}

// eventReader takes an encoded event apart.
type eventReader struct {
	rest   []byte
	failed bool
}

func (r *eventReader) uvarint() uint64 {
	n, length := binary.Uvarint(r.rest)
	if length <= 0 {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[length:]
	return n
}

func (r *eventReader) text() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	text := r.rest[:n:n]
	r.rest = r.rest[n:]
	return text
}
