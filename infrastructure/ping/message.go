// Package ping measures round trips through Kafka. A Pinger sends pings to one topic, and an
// Echo, in this process or another one, answers each on another topic. Any number of pingers
// and echoes share the topics. It must not know HTTP.
//
// A ping has its id as the key, and the value {"id": …, "name": "Ping", "value": "Pong"}. The
// reply has the same key, and the value "Ping Pong ( <id> ) ". Both are the tutorial's.
package ping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/infrastructure/mq"
)

const (
	// Timeout is how long a ping waits for its reply. An Echo skips pings that are older when
	// it begins.
	Timeout = 10 * time.Second
	// maxID is the longest id that an Echo answers, in bytes.
	maxID = 100
)

// Topics are the names of the two topics.
type Topics struct{ Ping, Pong string }

// TopicConfig returns how to create the topics, given how to create others. Their records
// matter for seconds, and are small.
func TopicConfig(c mq.TopicConfig) mq.TopicConfig {
	c.Retention, c.MaxBytes = time.Hour, 1<<20
	return c
}

// message is the value of a ping.
type message struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// newPing returns the record of a ping.
func newPing(id string) *mq.Record {
	value, err := json.Marshal(message{ID: id, Name: "Ping", Value: "Pong"})
	if err != nil {
		panic(err) // texts always encode
	}
	return &mq.Record{Key: id, Value: value, Time: time.Now()}
}

var errNoPing = errors.New("it is no ping")

// idOf returns the id of a ping, perhaps of another program: its key or, if it has none, the
// id in its value.
func idOf(r *mq.Record) (string, error) {
	var m struct {
		ID   any    `json:"id"`
		Name string `json:"name"`
	}
	if err := json.Unmarshal(r.Value, &m); err != nil || m.Name != "Ping" {
		return "", errNoPing
	}
	id := r.Key
	if text, ok := m.ID.(string); ok && id == "" {
		id = text
	}
	if id == "" || len(id) > maxID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return "", fmt.Errorf("its id must have 1 to %d bytes, and no control characters", maxID)
	}
	return id, nil
}

// reply is the text that answers a ping.
func reply(id string) string { return "Ping Pong ( " + id + " ) " }

// newReply returns the record that answers a ping.
func newReply(id string) *mq.Record {
	return &mq.Record{Key: id, Value: []byte(reply(id)), Time: time.Now()}
}

// answers reports whether a record is the reply to a ping. Spaces at its ends don't matter.
func answers(r *mq.Record, id string) bool {
	return r.Key == id && strings.TrimSpace(string(r.Value)) == strings.TrimSpace(reply(id))
}
