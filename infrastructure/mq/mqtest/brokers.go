// Package mqtest has the contract suites of package mq: Run for every
// spool.Broker, RunHelper for every mq.Helper. It also has the brokers that the
// tests of other packages use.
package mqtest

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/broker"
)

// OnEach runs a test against the embedded broker and, if TEST_KAFKA_BROKERS
// names one, a real Kafka. The tests of a package share an embedded broker, so
// each test needs a topic of its own: NewTopic.
func OnEach(t *testing.T, test func(t *testing.T, brokers []string)) {
	t.Run("embedded", func(t *testing.T) { test(t, []string{Shared(t)}) })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		test(t, strings.Split(brokers, ","))
	})
}

// NewTopic returns a name that no other test uses.
func NewTopic() string { return "test-" + uuid.NewString() }

var shared struct {
	sync.Mutex
	address string
	close   func() error
}

// Shared returns the address of an embedded broker that all tests of a package
// share. The package needs a TestMain that calls Main.
func Shared(t *testing.T) (address string) {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.address == "" {
		dir, err := os.MkdirTemp("", "mqtest-")
		require.NoError(t, err)
		var closeBroker func() error
		shared.address, closeBroker, err = serve(broker.Options{Dir: dir, Listen: "127.0.0.1:0"})
		require.NoError(t, err)
		shared.close = func() error {
			defer os.RemoveAll(dir)
			return closeBroker()
		}
	}
	return shared.address
}

// Main runs the tests of a package and ends the shared broker.
func Main(m *testing.M) {
	testbed.Parallel(8)
	code := m.Run()
	if shared.close != nil {
		if err := shared.close(); err != nil {
			slog.Error("close the shared broker", "error", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Embedded serves an embedded broker of its own for one test.
func Embedded(t *testing.T, dir, listen string) (address string) {
	t.Helper()
	address, stop := EmbeddedUntil(t, broker.Options{Dir: dir, Listen: listen})
	t.Cleanup(stop)
	return address
}

// EmbeddedUntil serves an embedded broker until stop is called.
func EmbeddedUntil(t *testing.T, options broker.Options) (address string, stop func()) {
	t.Helper()
	address, closeBroker, err := serve(options)
	require.NoError(t, err)
	return address, func() { assert.NoError(t, closeBroker()) }
}

func serve(options broker.Options) (address string, closeBroker func() error, err error) {
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- broker.Serve(ctx, options, func(a string) { ready <- a }, slog.New(slog.DiscardHandler))
	}()
	select {
	case address = <-ready:
		return address, func() error { stop(); return <-ended }, nil
	case err := <-ended:
		stop()
		return "", nil, err
	}
}

// FakeKafka serves a broker that answers as a test tells it to.
func FakeKafka(t *testing.T, options ...kfake.Opt) (cluster *kfake.Cluster, brokers []string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return cluster, cluster.ListenAddrs()
}

// Nowhere returns an address where nobody listens yet.
func Nowhere(t *testing.T) string {
	t.Helper()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer probe.Close()
	return probe.Addr().String()
}

// Admin returns an administrator for the brokers.
func Admin(t *testing.T, brokers []string) sarama.ClusterAdmin {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Metadata.AllowAutoTopicCreation = false
	admin, err := sarama.NewClusterAdmin(brokers, config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

// CreateTopic creates a topic with one partition and the given settings.
func CreateTopic(t *testing.T, brokers []string, topic string, settings map[string]string) sarama.ClusterAdmin {
	t.Helper()
	entries := map[string]*string{}
	for name, value := range settings {
		entries[name] = &value
	}
	admin := Admin(t, brokers)
	require.NoError(t, admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries}, false))
	return admin
}
