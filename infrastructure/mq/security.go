package mq

import (
	"crypto/tls"

	"github.com/IBM/sarama"
)

// Security is how a client shows itself to Kafka. The zero value is plain text
// without a name.
type Security struct {
	// TLS encrypts; nil = plain text.
	TLS *tls.Config
}

func (s Security) apply(c *sarama.Config) {
	c.Net.TLS.Enable, c.Net.TLS.Config = s.TLS != nil, s.TLS
}
