package mq

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// Security is how a client shows itself to Kafka. The zero value is plain text
// without a name.
type Security struct {
	// TLS encrypts; nil = plain text.
	TLS *tls.Config
	// SASL tells a name; nil = none.
	SASL *SASL
}

// SASL is a name and the proof that it is ours.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	Mechanism          string
	Username, Password string
}

func (s Security) apply(c *sarama.Config) {
	c.Net.TLS.Enable, c.Net.TLS.Config = s.TLS != nil, s.TLS
	if s.SASL == nil {
		return
	}
	c.Net.SASL.Enable = true
	c.Net.SASL.Mechanism = sarama.SASLMechanism(s.SASL.Mechanism)
	c.Net.SASL.User, c.Net.SASL.Password = s.SASL.Username, s.SASL.Password
	c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
		hash := scram.SHA512
		if c.Net.SASL.Mechanism == sarama.SASLTypeSCRAMSHA256 {
			hash = scram.SHA256
		}
		return &conversation{hash: hash}
	}
}

// conversation is one proof by SCRAM (RFC 5802).
type conversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func (c *conversation) Begin(username, password, authzID string) error {
	client, err := c.hash.NewClient(username, password, authzID)
	if err != nil {
		return fmt.Errorf("mq.sasl: name or password can't be used: %w", err)
	}
	c.ClientConversation = client.NewConversation()
	return nil
}

// dial connects a client. Its error says which setting Kafka doesn't agree
// with, as far as it can be told. What doesn't fit is refused within seconds;
// a server that never says a word is given up after 45 s, each of them.
func dial(brokers []string, config *sarama.Config) (sarama.Client, error) {
	client, err := sarama.NewClient(brokers, config)
	if err == nil {
		return client, nil
	}
	if reason := refusal(err, config); reason != "" {
		return nil, fmt.Errorf("connect to Kafka: %s: %w", reason, err)
	}
	return nil, fmt.Errorf("connect to Kafka: %w", err)
}

// refusal tells in the words of the settings why no connection came about, ""
// where they are not the cause.
func refusal(err error, config *sarama.Config) string {
	encrypted, named := config.Net.TLS.Enable, config.Net.SASL.Enable
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, otherName := errors.AsType[x509.HostnameError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, notKafka := errors.AsType[sarama.PacketDecodingError](err)
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return "Kafka refuses the name or password of mq.sasl, or keeps them for another mechanism than " + string(config.Net.SASL.Mechanism)
	case otherName:
		return "Kafka's certificate is for other names than mq.brokers"
	case untrusted:
		return "Kafka's certificate is not trusted, mq.tls.ca_file has to hold the one that it is signed by"
	case strings.Contains(err.Error(), "remote error: tls:"): // an alert, whose type is not exported
		return "Kafka refuses the TLS connection, it may ask for mq.tls.cert_file and mq.tls.key_file"
	case notTLS:
		return "there is no TLS at this address, see mq.tls.enabled"
	case notKafka && !encrypted:
		return "this is not Kafka in plain text, see mq.tls.enabled"
	case named && err.Error() == sarama.ErrOutOfBrokers.Error(): // sarama drops why the handshake failed
		return "Kafka does not take mq.sasl.mechanism " + string(config.Net.SASL.Mechanism) + " at this address"
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return ""
	case !encrypted:
		return "Kafka ends the connection, it may expect TLS (mq.tls.enabled)"
	case !named:
		return "Kafka ends the connection, it may expect a name (mq.sasl.mechanism), or no TLS (mq.tls.enabled)"
	default:
		return "Kafka ends the connection, it may expect no TLS (mq.tls.enabled)"
	}
}
