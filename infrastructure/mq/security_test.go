package mq

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secured is a Kafka that wants TLS and a name.
type secured struct {
	Kafka
	t *testing.T
}

// onSecured runs a test against a real one.
func onSecured(t *testing.T, test func(t *testing.T, kafka secured)) {
	t.Run("TLS", func(t *testing.T) {
		get := func(name string) string {
			value := os.Getenv(name)
			if value == "" {
				t.Skip(name + " is not set: no Apache Kafka with TLS and SASL is named")
			}
			return value
		}
		brokers := strings.Split(get("TEST_KAFKA_TLS_BROKERS"), ",")
		content, err := os.ReadFile(get("TEST_KAFKA_TLS_CA"))
		require.NoError(t, err)
		ca := x509.NewCertPool()
		require.True(t, ca.AppendCertsFromPEM(content))
		test(t, secured{Kafka{brokers, Security{
			TLS:  &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
			SASL: &SASL{Mechanism: "SCRAM-SHA-512", Username: get("TEST_KAFKA_TLS_USER"), Password: get("TEST_KAFKA_TLS_PASSWORD")},
		}}, t})
	})
}

func (k secured) by(mechanism string) Kafka {
	sasl := *k.SASL
	sasl.Mechanism = mechanism
	k.SASL = &sasl
	return k.Kafka
}

func TestEventsOverTLS(t *testing.T) {
	onSecured(t, func(t *testing.T, kafka secured) {
		for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
			t.Run(mechanism, func(t *testing.T) {
				k, topic := kafka.by(mechanism), newTopic()
				q := newQueue(t, k.Brokers, topic, patient, WithSecurity(k.Security))
				ok, err := q.SendEvent("key", []byte("[]"))
				require.NoError(t, err)
				require.True(t, ok)
				assert.Equal(t, "key", readSecured(t, k, topic, 1)[0].Key)
			})
		}
	})
}

// checkRefused holds that events and readers fail soon, and in words that
// name the setting and not the password.
func checkRefused(t *testing.T, kafka Kafka, want string) {
	t.Helper()
	log := &syncBuffer{}
	q := newQueue(t, kafka.Brokers, newTopic(), WithSecurity(kafka.Security), WithLogger(slog.New(slog.NewTextHandler(log, nil))), patient)
	begun := time.Now()
	q.Connect()
	require.Eventually(t, q.isDown, 30*time.Second, time.Millisecond)
	ok, err := q.SendEvent("key", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, ErrUnconfirmed, "it will be sent once Kafka agrees")
	assert.Contains(t, log.String(), want)

	err = Tail(t.Context(), kafka, "any", Start{}, nil, nil)
	require.ErrorContains(t, err, want)
	assert.Less(t, time.Since(begun), 30*time.Second)
	if kafka.SASL != nil {
		assert.NotContains(t, err.Error()+log.String(), kafka.SASL.Password)
	}
}

func TestKafkaRefusesTheConnection(t *testing.T) {
	onSecured(t, func(t *testing.T, kafka secured) {
		for name, c := range map[string]struct {
			change func(*Kafka)
			want   string
		}{
			"wrong password by PLAIN": {func(k *Kafka) { k.SASL = &SASL{"PLAIN", k.SASL.Username, "wrong-horse"} },
				"Kafka refuses the name or password of mq.sasl"},
			"wrong password by SCRAM": {func(k *Kafka) { k.SASL = &SASL{"SCRAM-SHA-256", k.SASL.Username, "wrong-horse"} },
				"Kafka refuses the name or password of mq.sasl"},
			"wrong name": {func(k *Kafka) { k.SASL = &SASL{"SCRAM-SHA-512", "nobody", k.SASL.Password} },
				"Kafka refuses the name or password of mq.sasl"},
			"no name": {func(k *Kafka) { k.SASL = nil },
				"it may expect a name (mq.sasl.mechanism)"},
			"wrong CA": {func(k *Kafka) { k.TLS = &tls.Config{RootCAs: x509.NewCertPool()} },
				"Kafka's certificate is not trusted, mq.tls.ca_file has to hold"},
			"plain text": {func(k *Kafka) { k.Security = Security{} },
				"it may expect TLS (mq.tls.enabled)"},
			"name in plain text": {func(k *Kafka) { k.TLS = nil },
				"it may expect TLS (mq.tls.enabled)"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				k := kafka.Kafka
				c.change(&k)
				checkRefused(t, k, c.want)
			})
		}
	})
}

func TestKafkaInPlainText(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		t.Run("TLS", func(t *testing.T) {
			checkRefused(t, Kafka{brokers, Security{TLS: &tls.Config{}}}, "no TLS (mq.tls.enabled)")
		})
		t.Run("name", func(t *testing.T) {
			checkRefused(t, Kafka{brokers, Security{SASL: &SASL{"SCRAM-SHA-512", "u", "wrong-horse"}}}, "Kafka does not take mq.sasl.mechanism SCRAM-SHA-512 at this address")
		})
	})
}

func TestCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	shown := make(chan struct{}, 100)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error {
		shown <- struct{}{}
		return nil
	}}
	server.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelDebug)
	server.StartTLS()
	defer server.Close()
	ca := x509.NewCertPool()
	ca.AddCert(server.Certificate())
	address := server.Listener.Addr().String()
	checkRefused(t, Kafka{[]string{address}, Security{TLS: &tls.Config{RootCAs: ca}}}, "it may ask for mq.tls.cert_file and mq.tls.key_file")
	_, port, _ := strings.Cut(address, ":")
	checkRefused(t, Kafka{[]string{"localhost:" + port}, Security{TLS: &tls.Config{RootCAs: ca}}}, "Kafka's certificate is for other names than mq.brokers")
	assert.Empty(t, shown)
	newQueue(t, []string{address}, "any", WithSecurity(Security{TLS: &tls.Config{RootCAs: ca, Certificates: server.TLS.Certificates}})).Connect()
	select {
	case <-shown:
	case <-time.After(time.Minute):
		t.Error("the certificate is not shown")
	}
}
