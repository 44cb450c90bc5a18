package broker

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"literank.com/event-books/bench/testbed"
)

// timeout bounds every wait for a condition, so that a fault fails a test instead
// of blocking it.
const timeout = 20 * time.Second

// parentCommand runs a supervisor that never ends on its own.
const parentCommand = "broker-parent"

// TestMain lets the test binary take other roles: the supervisor's child, and a
// parent that a test can kill.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == ChildCommand || os.Args[1] == parentCommand) {
		if err := run(os.Args[1], os.Args[2:]); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	testbed.Parallel(8)
	// sarama's metrics keep one goroutine for the life of the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func run(command string, args []string) error {
	var opts Options
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.StringVar(&opts.Dir, "dir", "", "")
	flags.StringVar(&opts.Listen, "listen", "", "")
	flags.StringVar(&opts.Advertise, "advertise", "", "")
	flags.IntVar(&opts.MaxBytes, "max-bytes", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if command == ChildCommand {
		return Child(context.Background(), opts, os.Stdin, os.Stdout, log)
	}
	addr, err := NewSupervisor(opts, log).Start(context.Background())
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(report{Addr: addr}); err != nil {
		return err
	}
	select {}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve runs a broker in this process until stop or the end of the test.
func serve(t testing.TB, opts Options) (addr string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- Serve(ctx, opts, func(addr string) { ready <- addr }, quiet()) }()
	var stopped bool
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended)
		}
	}
	select {
	case addr = <-ready:
	case err := <-ended:
		cancel()
		t.Fatalf("Serve: %v", err)
	}
	t.Cleanup(stop)
	return addr, stop
}

// refused returns the error of a broker that can't start.
func refused(t *testing.T, opts Options) *SetupError {
	t.Helper()
	err := Serve(t.Context(), opts, func(addr string) { t.Errorf("ready on %s", addr) }, quiet())
	var setup *SetupError
	require.ErrorAs(t, err, &setup)
	return setup
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Metadata.AllowAutoTopicCreation = false
	config.Metadata.Retry.Backoff = 20 * time.Millisecond
	config.Metadata.Retry.Max = 100
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Producer.Retry.Backoff = 20 * time.Millisecond
	config.Producer.Retry.Max = 100
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Net.MaxOpenRequests = 1
	return config
}

func connect(t *testing.T, addr string) sarama.Client {
	t.Helper()
	client, err := sarama.NewClient([]string{addr}, saramaConfig())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// createTopic creates a topic with one partition. config holds pairs of name and
// value.
func createTopic(t *testing.T, addr, topic string, config ...string) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer admin.Close()
	entries := make(map[string]*string)
	for i := 0; i < len(config); i += 2 {
		entries[config[i]] = &config[i+1]
	}
	detail := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries}
	require.NoError(t, admin.CreateTopic(topic, detail, false))
}

func produce(t *testing.T, client sarama.Client, topic string, at time.Time, values ...string) {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(client)
	require.NoError(t, err)
	defer producer.Close()
	for _, value := range values {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Value: sarama.StringEncoder(value), Timestamp: at,
		})
		require.NoError(t, err)
	}
}

// consume returns all records of partition 0 in order.
func consume(t *testing.T, client sarama.Client, topic string) (values []string) {
	t.Helper()
	require.NoError(t, client.RefreshMetadata(topic))
	end, err := client.GetOffset(topic, 0, sarama.OffsetNewest)
	require.NoError(t, err)
	begin, err := client.GetOffset(topic, 0, sarama.OffsetOldest)
	require.NoError(t, err)
	if begin == end {
		return nil
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	require.NoError(t, err)
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	require.NoError(t, err)
	defer partition.Close()
	for {
		select {
		case message := <-partition.Messages():
			values = append(values, string(message.Value))
			if message.Offset == end-1 {
				return values
			}
		case <-time.After(timeout):
			t.Fatalf("only %d records of %s before offset %d", len(values), topic, end)
		}
	}
}

func commitOffset(t *testing.T, client sarama.Client, group, topic string, offset int64) {
	t.Helper()
	require.NoError(t, commit(client, group, topic, offset))
}

func commit(client sarama.Client, group, topic string, offset int64) error {
	if err := client.RefreshCoordinator(group); err != nil {
		return err
	}
	coordinator, err := client.Coordinator(group)
	if err != nil {
		return err
	}
	req := &sarama.OffsetCommitRequest{
		Version: 2, ConsumerGroup: group, ConsumerGroupGeneration: sarama.GroupGenerationUndefined, RetentionTime: -1,
	}
	req.AddBlock(topic, 0, offset, 0, "")
	resp, err := coordinator.CommitOffset(req)
	if err != nil {
		return err
	}
	if code := resp.Errors[topic][0]; code != sarama.ErrNoError {
		return code
	}
	return nil
}

func committedOffset(t *testing.T, client sarama.Client, group, topic string) int64 {
	t.Helper()
	require.NoError(t, client.RefreshCoordinator(group))
	coordinator, err := client.Coordinator(group)
	require.NoError(t, err)
	req := &sarama.OffsetFetchRequest{Version: 1, ConsumerGroup: group}
	req.AddPartition(topic, 0)
	resp, err := coordinator.FetchOffset(req)
	require.NoError(t, err)
	require.Equal(t, sarama.ErrNoError, resp.GetBlock(topic, 0).Err)
	return resp.GetBlock(topic, 0).Offset
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: filepath.Join(t.TempDir(), "missing", "broker"), Listen: "127.0.0.1:0"}
	addr, stop := serve(t, opts)
	info, err := os.Stat(opts.Dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	size := "2000000"
	require.NoError(t, admin.CreateTopic("lr-book-searches", &sarama.TopicDetail{
		NumPartitions: 3, ReplicationFactor: 1, ConfigEntries: map[string]*string{"max.message.bytes": &size},
	}, false))
	require.NoError(t, admin.Close())
	client := connect(t, addr)
	produce(t, client, "lr-book-searches", time.Now(), "a", "b", "c")
	commitOffset(t, client, "trends", "lr-book-searches", 2)
	require.NoError(t, client.Close())
	stop()

	addr, _ = serve(t, opts)
	client = connect(t, addr)
	require.Equal(t, []string{"a", "b", "c"}, consume(t, client, "lr-book-searches"))
	require.Equal(t, int64(2), committedOffset(t, client, "trends", "lr-book-searches"))
	admin, err = sarama.NewClusterAdminFromClient(client)
	require.NoError(t, err)
	topics, err := admin.ListTopics()
	require.NoError(t, err)
	require.Equal(t, int32(3), topics["lr-book-searches"].NumPartitions)
	require.Equal(t, size, *topics["lr-book-searches"].ConfigEntries["max.message.bytes"])
}

func TestTopicsAreNeverMadeByAsking(t *testing.T) {
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	config := saramaConfig()
	config.Metadata.AllowAutoTopicCreation = true
	config.Metadata.Retry.Max = 0
	client, err := sarama.NewClient([]string{addr}, config)
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Partitions("nobody-created-it")
	require.ErrorIs(t, err, sarama.ErrUnknownTopicOrPartition)
}

// The broker ignores a topic's retention by time. The program asks for 35 days
// whenever it creates a topic.
func TestOldTimestampsEraseNothing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	store := &storeLog{log: quiet(), broken: make(chan error, 1)}
	cluster, err := open(Options{Dir: t.TempDir()}, newGuard(listener, listener.Addr(), quiet()), store)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	addr := listener.Addr().String()
	createTopic(t, addr, "searches", "retention.ms", "3024000000", "retention.bytes", "0", "cleanup.policy", "compact")
	client := connect(t, addr)
	produce(t, client, "searches", time.Now(), "new")
	produce(t, client, "searches", time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), "old")
	produce(t, client, "searches", time.Now(), "newer")
	cluster.ApplyRetention()
	cluster.Compact()
	require.Equal(t, []string{"new", "old", "newer"}, consume(t, client, "searches"))
}

func TestAdvertisedAddress(t *testing.T) {
	tests := []struct{ listen, advertise, want string }{
		{"127.0.0.1:0", "", "127.0.0.1:%s"},
		{"127.0.0.1:0", "books.example:9999", "books.example:9999"},
		{"127.0.0.1:0", "localhost:0", "localhost:%s"},
		{"0.0.0.0:0", "127.0.0.1:0", "127.0.0.1:%s"},
	}
	for _, test := range tests {
		t.Run(test.listen+" as "+test.advertise, func(t *testing.T) {
			addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: test.listen, Advertise: test.advertise})
			_, port, err := net.SplitHostPort(addr)
			require.NoError(t, err)
			require.NotEqual(t, "0", port)
			want := test.want
			if want[len(want)-2:] == "%s" {
				want = fmt.Sprintf(want, port)
			}
			brokers := connect(t, net.JoinHostPort("127.0.0.1", port)).Brokers()
			require.Len(t, brokers, 1)
			require.Equal(t, want, brokers[0].Addr())
		})
	}
}

func TestSetupErrors(t *testing.T) {
	t.Run("address taken", func(t *testing.T) {
		other, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer other.Close()
		addr := other.Addr().String()
		setup := refused(t, Options{Dir: t.TempDir(), Listen: addr})
		require.ErrorIs(t, setup, syscall.EADDRINUSE)
		require.EqualError(t, setup, "another program listens on "+addr+
			": set mq.listen to a free address, or mq.brokers to the Kafka that listens there")
	})
	t.Run("folder in use", func(t *testing.T) {
		dir := t.TempDir()
		serve(t, Options{Dir: dir, Listen: "127.0.0.1:0"})
		setup := refused(t, Options{Dir: dir, Listen: "127.0.0.1:0", lockWait: 100 * time.Millisecond})
		require.ErrorContains(t, setup, "another broker uses the folder "+dir)
	})
	t.Run("file in the folder's place", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "broker")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		setup := refused(t, Options{Dir: file, Listen: "127.0.0.1:0"})
		require.ErrorContains(t, setup, "the broker's folder "+file+" can't be used")
		require.ErrorIs(t, setup, syscall.ENOTDIR)
	})
	t.Run("folder not writable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may write everywhere")
		}
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
		setup := refused(t, Options{Dir: dir, Listen: "127.0.0.1:0"})
		require.ErrorIs(t, setup, os.ErrPermission)
	})
	t.Run("every interface, none advertised", func(t *testing.T) {
		require.ErrorContains(t, refused(t, Options{Dir: t.TempDir(), Listen: ":0"}), "mq.advertise")
	})
	t.Run("no address", func(t *testing.T) {
		require.ErrorContains(t, refused(t, Options{Dir: t.TempDir(), Listen: "nowhere"}), "nowhere")
	})
}

// A broker waits for the one before it that is about to exit.
func TestPredecessorEnds(t *testing.T) {
	dir := t.TempDir()
	_, stop := serve(t, Options{Dir: dir, Listen: "127.0.0.1:0"})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := make(chan string, 1)
	go func() {
		ended <- Serve(ctx, Options{Dir: dir, Listen: "127.0.0.1:0", lockWait: timeout}, func(addr string) { ready <- addr }, quiet())
	}()
	stop()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("refused: %v", err)
	}
	cancel()
	require.NoError(t, <-ended)
}
