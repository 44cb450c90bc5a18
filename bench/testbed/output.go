// Package testbed helps tests and benches that make a shop and its Kafka fail. It runs
// the shop and other child processes and collects their output, runs its own Apache Kafka
// or embedded broker and a forwarder in front of it, creates databases, reads topics, and
// writes a result into a page of docs. It must not know the shop's packages, except for the
// format of events.
package testbed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Output collects the output of a process or a logger. It may be written and read
// concurrently.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var listening = regexp.MustCompile(`listening.*?(http://127\.0\.0\.1:\d+)`)

// URL returns the address that the process has logged as listening, or "".
func (o *Output) URL() string {
	if found := listening.FindStringSubmatch(o.String()); found != nil {
		return found[1]
	}
	return ""
}

// Attr returns an attribute of the last JSON log line with that message, or "" if
// there is none.
func (o *Output) Attr(message, key string) (value string) {
	for line := range strings.Lines(o.String()) {
		var entry map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber() // large numbers keep their digits
		if decoder.Decode(&entry) == nil && entry["msg"] == message && entry[key] != nil {
			value = fmt.Sprint(entry[key])
		}
	}
	return value
}
