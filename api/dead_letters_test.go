package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDeadLettersInAsyncAPI(t *testing.T) {
	headers, payload := described(t, "deadLetter", "headers"), described(t, "deadLetter", "payload")
	for _, name := range []string{"ofKafka", "ofConsumer"} {
		own, value := exampleOf(t, "deadLetter", name)
		assert.NoError(t, headers.Validate(own), name)
		assert.NoError(t, payload.Validate(value), name)
	}
	for _, value := range []any{nil, "text", []any{}, json.Number("7"), map[string]any{"a": nil}} {
		assert.NoError(t, payload.Validate(value), "any value")
	}
	// Records of all kinds become dead letters.
	for message, example := range map[string]string{"searched": "found", "clicked": "clicked", "visitorErased": "erased"} {
		own, _ := exampleOf(t, message, example)
		assert.Equal(t, []string{"/ required"}, complaints(t, headers.Validate(own)), message)
		own["dead_reason"], own["dead_topic"] = "too large", "lr-book-clicks"
		assert.NoError(t, headers.Validate(own), message)
	}
}

func TestDeadLettersThatAreRefused(t *testing.T) {
	headers := described(t, "deadLetter", "headers")
	for _, m := range []mutation{
		{"no reason", without("dead_reason"), "/ required"},
		{"empty reason", set("dead_reason", ""), "/dead_reason minLength"},
		{"reason that is no text", set("dead_reason", json.Number("7")), "/dead_reason type"},
		{"no topic", without("dead_topic"), "/ required"},
		{"topic that can't be", set("dead_topic", "lr book"), "/dead_topic pattern"},
		{"no partition", without("dead_partition"), "/ dependentRequired"},
		{"no offset", without("dead_offset"), "/ dependentRequired"},
		{"partition as a number", set("dead_partition", json.Number("2")), "/dead_partition type"},
		{"negative partition", set("dead_partition", "-1"), "/dead_partition pattern"},
		{"offset with a zero before it", set("dead_offset", "04711"), "/dead_offset pattern"},
		{"offset in other digits", set("dead_offset", "٤"), "/dead_offset pattern"},
		{"empty group", set("dead_group", ""), "/dead_group minLength"},
	} {
		own, _ := exampleOf(t, "deadLetter", "ofConsumer")
		m.change(own)
		assert.Equal(t, []string{m.want}, complaints(t, headers.Validate(own)), m.name)
	}
	own, _ := exampleOf(t, "deadLetter", "ofConsumer")
	delete(own, "dead_group")
	assert.Equal(t, []string{"/ dependentRequired", "/ dependentRequired"}, complaints(t, headers.Validate(own)), "a place without a group")
}
