package mq_test

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

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// secured is a Kafka that requires TLS and a user.
type secured struct {
	mq.Kafka
	t *testing.T
}

// onSecured runs a test against a real one, if the environment names it.
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
		test(t, secured{mq.Kafka{brokers, mq.Security{
			TLS:  &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
			SASL: &mq.SASL{Mechanism: "SCRAM-SHA-512", Username: get("TEST_KAFKA_TLS_USER"), Password: get("TEST_KAFKA_TLS_PASSWORD")},
		}}, t})
	})
}

func (k secured) by(mechanism string) mq.Kafka {
	sasl := *k.SASL
	sasl.Mechanism = mechanism
	k.SASL = &sasl
	return k.Kafka
}

func TestEventsOverTLS(t *testing.T) {
	onSecured(t, func(t *testing.T, kafka secured) {
		for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
			t.Run(mechanism, func(t *testing.T) {
				k, topic := kafka.by(mechanism), mqtest.NewTopic()
				q := newQueue(t, k.Brokers, topic, mq.WithSecurity(k.Security))
				ok, err := q.SendEvent("k", []byte("[0]"))
				require.NoError(t, err)
				require.True(t, ok)
				delivered(t, newProducer(t, k.Brokers, topic, mq.WithSecurity(k.Security)), 1, 2)
				assert.Len(t, mqtest.ReadFrom(t, k, topic, 2), 2)
			})
		}
	})
}

// checkRefused checks that senders and readers fail soon, with an error that
// names the setting and not the password.
func checkRefused(t *testing.T, kafka mq.Kafka, want string) {
	t.Helper()
	log := &testbed.Output{}
	p := newProducer(t, kafka.Brokers, mqtest.NewTopic(), mq.WithSecurity(kafka.Security), logTo(log))
	begun := time.Now()
	p.Connect()
	require.Eventually(t, func() bool { return p.State() == mq.Unreachable }, 30*time.Second, time.Millisecond)
	assert.Contains(t, log.String(), want)

	ok, sending := newQueue(t, kafka.Brokers, mqtest.NewTopic(), mq.WithSecurity(kafka.Security)).SendEvent("key", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, sending, mq.ErrLost)
	assert.ErrorContains(t, sending, want)

	reading := mq.Tail(t.Context(), kafka, "any", mq.Start{}, nil, nil)
	require.ErrorContains(t, reading, want)
	assert.Less(t, time.Since(begun), 30*time.Second)
	if kafka.SASL != nil {
		assert.NotContains(t, reading.Error()+sending.Error()+log.String(), kafka.SASL.Password)
	}
}

func TestKafkaRefusesTheConnection(t *testing.T) {
	onSecured(t, func(t *testing.T, kafka secured) {
		for name, c := range map[string]struct {
			change func(*mq.Kafka)
			want   string
		}{
			"wrong password by PLAIN": {func(k *mq.Kafka) { k.SASL = &mq.SASL{"PLAIN", k.SASL.Username, "wrong-horse"} },
				"Kafka rejects the user name or password in mq.sasl"},
			"wrong password by SCRAM": {func(k *mq.Kafka) { k.SASL = &mq.SASL{"SCRAM-SHA-256", k.SASL.Username, "wrong-horse"} },
				"Kafka rejects the user name or password in mq.sasl"},
			"wrong name": {func(k *mq.Kafka) { k.SASL = &mq.SASL{"SCRAM-SHA-512", "nobody", k.SASL.Password} },
				"Kafka rejects the user name or password in mq.sasl"},
			"no name": {func(k *mq.Kafka) { k.SASL = nil },
				"it may expect a user (mq.sasl.mechanism)"},
			"wrong CA": {func(k *mq.Kafka) { k.TLS = &tls.Config{RootCAs: x509.NewCertPool()} },
				"Kafka's certificate is not trusted; mq.tls.ca_file must hold"},
			"plain text": {func(k *mq.Kafka) { k.Security = mq.Security{} },
				"it may expect TLS (mq.tls.enabled)"},
			"name in plain text": {func(k *mq.Kafka) { k.TLS = nil },
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
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		t.Run("TLS", func(t *testing.T) {
			checkRefused(t, mq.Kafka{brokers, mq.Security{TLS: &tls.Config{}}}, "no TLS (mq.tls.enabled)")
		})
		t.Run("name", func(t *testing.T) {
			checkRefused(t, mq.Kafka{brokers, mq.Security{SASL: &mq.SASL{"SCRAM-SHA-512", "u", "wrong-horse"}}}, "Kafka doesn't offer mq.sasl.mechanism SCRAM-SHA-512 at this address")
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
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	defer server.Close()
	ca := x509.NewCertPool()
	ca.AddCert(server.Certificate())
	address := server.Listener.Addr().String()
	checkRefused(t, mq.Kafka{[]string{address}, mq.Security{TLS: &tls.Config{RootCAs: ca}}}, "it may require mq.tls.cert_file and mq.tls.key_file")
	_, port, _ := strings.Cut(address, ":")
	checkRefused(t, mq.Kafka{[]string{"localhost:" + port}, mq.Security{TLS: &tls.Config{RootCAs: ca}}}, "Kafka's certificate is for other names than those in mq.brokers")
	assert.Empty(t, shown)
	newProducer(t, []string{address}, "any", mq.WithSecurity(mq.Security{TLS: &tls.Config{RootCAs: ca, Certificates: server.TLS.Certificates}})).Connect()
	select {
	case <-shown:
	case <-time.After(time.Minute):
		t.Error("the certificate is not shown")
	}
}
