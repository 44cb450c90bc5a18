package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	// clusterID never changes: clients take another one for another cluster.
	clusterID = "event-books"

	retentionInterval = time.Minute
	// lockWait lets a predecessor end whose own parent was killed.
	lockWait = 5 * time.Second
	// closeTimeout bounds the orderly end. What was acknowledged is on disk
	// by then; only the snapshot that shortens the next start is missing.
	closeTimeout = 10 * time.Second
)

// settings of the broker, by Kafka's names. message.max.bytes stays at Kafka's
// default.
var settings = map[string]string{
	// Retention by time would erase everything before a record with an old
	// timestamp, and searches keep theirs however late they are delivered.
	"log.retention.ms":    "-1",
	"log.retention.bytes": strconv.Itoa(128 << 20), // of a partition; a start reads all of it
	"log.segment.bytes":   strconv.Itoa(8 << 20),
	// Offsets of groups expire by the wall clock, also while the shop is shut.
	"offsets.retention.minutes": strconv.Itoa(365 * 24 * 60),
}

// Options say where a broker lives.
type Options struct {
	// Dir is the broker's own folder, made when it is missing.
	Dir string
	// Listen is host:port; port 0 takes a free one.
	Listen string
	// Advertise is the host:port that clients are told to connect to, with
	// port 0 for the real one. Empty means the address listened on.
	Advertise string

	lockWait time.Duration // 0: the constant
}

// SetupError tells that a broker can't start as it is configured. Trying again
// doesn't help, unlike after a crash. It wraps syscall.EADDRINUSE when the
// address is taken.
type SetupError struct {
	// Reason is for people: it names the address or folder, and a way out.
	Reason string
	// Err is the cause, or nil.
	Err error
}

func (e *SetupError) Error() string { return e.Reason }
func (e *SetupError) Unwrap() error { return e.Err }

// Serve runs a broker in this process until ctx ends, then returns nil. It
// calls ready once, with the address it really listens on, as soon as clients
// can connect. Every record and offset that it acknowledged is on disk.
//
// A request that the library trips over ends the whole process. That, and
// memory, are why the shop runs it through a Supervisor. A folder that can no
// longer be written ends Serve with an error and without an orderly end: the
// library would go on, and acknowledge the next attempt as a duplicate of what
// it never stored.
func Serve(ctx context.Context, opts Options, ready func(addr string), log *slog.Logger) error {
	release, err := claim(ctx, opts)
	if err != nil {
		return err
	}
	defer release()

	listener, err := listen(opts.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	advertised, err := advertise(opts, listener.Addr())
	if err != nil {
		return err
	}

	store := &storeLog{log: log, broken: make(chan error, 1)}
	cluster, err := open(opts.Dir, newGuard(listener, advertised, log), store)
	if err != nil {
		return err
	}

	closed := make(chan struct{})
	go func() {
		defer close(closed)
		retain(ctx, cluster)
		cluster.Close() // only now: ApplyRetention blocks for ever after it
	}()

	ready(listener.Addr().String())
	select {
	case <-ctx.Done():
	case err := <-store.broken:
		return err
	}
	select {
	case <-closed:
		return nil
	case err := <-store.broken:
		return err
	case <-time.After(closeTimeout):
		return fmt.Errorf("the broker did not end within %s", closeTimeout)
	}
}

// open starts kfake on its folder, behind the guard.
func open(dir string, front *guard, store *storeLog) (*kfake.Cluster, error) {
	if err := mend(dir); err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID(clusterID),
		kfake.DataDir(dir),
		kfake.SyncWrites(),
		kfake.MaxVersions(servedVersions()),
		kfake.BrokerConfigs(settings),
		kfake.WithLogger(store),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return front, nil }),
	)
	if err != nil {
		return nil, fmt.Errorf("open the broker's folder %s: %w", dir, err)
	}
	select {
	case err := <-store.broken: // no orderly end: it would write as well
		return nil, err
	default:
	}
	refuseWhenFull(cluster, dir, store.log)

	// kfake writes this file when it ends and reads it when it starts, but
	// leaves it there: after a crash it would be stale, and the next batch of
	// an idempotent producer be refused as out of order.
	err = os.Remove(filepath.Join(dir, "seq_windows.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		cluster.Close()
		return nil, fmt.Errorf("open the broker's folder %s: %w", dir, err)
	}
	return cluster, nil
}

// retain keeps partitions within their size until ctx ends.
func retain(ctx context.Context, cluster *kfake.Cluster) {
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			cluster.ApplyRetention()
		}
	}
}

// claim makes the folder this process's own until release is called. Two
// brokers on one folder would destroy it.
func claim(ctx context.Context, opts Options) (release func(), err error) {
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, unusable(opts.Dir, err)
	}
	probe, err := os.CreateTemp(opts.Dir, "probe-*.tmp")
	if err != nil {
		return nil, unusable(opts.Dir, err)
	}
	probe.Close()
	os.Remove(probe.Name())

	wait := opts.lockWait
	if wait == 0 {
		wait = lockWait
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	lock := flock.New(filepath.Join(opts.Dir, "lock"))
	locked, err := lock.TryLockContext(waiting, 50*time.Millisecond)
	switch {
	case locked:
		return func() { _ = lock.Unlock() }, nil // the end of the process unlocks as well
	case ctx.Err() != nil:
		return nil, fmt.Errorf("wait for the broker's folder %s: %w", opts.Dir, context.Cause(ctx))
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &SetupError{Reason: fmt.Sprintf("another broker uses the folder %s: "+
			"stop it, or set app.data_dir to another folder", opts.Dir)}
	default:
		return nil, unusable(opts.Dir, err)
	}
}

func unusable(dir string, err error) error {
	return &SetupError{Reason: fmt.Sprintf("the broker's folder %s can't be used: %v", dir, err), Err: err}
}

func listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err == nil {
		return listener, nil
	}
	if isAddressTaken(err) {
		return nil, addressTaken(addr)
	}
	return nil, &SetupError{Reason: fmt.Sprintf("the broker can't listen on %s: %v", addr, err), Err: err}
}

func addressTaken(addr string) error {
	return &SetupError{
		Reason: fmt.Sprintf("another program listens on %s: set mq.listen to a free address, "+
			"or mq.brokers to the Kafka that listens there", addr),
		Err: syscall.EADDRINUSE,
	}
}

// address is a host:port as it stands, which a net.TCPAddr can't hold for a
// host name.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// advertise returns the address that clients are told.
func advertise(opts Options, real net.Addr) (net.Addr, error) {
	tcp := real.(*net.TCPAddr)
	if opts.Advertise == "" {
		if tcp.IP.IsUnspecified() {
			return nil, &SetupError{Reason: fmt.Sprintf("the broker listens on every interface (%s): "+
				"set mq.advertise to the address that clients connect to", opts.Listen)}
		}
		return real, nil
	}
	host, port, err := net.SplitHostPort(opts.Advertise)
	if err != nil {
		return nil, &SetupError{Reason: fmt.Sprintf("mq.advertise is not host:port: %v", err), Err: err}
	}
	if port == "0" {
		port = strconv.Itoa(tcp.Port)
	}
	return address(net.JoinHostPort(host, port)), nil
}
