package api

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPingsInAsyncAPI(t *testing.T) {
	document := readAsyncAPI(t)
	assert.Equal(t, "ping", document.Channels["pings"].Address)
	assert.Equal(t, "pong", document.Channels["pongs"].Address)
	for _, channel := range []string{"pings", "pongs"} {
		settings := document.Channels[channel].Bindings.Kafka.TopicConfiguration
		assert.Equal(t, 3600000, settings["retention.ms"])
		assert.Equal(t, 1<<20, settings["max.message.bytes"])
	}
	for _, message := range []string{"ping", "pong"} {
		_, payload := exampleOfPing(t, message)
		assert.NoError(t, described(t, message, "payload").Validate(payload), message)
	}
	_, ping := exampleOfPing(t, "ping")
	for _, m := range []mutation{
		{"no id", without("id"), "/ required"},
		{"a number as the id", set("id", 7), "/id type"},
		{"another name", set("name", "Pong"), "/name const"},
	} {
		broken := map[string]any{}
		for field, value := range ping.(map[string]any) {
			broken[field] = value
		}
		m.change(broken)
		assert.Equal(t, []string{m.want}, complaints(t, described(t, "ping", "payload").Validate(broken)), m.name)
	}
	assert.Error(t, described(t, "pong", "payload").Validate("Ping Pong"))
}

// exampleOfPing returns the example of a message without headers.
func exampleOfPing(t *testing.T, message string) (name string, payload any) {
	t.Helper()
	examples := readAsyncAPI(t).Components.Messages[message].Examples
	return examples[0].Name, instance(t, examples[0].Payload)
}
