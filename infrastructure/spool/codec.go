package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"literank.com/event-books/infrastructure/mq"
)

// event is an event that the spool accepted.
type event struct {
	mq.Record
	// source and sequence identify it; its headers carry them, too.
	source   string
	sequence uint64
}

// The format of an event in the spool, version 1. Numbers are big-endian, or
// uvarints as in Go's encoding/binary.
//
//	 0  version, one byte
//	 1  sequence, 8 bytes
//	 9  time in nanoseconds since 1970, 8 bytes
//	17  source: its length as uvarint, and the text
//	    key: likewise
//	    number of headers, uvarint; of each the key and the value, likewise
//	    value: the rest
//
// The headers lack ce_source and ce_sequence.
const (
	eventVersion = 1
	sequenceAt   = 1
)

// appendHead encodes an event without its value, which follows, and with
// sequence 0.
func appendHead(b []byte, source, key string, headers []mq.Header) []byte {
	headers, at := mq.CompleteHeaders(headers)
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

// decodeEvent reads an encoded event. The event refers to b.
func decodeEvent(b []byte, keys headerKeys) (*event, error) {
	if len(b) < 17 {
		return nil, errEventCutOff
	}
	if b[0] != eventVersion {
		return nil, fmt.Errorf("the event has version %d, this program knows %d", b[0], eventVersion)
	}
	e := &event{sequence: binary.BigEndian.Uint64(b[sequenceAt:])}
	e.Time = time.Unix(0, int64(binary.BigEndian.Uint64(b[9:])))
	d := decoder{rest: b[17:]}
	e.source, e.Key = string(d.text()), string(d.text())
	count := d.uvarint()
	if count > uint64(len(d.rest)) {
		return nil, errEventCutOff
	}
	e.Headers = make([]mq.Header, count, count+2)
	for i := range e.Headers {
		e.Headers[i] = mq.Header{Key: keys.intern(d.text()), Value: d.text()}
	}
	if d.failed {
		return nil, errEventCutOff
	}
	e.Value = d.rest
	e.Headers = mq.AppendSource(e.Headers, e.source, e.sequence)
	return e, nil
}

// headerKeys are keys that were decoded before. They save allocations, because
// nearly all events have the same keys. The zero value remembers nothing.
type headerKeys map[string]string

func (k headerKeys) intern(text []byte) string {
	if key, ok := k[string(text)]; ok {
		return key
	}
	const most = 100
	key := string(text)
	if k != nil && len(k) < most {
		k[key] = key
	}
	return key
}

// decoder takes an encoded event apart.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) uvarint() uint64 {
	n, length := binary.Uvarint(d.rest)
	if length <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[length:]
	return n
}

func (d *decoder) text() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return nil
	}
	text := d.rest[:n:n]
	d.rest = d.rest[n:]
	return text
}
