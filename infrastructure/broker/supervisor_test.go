//go:build unix

package broker

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
)

// supervisorLog collects the log lines of a supervisor.
type supervisorLog struct{ testbed.Output }

func (l *supervisorLog) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines returns the number of log lines, and count of those that contain text.
func (l *supervisorLog) lines() int            { return l.count("\n") }
func (l *supervisorLog) count(text string) int { return strings.Count(l.String(), text) }

// child returns the process id of the latest child, 0 if none has started.
func (l *supervisorLog) child() int {
	pid, _ := strconv.Atoi(cmp.Or(l.Attr("broker: listening again", "pid"), l.Attr("broker: listening", "pid")))
	return pid
}

// awaitChild waits for a child with another process id and returns its id.
func (l *supervisorLog) awaitChild(t *testing.T, not int) int {
	t.Helper()
	eventually(t, "another child", func() bool { return l.child() != not })
	return l.child()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, timeout, 2*time.Millisecond, what)
}

func quickPauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: time.Millisecond, Multiplier: 1.1, MaxInterval: 50 * time.Millisecond,
	}
}

// supervised starts a broker that is restarted without a noticeable pause.
func supervised(t *testing.T, opts Options) (addr string, log *supervisorLog, s *Supervisor) {
	t.Helper()
	log = &supervisorLog{}
	s = NewSupervisor(opts, log.logger())
	s.pauses = quickPauses()
	addr, err := s.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return addr, log, s
}

// sender sends consecutive numbers. It repeats each until the broker acknowledges it.
type sender struct {
	mu    sync.Mutex
	acked int
	errs  []error
	stop  chan struct{}
	ended chan struct{}
}

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

func startSender(t *testing.T, addr, topic string) *sender {
	t.Helper()
	s := &sender{stop: make(chan struct{}), ended: make(chan struct{})}
	producer, err := sarama.NewSyncProducer([]string{addr}, saramaConfig())
	require.NoError(t, err)
	go func() {
		defer close(s.ended)
		defer producer.Close()
		for {
			select {
			case <-s.stop:
				return
			default:
			}
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{
				Topic: topic, Value: sarama.StringEncoder(strconv.Itoa(s.count())),
			})
			s.mu.Lock()
			if err == nil {
				s.acked++
			} else {
				s.errs = append(s.errs, err)
			}
			s.mu.Unlock()
		}
	}()
	return s
}

func (s *sender) end() int {
	close(s.stop)
	<-s.ended
	return s.count()
}

// requireInOrder checks that the values hold all acknowledged numbers in order and
// without a gap. It ignores repeated copies.
func requireInOrder(t *testing.T, values []string, acked int) {
	t.Helper()
	next := 0
	for at, value := range values {
		n, err := strconv.Atoi(value)
		require.NoError(t, err)
		require.LessOrEqual(t, n, next, "offset %d skips a record", at)
		if n == next {
			next++
		}
	}
	require.GreaterOrEqual(t, next, acked)
}

func TestKillsLoseNothing(t *testing.T) {
	t.Parallel()
	rounds := 25
	if testing.Short() {
		rounds = 8
	}
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	sender := startSender(t, addr, "numbers")
	for round := range rounds {
		had := sender.count()
		eventually(t, "records", func() bool { return sender.count() >= had+20 })
		client := connect(t, addr)
		if round > 0 {
			require.Equal(t, int64(round-1), committedOffset(t, client, "readers", "numbers"))
		}
		commitOffset(t, client, "readers", "numbers", int64(round))
		require.NoError(t, client.Close())
		pid := log.child()
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		log.awaitChild(t, pid)
	}
	acked := sender.end()
	client := connect(t, addr)
	values := consume(t, client, "numbers")
	requireInOrder(t, values, acked)
	require.Equal(t, int64(rounds-1), committedOffset(t, client, "readers", "numbers"))
	t.Logf("%d kills, %d records acknowledged, %d stored", rounds, acked, len(values))

	require.Equal(t, rounds, log.count("exited unexpectedly"))
	require.Equal(t, rounds, log.count("listening again"))
	require.Equal(t, 1+2*rounds, log.lines(), "each change of state is logged once")
}

// An idempotent producer continues through a proper restart and the crash after it.
// The state that the proper shutdown stored must not be used after the crash.
func TestProducerOutlivesBrokers(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	addr, _, first := supervised(t, opts)
	createTopic(t, addr, "numbers")
	sender := startSender(t, addr, "numbers")
	eventually(t, "records", func() bool { return sender.count() >= 20 })
	require.NoError(t, first.Close(context.Background()))

	opts.Listen = addr
	_, log, _ := supervised(t, opts)
	had := sender.count()
	eventually(t, "records after an orderly restart", func() bool { return sender.count() >= had+20 })
	pid := log.child()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	log.awaitChild(t, pid)
	had = sender.count()
	eventually(t, "records after a crash", func() bool { return sender.count() >= had+20 })
	acked := sender.end()
	require.NotContains(t, sender.errs, sarama.ErrOutOfOrderSequenceNumber)
	requireInOrder(t, consume(t, connect(t, addr), "numbers"), acked)
}

// startProcess runs this test binary with a command and returns its report.
func startProcess(t *testing.T, command string, opts Options) (cmd *exec.Cmd, stdin io.Closer, r report) {
	t.Helper()
	cmd = exec.Command(os.Args[0], command, "--dir", opts.Dir, "--listen", opts.Listen)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &r))
	return cmd, stdin, r
}

func TestChildEndsWithItsParentsPipe(t *testing.T) {
	opts := Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	child, stdin, r := startProcess(t, ChildCommand, opts)
	require.NoError(t, child.Process.Signal(os.Interrupt))
	require.NoError(t, child.Process.Signal(syscall.SIGTERM))
	createTopic(t, r.Addr, "still-here")
	require.NoError(t, stdin.Close())
	require.NoError(t, child.Wait())
	release, err := claim(t.Context(), opts)
	require.NoError(t, err)
	release()
}

func TestChildEndsWithItsKilledParent(t *testing.T) {
	opts := Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", lockWait: timeout}
	parent, _, r := startProcess(t, parentCommand, opts)
	createTopic(t, r.Addr, "kept")
	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())

	opts.Listen = r.Addr // free as soon as the child has exited
	addr, _ := serve(t, opts)
	require.Equal(t, r.Addr, addr)
	topics, err := connect(t, addr).Topics()
	require.NoError(t, err)
	require.Equal(t, []string{"kept"}, topics)
}

func TestFatalErrorsReachTheParent(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	taken := other.Addr().String()
	file := filepath.Join(t.TempDir(), "broker")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	start := func(opts Options) error {
		s := NewSupervisor(opts, quiet())
		_, err := s.Start(t.Context())
		require.NoError(t, s.Close(context.Background()))
		return err
	}
	var setup *SetupError
	err = start(Options{Dir: t.TempDir(), Listen: taken})
	require.ErrorAs(t, err, &setup)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.EqualError(t, err, "another program listens on "+taken+
		": set mq.listen to a free address, or mq.brokers to the Kafka that listens there")

	err = start(Options{Dir: file, Listen: "127.0.0.1:0"})
	require.ErrorAs(t, err, &setup)
	require.ErrorContains(t, err, file)

	// A broken file of the library isn't a configuration error.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "meta.json"), []byte("{"), 0o600))
	err = start(Options{Dir: dir, Listen: "127.0.0.1:0"})
	require.ErrorContains(t, err, "meta.json")
	require.NotErrorAs(t, err, &setup)
}

// The restart waits until another program releases the broker's address.
func TestRestartWaitsForItsAddress(t *testing.T) {
	t.Parallel()
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	var pid int
	var other net.Listener
	for other == nil { // whenever the child is faster, its next pause is longer
		pid = log.child()
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		eventually(t, "the address or the child is back", func() (ok bool) {
			var err error
			other, err = net.Listen("tcp", addr)
			return err == nil || log.child() != pid
		})
	}
	eventually(t, "a failed restart", func() bool { return log.count("restart failed") == 1 })
	require.NoError(t, other.Close())
	log.awaitChild(t, pid)
	createTopic(t, addr, "back")
	require.Equal(t, 1, log.count("restart failed"), "the error is logged once")
}

// After a failed write, a retry must not be acknowledged as a duplicate of the first
// attempt.
func TestBrokenStoreEndsTheBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr, log, _ := supervised(t, Options{Dir: dir, Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	partitions := filepath.Join(dir, "partitions")
	require.NoError(t, os.WriteFile(partitions, nil, 0o600)) // a file in place of the folder
	sender := startSender(t, addr, "numbers")
	eventually(t, "its end", func() bool { return log.count("exited unexpectedly") == 1 })
	eventually(t, "a failed restart", func() bool { return log.count("restart failed") == 1 })
	require.Zero(t, sender.count())
	require.NoError(t, os.Remove(partitions))
	eventually(t, "records", func() bool { return sender.count() >= 20 })
	acked := sender.end()
	requireInOrder(t, consume(t, connect(t, addr), "numbers"), acked)
}

func TestCloseKillsWhenItsTimeIsOver(t *testing.T) {
	log := &supervisorLog{}
	s := NewSupervisor(Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, log.logger())
	_, err := s.Start(t.Context())
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(log.child(), syscall.SIGSTOP))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, s.Close(ctx), "killed")
	require.ErrorIs(t, syscall.Kill(log.child(), 0), syscall.ESRCH)
}

func TestStartIsBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := NewSupervisor(Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, quiet()).Start(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// Each partition keeps its newest records, up to the bound.
func TestPartitionsAreBounded(t *testing.T) {
	t.Parallel()
	const bound, records, size = 1 << 20, 60, 50_000
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", MaxBytes: bound, retentionInterval: 10 * time.Millisecond})
	backlog(t, addr, "large", 2, repeated(records, size)...)
	backlog(t, addr, "small", 1, repeated(10, size)...)
	client := connect(t, addr)
	oldest := func(topic string, partition int32) int64 {
		offset, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
		require.NoError(t, err)
		return offset
	}
	for partition := range int32(2) {
		eventually(t, "the oldest records are gone", func() bool { return oldest("large", partition) >= records-bound/size })
		require.Less(t, oldest("large", partition), int64(records-bound/size+3))
	}
	require.Zero(t, oldest("small", 0))
}

// The supervisor hands the bound to its child.
func TestSupervisorPassesTheBound(t *testing.T) {
	t.Parallel()
	addr, _, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", MaxBytes: 20_000_000})
	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer admin.Close()
	const name = "log.retention.bytes"
	found, err := admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.BrokerResource, Name: "0", ConfigNames: []string{name}}}, sarama.DescribeConfigsOptions{})
	require.NoError(t, err)
	require.Equal(t, "20000000", found[0].Configs[0].Value)
}
