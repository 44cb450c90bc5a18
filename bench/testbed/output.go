// Package testbed has what tests and benches need that make a shop and its Kafka
// fail and look at the result: child processes and their output, an Apache Kafka
// of their own, a forwarder in front of it, a reader of its topics, and the page
// of docs that takes the result. It must not know the shop.
package testbed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Output collects what a process prints or a logger writes. It may be written
// and read at the same time.
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

// URL returns where the process listens, "" until it has logged that.
func (o *Output) URL() string {
	if found := listening.FindStringSubmatch(o.String()); found != nil {
		return found[1]
	}
	return ""
}

// Attr returns an attribute of the last line in JSON with that message, "" if
// there is none.
func (o *Output) Attr(message, key string) (value string) {
	for line := range strings.Lines(o.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message && entry[key] != nil {
			value = fmt.Sprint(entry[key])
		}
	}
	return value
}
