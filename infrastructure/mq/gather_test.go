package mq

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
)

// No message of a call goes into a request before sarama has taken all of them.
func TestACallIsGathered(t *testing.T) {
	messages := make([]*sarama.ProducerMessage, 3)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Value: sarama.StringEncoder("value")}
	}
	gather(messages)
	encoded := make(chan struct{})
	go func() {
		value, err := messages[0].Value.Encode()
		assert.NoError(t, err)
		assert.Equal(t, "value", string(value))
		close(encoded)
	}()
	for _, m := range messages[:2] {
		assert.Equal(t, 5, m.Value.Length())
	}
	select {
	case <-encoded:
		t.Error("the first did not wait for the last")
	case <-time.After(20 * time.Millisecond):
	}
	assert.Equal(t, 5, messages[2].Value.Length())
	<-encoded
}
