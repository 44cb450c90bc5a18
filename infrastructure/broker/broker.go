package broker

import (
	"cmp"
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
	// clusterID must never change: clients take a new id for another cluster.
	clusterID = "event-books"

	// DefaultMaxBytes is the default of Options.MaxBytes.
	DefaultMaxBytes = 128 << 20

	retentionInterval = time.Minute
	// lockWait gives a broker whose parent was killed time to exit.
	lockWait = 5 * time.Second
	// closeTimeout bounds the shutdown. All acknowledged data is on disk before it;
	// only the snapshot that shortens the next start may be missing after it.
	closeTimeout = 10 * time.Second
)

// settings returns the broker's settings, by their names in Kafka. message.max.bytes
// keeps Kafka's default.
func settings(opts Options) map[string]string {
	return map[string]string{
		// Retention by time would delete everything before a record with an old
		// timestamp, and searches keep their timestamp even if they are delivered late.
		"log.retention.ms":    "-1",
		"log.retention.bytes": strconv.Itoa(opts.maxBytes()),
		"log.segment.bytes":   strconv.Itoa(8 << 20),
		// Offsets of groups expire by wall-clock time, even while the shop is stopped.
		"offsets.retention.minutes": strconv.Itoa(365 * 24 * 60),
	}
}

// Options are the folder, the addresses and the bound of a broker.
type Options struct {
	// Dir is the broker's own folder. Serve makes it if it is missing.
	Dir string
	// Listen is host:port; port 0 picks a free port.
	Listen string
	// Advertise is the host:port that clients connect to; port 0 stands for the
	// real port. If it is empty, clients get the address that the broker listens on.
	Advertise string
	// MaxBytes bounds each partition: about once a minute, the oldest records above
	// it are deleted. 0 = DefaultMaxBytes. A start reads all records.
	MaxBytes int

	// Set by tests; 0 = the constants of these names.
	lockWait, retentionInterval time.Duration
}

func (o Options) maxBytes() int { return cmp.Or(o.MaxBytes, DefaultMaxBytes) }

// SetupError means that a broker can't start with its configuration. A retry
// doesn't help, unlike after a crash. It wraps syscall.EADDRINUSE if another
// program uses the address.
type SetupError struct {
	// Reason is a text for people. It names the address or folder and a way out.
	Reason string
	// Err is the cause, or nil.
	Err error
}

func (e *SetupError) Error() string { return e.Reason }
func (e *SetupError) Unwrap() error { return e.Err }

// Serve runs a broker in this process until ctx ends, and then returns nil. As
// soon as clients can connect, it calls ready once, with the real address. Every
// record and offset that the broker acknowledged is on disk.
//
// A request that makes the library panic ends the whole process. For that reason,
// and to bound memory, the shop runs the broker through a Supervisor. If the
// folder becomes unwritable, Serve returns an error without a proper shutdown: the
// library would continue, and acknowledge a retry as a duplicate of a record that
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
	front := newGuard(listener, advertised, log)
	front.lost = store.fail
	if front.folder, err = openFolder(opts.Dir); err != nil {
		return fmt.Errorf("open the broker's folder: %w", err)
	}
	cluster, err := open(opts, front, store)
	if err != nil {
		return err
	}

	closed := make(chan struct{})
	go func() {
		defer close(closed)
		retain(ctx, cluster, cmp.Or(opts.retentionInterval, retentionInterval))
		cluster.Close() // only now: after Close, ApplyRetention blocks for ever
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
		return fmt.Errorf("the broker didn't stop within %s", closeTimeout)
	}
}

// open starts kfake on the folder, behind the guard.
func open(opts Options, front *guard, store *storeLog) (*kfake.Cluster, error) {
	dir := opts.Dir
	if err := mend(dir); err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID(clusterID),
		kfake.DataDir(dir),
		kfake.SyncWrites(),
		kfake.MaxVersions(servedVersions()),
		kfake.BrokerConfigs(settings(opts)),
		kfake.WithLogger(store),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return front, nil }),
	)
	if err != nil {
		return nil, fmt.Errorf("open the broker's folder %s: %w", dir, err)
	}
	front.cluster.Store(cluster)
	select {
	case err := <-store.broken: // don't close the cluster: that would write, too
		return nil, err
	default:
	}
	refuseWhenFull(cluster, dir, store.log)

	// kfake writes this file at its end, reads it at its start, and never removes
	// it. After a crash it would be out of date, and kfake would reject the next
	// batch of an idempotent producer as out of order.
	err = os.Remove(filepath.Join(dir, "seq_windows.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		cluster.Close()
		return nil, fmt.Errorf("open the broker's folder %s: %w", dir, err)
	}
	return cluster, nil
}

// retain applies the size limit of partitions regularly until ctx ends.
func retain(ctx context.Context, cluster *kfake.Cluster, interval time.Duration) {
	tick := time.NewTicker(interval)
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

// claim locks the folder for this process until release is called. Two brokers on
// one folder would destroy it.
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

	waiting, cancel := context.WithTimeout(ctx, cmp.Or(opts.lockWait, lockWait))
	defer cancel()
	lock := flock.New(filepath.Join(opts.Dir, lockName))
	locked, err := lock.TryLockContext(waiting, 50*time.Millisecond)
	switch {
	case locked:
		return func() { _ = lock.Unlock() }, nil // the end of the process unlocks, too
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
	if IsAddressTaken(err) {
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

// address is a host:port that may contain a host name, which a net.TCPAddr can't
// hold.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// advertise returns the address that clients get.
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
