package mq

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// NewSource returns the ce_source of the events that this process accepts. It
// names the instance (the host if instance is empty) and contains a random id,
// so that each start has a source of its own.
func NewSource(instance string) (string, error) {
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

// CompleteHeaders adds ce_id and ce_time if headers lack them, and returns the
// event's time. A ce_time that isn't RFC 3339 is kept, followed by one with the
// present time.
func CompleteHeaders(headers []Header) (all []Header, at time.Time) {
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

// AppendSource adds ce_source and ce_sequence: the identity of an event among
// all events.
func AppendSource(headers []Header, source string, sequence uint64) []Header {
	const zeros = "00000000000000000000"
	digits := strconv.FormatUint(sequence, 10)
	return append(headers,
		Header{Key: "ce_source", Value: []byte(source)},
		Header{Key: "ce_sequence", Value: []byte(zeros[len(digits):] + digits)})
}
