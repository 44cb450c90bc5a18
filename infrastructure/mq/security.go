package mq

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// Security is how a client protects its connections and authenticates. The
// zero value is plain text without authentication.
type Security struct {
	// TLS encrypts; nil means plain text.
	TLS *tls.Config
	// SASL authenticates; nil means not at all.
	SASL *SASL
}

// SASL is a user and the password that proves it.
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

// conversation is one authentication by SCRAM (RFC 5802).
type conversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func (c *conversation) Begin(username, password, authzID string) error {
	client, err := c.hash.NewClient(username, password, authzID)
	if err != nil {
		return fmt.Errorf("mq.sasl: the name or password is unusable: %w", err)
	}
	c.ClientConversation = client.NewConversation()
	return nil
}

// wrongSetting explains a failed connection by the setting that causes it, or
// returns "" if it finds none.
func wrongSetting(err error, config *sarama.Config) string {
	encrypted, authenticates := config.Net.TLS.Enable, config.Net.SASL.Enable
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, otherName := errors.AsType[x509.HostnameError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, notKafka := errors.AsType[sarama.PacketDecodingError](err)
	network, isNetwork := errors.AsType[*net.OpError](err)
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return "Kafka rejects the user name or password in mq.sasl, or knows them for another mechanism than " + string(config.Net.SASL.Mechanism)
	case otherName:
		return "Kafka's certificate is for other names than those in mq.brokers"
	case untrusted:
		return "Kafka's certificate is not trusted; mq.tls.ca_file must hold the certificate that signed it"
	case isNetwork && network.Op == "remote error": // crypto/tls reports Kafka's alerts so
		return "Kafka rejects the TLS connection; it may require mq.tls.cert_file and mq.tls.key_file"
	case notTLS:
		return "this address doesn't speak TLS; see mq.tls.enabled"
	case notKafka && !encrypted:
		return "this address doesn't speak Kafka's protocol in plain text; see mq.tls.enabled"
	case ended && !encrypted:
		return "Kafka closes the connection; it may expect TLS (mq.tls.enabled)"
	case ended && !authenticates:
		return "Kafka closes the connection; it may expect a user (mq.sasl.mechanism), or no TLS (mq.tls.enabled)"
	case ended:
		return "Kafka closes the connection; it may expect no TLS (mq.tls.enabled)"
	case authenticates && !isNetwork && errors.Is(err, sarama.ErrOutOfBrokers): // sarama drops why the handshake failed
		return "Kafka doesn't offer mq.sasl.mechanism " + string(config.Net.SASL.Mechanism) + " at this address"
	}
	return ""
}
