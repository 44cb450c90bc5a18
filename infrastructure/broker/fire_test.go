//go:build linux

package broker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxResident bounds the memory of a broker under fire: the heap's soft limit
// (childMemory), and the same again for all memory outside that limit.
const maxResident = 512 << 20

// setting reads a number from the environment.
func setting(t testing.TB, name string, otherwise int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	require.NoError(t, err, name)
	return n
}

// forge makes requests that no client would send. It isn't safe for concurrent use.
type forge struct {
	*rand.Rand
	topicID    [16]byte // of an existing topic
	producerID int64
	versions   []keyVersion // all served ones
	next       int          // index in versions
	kinds      map[string]int
}

type keyVersion struct{ key, version int16 }

func newForge(seed, of uint64) *forge {
	f := &forge{Rand: rand.New(rand.NewPCG(seed, of)), kinds: make(map[string]int)}
	versions := servedVersions()
	for key := range parsed {
		latest, _ := versions.LookupMaxKeyVersion(key)
		for version := range latest + 1 {
			f.versions = append(f.versions, keyVersion{key, version})
		}
	}
	slices.SortFunc(f.versions, func(a, b keyVersion) int { return int(a.key-b.key)<<8 + int(a.version-b.version) })
	f.next = f.IntN(len(f.versions))
	return f
}

// fill gives every field of a request a value that a client could send: existing
// names, lists with elements, small numbers.
func (f *forge) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; name {
			case "UnknownTags", "Version", "ReplicaState": // only brokers send ReplicaState
			case "Records":
				v.Field(i).SetBytes(f.batch())
			default:
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		if f.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice:
		n := f.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i))
		}
	case reflect.Array:
		if f.IntN(2) == 0 {
			v.Set(reflect.ValueOf(f.topicID))
			return
		}
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString([]string{"numbers", "other", "group", "consumer", "range", ""}[f.IntN(6)])
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32:
		v.SetInt([]int64{-2, -1, 0, 0, 1, 1, 2, 100, 7000}[f.IntN(9)] % (1 << (v.Type().Bits() - 1)))
	case reflect.Int64:
		v.SetInt([]int64{-2, -1, 0, 0, 1, 1, 2, 100, 7000, f.producerID}[f.IntN(10)])
	case reflect.Uint8:
		v.SetUint(f.Uint64N(256))
	}
}

// batch returns records that pass as valid: a header with odd values and a matching
// checksum.
func (f *forge) batch() []byte {
	records := make([]byte, f.IntN(40))
	batch := kmsg.RecordBatch{
		Length:          int32(49 + len(records)),
		Magic:           2,
		Attributes:      []int16{0, 0, 0, 1, 4, 8, 0x10, 0x10, 0x20}[f.IntN(9)],
		LastOffsetDelta: int32(f.IntN(4) - 1),
		FirstTimestamp:  f.Int64N(2e12), MaxTimestamp: f.Int64N(2e12),
		ProducerID:    []int64{-1, -1, 0, 1, f.producerID}[f.IntN(5)],
		ProducerEpoch: int16(f.IntN(4) - 1),
		FirstSequence: int32(f.IntN(4) - 1),
		Records:       records,
	}
	batch.NumRecords = batch.LastOffsetDelta + 1
	raw := batch.AppendTo(nil)
	for range f.IntN(3) {
		raw[21+f.IntN(len(raw)-21)] = byte(f.Uint64())
	}
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], castagnoli))
	return raw
}

// valid returns a request as a client would send it, of the next key and version.
func (f *forge) valid() []byte {
	f.next = (f.next + 1) % len(f.versions)
	of := f.versions[f.next]
	req := kmsg.RequestForKey(of.key)
	f.fill(reflect.ValueOf(req).Elem())
	return frameOf(req, of.version)
}

// mutate changes at least one byte after the key and the version, and sometimes the
// length.
func (f *forge) mutate(frame []byte) []byte {
	const body = lengthSize + 4
	before := bytes.Clone(frame)
	for bytes.Equal(before, frame) {
		for range 1 + f.IntN(3) {
			at := body + f.IntN(len(frame)-body)
			switch f.IntN(4) {
			case 0:
				frame[at] = byte(f.Uint64())
			case 1:
				frame[at] ^= 1 << f.IntN(8)
			case 2:
				frame[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[f.IntN(5)]
			case 3:
				other := body + f.IntN(len(frame)-body)
				copy(frame[at:], frame[other:min(len(frame), other+8)])
			}
		}
	}
	if f.IntN(50) == 0 {
		frame[f.IntN(lengthSize)] = byte(f.Uint64())
	}
	return frame
}

// request returns the next request to throw. Seven of ten are mutated valid frames,
// which cycle through all served keys and versions.
func (f *forge) request() []byte {
	kind, frame := "", []byte(nil)
	switch f.IntN(20) {
	case 0, 1:
		kind, frame = "valid", f.valid()
	case 2:
		key := int16(f.IntN(100) - 5)
		kind, frame = "unserved", append(headerOf(30, key, int16(f.IntN(30)-5)), make([]byte, 20)...)
	case 3:
		size := []uint32{0, 9, 1<<20 + 1, maxProduceRequest + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, f.Uint32()}[f.IntN(8)]
		kind, frame = "length", f.valid()
		binary.BigEndian.PutUint32(frame, size)
	case 4:
		frame = f.valid()
		kind, frame = "half", frame[:f.IntN(len(frame))]
	case 5:
		// Insert the largest possible count of tags or elements at a random place.
		frame = f.valid()
		at := lengthSize + 8 + f.IntN(len(frame)-lengthSize-8)
		kind, frame = "mutated", append(frame[:at:at], append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, frame[at:]...)...)
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-lengthSize))
	default:
		kind, frame = "mutated", f.mutate(f.valid())
	}
	f.kinds[kind]++
	return frame
}

// thrower keeps its connection until the broker closes it.
type thrower struct {
	addr     string
	timeout  time.Duration // of one request; 0 = 20 ms
	conn     net.Conn
	answered int
}

// throw sends a frame and waits briefly for an answer or the end of the connection.
// Some answers would wait for records or members.
func (th *thrower) throw(frame []byte) error {
	if th.conn == nil {
		conn, err := net.Dial("tcp", th.addr)
		if err != nil {
			return err
		}
		_ = conn.(*net.TCPConn).SetLinger(0) // leaves no port behind
		th.conn = conn
	}
	_ = th.conn.SetDeadline(time.Now().Add(cmp.Or(th.timeout, 20*time.Millisecond)))
	answer := make([]byte, 4)
	_, err := th.conn.Write(frame)
	if err == nil {
		_, err = io.ReadFull(th.conn, answer)
	}
	if err == nil {
		_, err = io.CopyN(io.Discard, th.conn, int64(binary.BigEndian.Uint32(answer)))
	}
	if err != nil {
		th.hangUp()
		return nil
	}
	th.answered++
	return nil
}

func (th *thrower) hangUp() {
	if th.conn != nil {
		th.conn.Close()
		th.conn = nil
	}
}

// peak returns the highest memory use of a process in bytes, or 0 if it is gone.
func peak(pid int) (resident int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if kilobytes, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, _ := strconv.Atoi(strings.Fields(kilobytes)[0])
			resident = n << 10
		}
	}
	return resident
}

// watchPeak records the child's highest memory use, over restarts, until stop.
func watchPeak(t *testing.T, log *supervisorLog) (stop func() int) {
	t.Helper()
	var highest atomic.Int64
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			highest.Store(max(highest.Load(), int64(peak(log.child()))))
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	return func() int {
		close(quit)
		<-ended
		return int(highest.Load())
	}
}

func producerID(t *testing.T, addr string) int64 {
	t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	name := "numbers"
	req.TransactionalID, req.TransactionTimeoutMillis = &name, 60_000
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.SetVersion(4)
	ask(t, addr, frameOf(req, 4), resp)
	require.Zero(t, resp.ErrorCode)
	return resp.ProducerID
}

// TestUnderFire throws requests at the broker while a producer sends records. No
// acknowledged record may be lost.
//
// TEST_FUZZED_REQUESTS is the number of requests, TEST_FUZZ_SEED the seed of the
// random source. `make fire` throws half a million.
func TestUnderFire(t *testing.T) {
	t.Parallel()
	const throwers, rounds = 8, 10
	requests := setting(t, "TEST_FUZZED_REQUESTS", 20_000)
	seed := setting(t, "TEST_FUZZ_SEED", 1)
	t.Logf("TEST_FUZZED_REQUESTS=%d TEST_FUZZ_SEED=%d", requests, seed)

	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	for _, topic := range []string{"precious", "numbers", "other"} {
		createTopic(t, addr, topic)
	}
	id, producer := topicID(t, addr, "numbers"), producerID(t, addr)
	forges := make([]*forge, throwers)
	for i := range forges {
		forges[i] = newForge(uint64(seed), uint64(i))
		forges[i].topicID, forges[i].producerID = id, producer
	}
	sender := startSender(t, addr, "precious")
	stopWatching := watchPeak(t, log)
	begun := time.Now()
	var answered atomic.Int64
	for round := range rounds {
		had := sender.count()
		var throwing sync.WaitGroup
		for _, f := range forges {
			throwing.Go(func() {
				th := &thrower{addr: addr}
				defer th.hangUp()
				for range requests / rounds / throwers {
					_ = th.throw(f.request()) // fails while the broker is away
				}
				answered.Add(int64(th.answered))
			})
		}
		throwing.Wait()
		eventually(t, fmt.Sprintf("records acknowledged in round %d", round), func() bool { return sender.count() > had })
	}
	took := time.Since(begun)
	acked, highest := sender.end(), stopWatching()
	stored := consume(t, connect(t, addr), "precious")
	requireInOrder(t, stored, acked)

	kinds, thrown := make(map[string]int), 0
	for _, f := range forges {
		for kind, n := range f.kinds {
			kinds[kind] += n
			thrown += n
		}
	}
	t.Logf("%d requests in %s, of kinds %v, %d answered, over %d keys in %d versions; %d restarts; at most %d MiB resident; "+
		"%d records acknowledged, %d stored, none lost",
		thrown, took.Round(time.Millisecond), kinds, answered.Load(), len(layouts), len(forges[0].versions),
		log.count("listening again"), highest>>20, acked, len(stored))
	require.GreaterOrEqual(t, 2*kinds["mutated"], thrown)
	require.Greater(t, kinds["mutated"], len(forges[0].versions))
	require.Less(t, highest, maxResident)
	require.Zero(t, log.count("exited unexpectedly"))

	createTopic(t, addr, "afterwards")
	client := connect(t, addr)
	produce(t, client, "afterwards", time.Now(), "a", "b")
	require.Equal(t, []string{"a", "b"}, consume(t, client, "afterwards"))
	commitOffset(t, client, "readers", "afterwards", 2)
	require.Equal(t, int64(2), committedOffset(t, client, "readers", "afterwards"))
}

// FuzzRequests searches for requests that end the broker. A panic in one of kfake's
// goroutines ends the fuzzing process.
func FuzzRequests(f *testing.F) {
	forge := newForge(1, 2)
	for range 200 {
		f.Add(forge.request())
	}
	addr, _ := serve(f, Options{Dir: f.TempDir(), Listen: "127.0.0.1:0"})
	f.Fuzz(func(t *testing.T, frame []byte) {
		th := &thrower{addr: addr}
		defer th.hangUp()
		require.NoError(t, th.throw(frame))
	})
}

// The layouts agree with the library that decodes requests.
func TestLayouts(t *testing.T) {
	t.Parallel()
	f := newForge(uint64(setting(t, "TEST_FUZZ_SEED", 1)), 0)
	require.Greater(t, len(f.versions), 100)
	for range 40 * len(f.versions) {
		frame := f.valid()
		require.NoError(t, follow(frame))
		require.Error(t, follow(frame[:len(frame)-1]), "%v", f.versions[f.next])
	}
}

// hold opens n connections, sends the bytes on each and then nothing more, until
// release. closed counts the connections that the broker has closed.
func hold(t *testing.T, addr string, n int, bytes func(i int) []byte) (closed func() int, release func()) {
	t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, _ = conn.Write(bytes(i)) // fails if the broker has closed it already
		conns[i] = conn
	}
	release = func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	t.Cleanup(release)
	return func() (closed int) {
		for _, conn := range conns {
			if isClosed(t, conn) {
				closed++
			}
		}
		return closed
	}, release
}

func silence(int) []byte { return nil }

// Far more idle connections than the broker serves at a time don't disturb its
// clients, and new clients get in.
func TestThousandsOfConnections(t *testing.T) {
	t.Parallel()
	const thousands = 3000
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	sender := startSender(t, addr, "numbers")
	eventually(t, "records", func() bool { return sender.count() > 0 })
	stopWatching := watchPeak(t, log)
	closed, release := hold(t, addr, thousands, silence)
	had := sender.count()
	eventually(t, "records meanwhile", func() bool { return sender.count() >= had+20 })
	createTopic(t, addr, "new")
	newcomer := connect(t, addr)
	produce(t, newcomer, "new", time.Now(), "a")
	require.Equal(t, []string{"a"}, consume(t, newcomer, "new"))
	eventually(t, "closed connections", func() bool { return closed() >= thousands-maxConnections })
	release()
	acked, highest := sender.end(), stopWatching()
	require.Empty(t, sender.errs)
	requireInOrder(t, consume(t, connect(t, addr), "numbers"), acked)
	t.Logf("at most %d MiB resident, %d records acknowledged", highest>>20, acked)
	require.Less(t, highest, maxResident)
	require.Zero(t, log.count("exited unexpectedly"))
}

// Requests that are announced and never finished don't stop other clients.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	sender := startSender(t, addr, "numbers")
	stopWatching := watchPeak(t, log)
	whole := frameOf(kmsg.NewPtrMetadataRequest(), 12)
	_, release := hold(t, addr, maxConnections-20, func(i int) []byte {
		return [][]byte{
			{0},
			whole[:lengthSize],
			whole[:len(whole)-1],
			headerOf(maxProduceRequest, int16(kmsg.Produce), 9),
			append(headerOf(maxProduceRequest, int16(kmsg.Produce), 9), make([]byte, 1<<17)...),
			headerOf(maxRequest, int16(kmsg.Metadata), 12),
		}[i%6]
	})
	had := sender.count()
	eventually(t, "records meanwhile", func() bool { return sender.count() >= had+50 })
	release()
	client := connect(t, addr)
	large := strings.Repeat("large", 180_000)
	createTopic(t, addr, "large")
	produce(t, client, "large", time.Now(), large)
	require.Equal(t, []string{large}, consume(t, client, "large"))
	acked, highest := sender.end(), stopWatching()
	require.Empty(t, sender.errs)
	requireInOrder(t, consume(t, client, "numbers"), acked)
	t.Logf("at most %d MiB resident, %d records acknowledged", highest>>20, acked)
	require.Less(t, highest, maxResident)
	require.Zero(t, log.count("exited unexpectedly"))
}

// wrapped starts a broker through a line of shell that ends by executing "$@".
func wrapped(t *testing.T, opts Options, shell string) (addr string, log *supervisorLog) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	wrapper := filepath.Join(t.TempDir(), "wrapper")
	script := fmt.Sprintf("#!/bin/sh\nset -- '%s' \"$@\"\n%s\n", self, shell)
	// A child writes the file: a fork of this process at the same time would keep it
	// open for writing, and Linux doesn't execute such a file.
	write := exec.Command("sh", "-c", `cat >"$0" && chmod 700 "$0"`, wrapper)
	write.Stdin = strings.NewReader(script)
	require.NoError(t, write.Run())
	log = &supervisorLog{}
	s := NewSupervisor(opts, log.logger())
	s.program, s.pauses = wrapper, quickPauses()
	addr, err = s.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return addr, log
}

// A broker that may open few files serves its clients while others take all
// connections. If its log can't open a file, the broker exits and is restarted.
func TestNoFileDescriptorsLeft(t *testing.T) {
	t.Parallel()
	addr, log := wrapped(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, `ulimit -n 48; exec "$@"`)
	createTopic(t, addr, "numbers")
	sender := startSender(t, addr, "numbers")
	closed, release := hold(t, addr, 500, silence)
	had := sender.count()
	eventually(t, "records meanwhile", func() bool { return sender.count() >= had+20 })
	require.GreaterOrEqual(t, closed(), 500-24)
	require.Zero(t, log.count("exited unexpectedly"))

	// The topic has more partitions than the broker may open files.
	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer admin.Close()
	require.NoError(t, admin.CreateTopic("wide", &sarama.TopicDetail{NumPartitions: 40, ReplicationFactor: 1}, false))
	producer, err := sarama.NewSyncProducer([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer producer.Close()
	acked := make(map[int32]int64)
	for partition := range int32(40) {
		_, offset, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "wide", Partition: partition, Value: sarama.StringEncoder("x")})
		require.NoError(t, err)
		acked[partition] = offset
	}
	release()
	had = sender.count()
	eventually(t, "records afterwards", func() bool { return sender.count() >= had+20 })
	client := connect(t, addr)
	require.NoError(t, client.RefreshMetadata("wide"))
	for partition, offset := range acked {
		newest, err := client.GetOffset("wide", partition, sarama.OffsetNewest)
		require.NoError(t, err)
		require.Greater(t, newest, offset)
	}
	n := sender.end()
	requireInOrder(t, consume(t, client, "numbers"), n)
	t.Logf("%d records acknowledged, %d restarts", n, log.count("listening again"))
}

// smallDisk mounts a disk of that size in bytes and returns its folder.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this root may not mount a small disk")
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// fillDisk writes a file until the disk is full.
func fillDisk(t *testing.T, dir string) (filler string) {
	t.Helper()
	filler = filepath.Join(dir, "filler")
	file, err := os.Create(filler)
	require.NoError(t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			size /= 2
		}
	}
	return filler
}

// Records fill the disk, then a file takes the last byte, then there is space again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, diskReserve+32<<20)
	room := filepath.Join(disk, "room")
	require.NoError(t, os.WriteFile(room, make([]byte, 8<<20), 0o600))
	opts := Options{Dir: filepath.Join(disk, "broker"), Listen: "127.0.0.1:0"}
	addr, log, supervisor := supervised(t, opts)
	createTopic(t, addr, "numbers")
	createTopic(t, addr, "large")
	client := connect(t, addr)
	sender := startSender(t, addr, "numbers")
	eventually(t, "records", func() bool { return sender.count() >= 20 })

	config := saramaConfig()
	config.Producer.Idempotent = false
	config.Producer.Retry.Max = 0
	impatient, err := sarama.NewSyncProducer([]string{addr}, config)
	require.NoError(t, err)
	defer impatient.Close()
	large := strings.Repeat("x", 900_000)
	acked := 0
	for {
		_, _, err := impatient.SendMessage(&sarama.ProducerMessage{Topic: "large", Value: sarama.StringEncoder(large)})
		if err != nil {
			require.ErrorIs(t, err, sarama.ErrKafkaStorageError)
			break
		}
		acked++
	}
	require.Greater(t, acked, 10)
	// All other requests work.
	require.Len(t, consume(t, client, "large"), acked)
	commitOffset(t, client, "readers", "large", int64(acked))
	require.Zero(t, log.count("exited unexpectedly"))

	filler := fillDisk(t, disk)
	refused := sender.count()
	require.Len(t, consume(t, client, "large"), acked)
	// A commit that can't be written isn't acknowledged: the broker exits.
	eventually(t, "its end", func() bool {
		_ = commit(client, "readers", "large", int64(acked))
		return log.count("exited unexpectedly") > 0
	})
	eventually(t, "its return", func() bool { return log.count("listening again") > 0 })
	require.Len(t, consume(t, connect(t, addr), "large"), acked)
	require.Equal(t, refused, sender.count())

	require.NoError(t, os.Remove(filler))
	require.NoError(t, os.Remove(room))
	eventually(t, "records again", func() bool { return sender.count() >= refused+20 })
	commitOffset(t, client, "readers", "large", 7) // follows the entry that the full disk cut off
	pid := log.child()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	log.awaitChild(t, pid)
	require.Equal(t, int64(7), committedOffset(t, client, "readers", "large"))
	restarts := log.count("listening again")
	n := sender.end()
	require.NoError(t, supervisor.Close(context.Background()))
	addr, _, _ = supervised(t, opts)
	client = connect(t, addr)
	requireInOrder(t, consume(t, client, "numbers"), n)
	require.Len(t, consume(t, client, "large"), acked)
	require.Equal(t, int64(7), committedOffset(t, client, "readers", "large"))
	t.Logf("%d records acknowledged, %d large ones, %d restarts", n, acked, restarts)
}

// As many clients as the broker serves fetch at once. Half of them never read their
// answers, and the others read and keep their connections. The broker closes some, and a
// consumer still reads everything.
func TestManyFetches(t *testing.T) {
	t.Parallel()
	const records = 400
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, "searches", 3, repeated(records, 9_000)...)
	f := newFetcher(t, addr, "searches", 3, 12)
	frame := frameOf(f.request(), f.version)
	stopWatching := watchPeak(t, log)
	closed, release := hold(t, addr, maxConnections/2, func(int) []byte { return frame })
	throwers := make([]thrower, maxConnections/2-20)
	for range 3 {
		for i := range throwers {
			throwers[i].addr, throwers[i].timeout = addr, timeout
			require.NoError(t, throwers[i].throw(frame))
		}
	}
	require.Len(t, consume(t, connect(t, addr), "searches"), records)
	highest := stopWatching()
	answered := 0
	for i := range throwers {
		answered += throwers[i].answered
		throwers[i].hangUp()
	}
	require.Greater(t, answered, len(throwers))
	t.Logf("%d answered, %d closed, at most %d MiB resident", answered, closed(), highest>>20)
	release()
	require.Less(t, highest, raceFactor*maxResident)
	require.Zero(t, log.count("exited unexpectedly"))
}
