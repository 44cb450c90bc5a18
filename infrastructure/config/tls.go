package config

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// KafkaTLS reads the files of mq.tls and returns the TLS configuration for Kafka, or nil if
// TLS is disabled. Its error is a *SettingError.
func (c *Config) KafkaTLS() (*tls.Config, error) {
	set := c.MQ.TLS
	if !set.Enabled {
		return nil, nil
	}
	fail := func(path, reason string) (*tls.Config, error) {
		return nil, &SettingError{path, c.originOf(path), reason}
	}
	loaded := &tls.Config{MinVersion: tls.VersionTLS12}
	if set.CAFile != "" {
		content, err := os.ReadFile(set.CAFile)
		if err != nil {
			return fail("mq.tls.ca_file", "can't be read: "+err.Error())
		}
		loaded.RootCAs = x509.NewCertPool()
		if !loaded.RootCAs.AppendCertsFromPEM(content) {
			return fail("mq.tls.ca_file", set.CAFile+" holds no PEM certificate")
		}
	}
	if set.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(set.CertFile, set.KeyFile)
		if err != nil {
			return fail("mq.tls.cert_file", "can't be used with mq.tls.key_file: "+err.Error())
		}
		loaded.Certificates = []tls.Certificate{pair}
	}
	return loaded, nil
}
