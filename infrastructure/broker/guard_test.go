package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// frameOf returns a request in its wire format.
func frameOf(req kmsg.Request, version int16) []byte {
	req.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, 7)
}

// headerOf returns the first bytes of a frame.
func headerOf(size int32, key, version int16) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(size))
	head = binary.BigEndian.AppendUint16(head, uint16(key))
	head = binary.BigEndian.AppendUint16(head, uint16(version))
	return append(head, 0, 0, 0, 7, 0xff, 0xff)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(timeout)))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closesOn checks that the broker closes the connection without an answer to these
// bytes.
func closesOn(t *testing.T, addr string, bytes []byte) {
	t.Helper()
	conn := dial(t, addr)
	_, _ = conn.Write(bytes) // may fail if the broker closes early
	n, err := conn.Read(make([]byte, 1))
	require.Zero(t, n)
	require.Error(t, err)
	var timeout net.Error
	require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "still open")
}

// ask sends a frame and reads the response into resp.
func ask(t *testing.T, addr string, frame []byte, resp kmsg.Response) {
	t.Helper()
	conn := dial(t, addr)
	_, err := conn.Write(frame)
	require.NoError(t, err)
	size := make([]byte, 4)
	_, err = io.ReadFull(conn, size)
	require.NoError(t, err)
	body := make([]byte, binary.BigEndian.Uint32(size))
	_, err = io.ReadFull(conn, body)
	require.NoError(t, err)
	body = body[4:] // correlation id
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		body = body[1:] // no tags
	}
	require.NoError(t, resp.ReadFrom(body))
}

func TestGuardHangsUp(t *testing.T) {
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	tests := map[string][]byte{
		"negative length":         {0xff, 0xff, 0xff, 0xff},
		"huge length":             {0x7f, 0xff, 0xff, 0xff},
		"a little too long":       {0x01, 0x00, 0x00, 0x01},
		"too short for a header":  {0, 0, 0, 9},
		"unknown key":             headerOf(10, 32000, 0),
		"negative key":            headerOf(10, -1, 0),
		"key of Kafka's insides":  headerOf(10, int16(kmsg.LeaderAndISR), 0),
		"key not served":          headerOf(10, int16(kmsg.DeleteRecords), 2),
		"negative version":        headerOf(10, int16(kmsg.ApiVersions), -1),
		"produce by topic id":     headerOf(10, int16(kmsg.Produce), 13),
		"long for its kind":       headerOf(maxRequest+1, int16(kmsg.Metadata), 12),
		"HTTP":                    []byte("GET / HTTP/1.1\r\nHost: localhost:9092\r\n\r\n"),
		"TLS":                     {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03},
		"join that can't be read": headerOf(10, int16(kmsg.JoinGroup), 9),
	}
	for name, bytes := range tests {
		t.Run(name, func(t *testing.T) { closesOn(t, addr, bytes) })
	}

	versions := kmsg.NewPtrApiVersionsResponse()
	versions.SetVersion(0)
	ask(t, addr, frameOf(kmsg.NewPtrApiVersionsRequest(), 0), versions)
	require.Len(t, versions.ApiKeys, len(layouts))
}

// Clients newer than the broker ask for its versions in an unknown version of that
// request, and expect an answer.
func TestNewerClients(t *testing.T) {
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	versions := kmsg.NewPtrApiVersionsResponse()
	versions.SetVersion(0)
	ask(t, addr, frameOf(kmsg.NewPtrApiVersionsRequest(), 5), versions)
	require.Equal(t, int16(35), versions.ErrorCode)
}

func TestTamedRequests(t *testing.T) {
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	const invalidPartitions, inconsistentProtocol, memberIDRequired = 37, 23, 79

	create := func(name string, partitions int32) int16 {
		req := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, topic)
		resp := kmsg.NewPtrCreateTopicsResponse()
		resp.SetVersion(4)
		ask(t, addr, frameOf(req, 4), resp)
		return resp.Topics[0].ErrorCode
	}
	require.Zero(t, create("good", 3))
	require.EqualValues(t, invalidPartitions, create("wide", 1<<31-1))
	require.EqualValues(t, invalidPartitions, create(strings.Repeat("long", 100), 1))
	require.EqualValues(t, invalidPartitions, create("../../etc", 1))
	require.EqualValues(t, invalidPartitions, create("", 1))

	widen := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = "good", 1<<31-1
	widen.Topics = append(widen.Topics, topic)
	widened := kmsg.NewPtrCreatePartitionsResponse()
	widened.SetVersion(3)
	ask(t, addr, frameOf(widen, 3), widened)
	require.EqualValues(t, invalidPartitions, widened.Topics[0].ErrorCode)

	join := func(member string, protocols ...string) *kmsg.JoinGroupResponse {
		req := kmsg.NewPtrJoinGroupRequest()
		req.Group, req.MemberID, req.ProtocolType = "g", member, "consumer"
		req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 6000, 10
		for _, name := range protocols {
			protocol := kmsg.NewJoinGroupRequestProtocol()
			protocol.Name = name
			req.Protocols = append(req.Protocols, protocol)
		}
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.SetVersion(9)
		ask(t, addr, frameOf(req, 9), resp)
		return resp
	}
	first := join("", "range", "range")
	require.EqualValues(t, memberIDRequired, first.ErrorCode)
	require.EqualValues(t, inconsistentProtocol, join(first.MemberID).ErrorCode)
	require.Zero(t, join(first.MemberID, "range", "range").ErrorCode)
}

// Filters ignore case, as Kafka's.
func TestGroupsAreListed(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	client := connect(t, addr)
	commitOffset(t, client, "idle", "numbers", 0)
	list := func(states, types []string) (names []string) {
		req := kmsg.NewPtrListGroupsRequest()
		req.StatesFilter, req.TypesFilter = states, types
		resp := kmsg.NewPtrListGroupsResponse()
		resp.SetVersion(5)
		ask(t, addr, frameOf(req, 5), resp)
		for _, group := range resp.Groups {
			names = append(names, group.Group)
		}
		return names
	}
	idle := []string{"idle"}
	require.Equal(t, idle, list(nil, nil))
	require.Equal(t, idle, list(nil, []string{"Consumer", "Classic"})) // kafka-consumer-groups --list
	require.Equal(t, idle, list(nil, []string{"CLASSIC"}))
	require.Equal(t, idle, list([]string{"Stable", "empty"}, nil))
	require.Empty(t, list([]string{"stable"}, nil))
	require.Empty(t, list(nil, []string{"consumer"}))
	require.Empty(t, list([]string{"nonsense"}, nil))
}

// joinNewProtocol adds a member to a group of the new protocol (KIP-848), and waits until
// it has all partitions of the topic.
func joinNewProtocol(t *testing.T, addr, group, topic string, partitions int) {
	t.Helper()
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.RebalanceTimeoutMillis = group, "member-of-"+group, 60_000
	req.SubscribedTopicNames, req.Topics = []string{topic}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	require.Eventually(t, func() bool {
		resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
		resp.SetVersion(1)
		ask(t, addr, frameOf(req, 1), resp)
		require.Zero(t, resp.ErrorCode)
		req.MemberEpoch = resp.MemberEpoch
		return resp.Assignment != nil && len(resp.Assignment.Topics) == 1 && len(resp.Assignment.Topics[0].Partitions) == partitions
	}, timeout, 10*time.Millisecond)
	// The member stays until the end of the test.
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
				resp.SetVersion(1)
				ask(t, addr, frameOf(req, 1), resp)
			}
		}
	}()
}

// Descriptions of groups name the topics of their members. Another request on the
// connection is answered as it is.
func TestDescribedGroupsNameTheirTopics(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	joinNewProtocol(t, addr, "modern", "numbers", 1)
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{"modern", "missing"}
	for version := range int16(2) {
		resp := kmsg.NewPtrConsumerGroupDescribeResponse()
		resp.SetVersion(version)
		ask(t, addr, frameOf(req, version), resp)
		require.Len(t, resp.Groups, 2)
		require.Zero(t, resp.Groups[0].ErrorCode)
		require.Len(t, resp.Groups[0].Members, 1)
		member := resp.Groups[0].Members[0]
		for _, assignment := range []kmsg.Assignment{member.Assignment, member.TargetAssignment} {
			require.Len(t, assignment.TopicPartitions, 1)
			require.Equal(t, "numbers", assignment.TopicPartitions[0].Topic)
			require.Equal(t, []int32{0}, assignment.TopicPartitions[0].Partitions)
		}
		require.Equal(t, int16(69), resp.Groups[1].ErrorCode)
	}
}

// A batch that moves offsets back would let later records overwrite earlier ones.
func TestBatchesWithoutRecordsAreRefused(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "numbers")
	client := connect(t, addr)
	produce(t, client, "numbers", time.Now(), "0", "1", "2")
	for _, count := range []int32{0, -1, -3, math.MinInt32} {
		batch := kmsg.RecordBatch{
			Length: 49, Magic: 2, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
			LastOffsetDelta: count - 1, NumRecords: count,
		}
		raw := batch.AppendTo(nil)
		binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], castagnoli))
		req := kmsg.NewPtrProduceRequest()
		req.Acks = -1
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic = "numbers"
		partition := kmsg.NewProduceRequestTopicPartition()
		partition.Records = raw
		topic.Partitions = append(topic.Partitions, partition)
		req.Topics = append(req.Topics, topic)
		resp := kmsg.NewPtrProduceResponse()
		resp.SetVersion(9)
		ask(t, addr, frameOf(req, 9), resp)
		require.Equal(t, int16(sarama.ErrInvalidMessage), resp.Topics[0].Partitions[0].ErrorCode)
	}
	produce(t, client, "numbers", time.Now(), "3")
	require.Equal(t, []string{"0", "1", "2", "3"}, consume(t, client, "numbers"))
}

func TestFetchesAreBounded(t *testing.T) {
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "large")
	large := strings.Repeat("x", 600_000)
	produce(t, connect(t, addr), "large", time.Now(), large, large, large)
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.MaxWaitMillis = math.MaxInt32, math.MaxInt32
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "large"
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.CurrentLeaderEpoch, partition.PartitionMaxBytes = -1, math.MaxInt32
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	req.MinBytes = 1
	resp := kmsg.NewPtrFetchResponse()
	resp.SetVersion(12)
	ask(t, addr, frameOf(req, 12), resp)
	size := len(resp.Topics[0].Partitions[0].RecordBatches)
	require.Greater(t, size, len(large))
	require.LessOrEqual(t, size, maxFetch)
}

// A client must finish a frame in time, but may be idle between frames for as long
// as it likes.
func TestSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		g := newGuard(nil, nil, quiet())
		conn := g.admit(server)
		defer conn.Close()
		frame := frameOf(kmsg.NewPtrApiVersionsRequest(), 0)
		go func() {
			time.Sleep(24 * time.Hour)
			_, _ = client.Write(frame)
			time.Sleep(24 * time.Hour)
			_, _ = client.Write(frame[:len(frame)-1])
		}()
		got := make([]byte, len(frame))
		_, err := io.ReadFull(conn, got)
		require.NoError(t, err)
		require.Equal(t, frame, got)

		begin := time.Now()
		n, err := io.ReadFull(conn, got)
		require.Zero(t, n)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		require.Equal(t, 24*time.Hour+frameTimeout, time.Since(begin))

		_, err = conn.Write([]byte("unread"))
		require.ErrorAs(t, err, &timeout)
	})
}

// isClosed reports, without waiting, whether the other side closed the connection.
func isClosed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err := conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// Above the limit, the guard closes connections that never sent a request, then
// those whose last request is the oldest.
func TestConnectionsAreBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := newGuard(listener, listener.Addr(), quiet())
	g.bound = 3
	var clients, served []net.Conn
	connect := func() {
		clients = append(clients, dial(t, listener.Addr().String()))
		conn, err := g.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		served = append(served, conn)
	}
	speak := func(i int) {
		frame := frameOf(kmsg.NewPtrApiVersionsRequest(), 0)
		_, err := clients[i].Write(frame)
		require.NoError(t, err)
		_, err = io.ReadFull(served[i], frame)
		require.NoError(t, err)
	}
	requireClosed := func(want ...int) {
		t.Helper()
		var closed []int
		for i, client := range clients {
			if isClosed(t, client) {
				closed = append(closed, i)
			}
		}
		require.Equal(t, want, closed)
	}
	connect()
	speak(0)
	connect()
	speak(1)
	connect()
	connect()
	requireClosed(2) // the silent one
	speak(3)
	speak(0)
	connect()
	requireClosed(1, 2)
	require.NoError(t, served[0].Close())
	_ = served[0].Close() // the second Close must not free a second slot
	connect()
	requireClosed(0, 1, 2)
	connect()
	requireClosed(0, 1, 2, 4)

	require.NoError(t, g.Close())
	_, err = g.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// Large requests get a slot when others release theirs, however those end.
func TestLargeRequestsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(nil, nil, quiet())
		frame := make([]byte, lengthSize+1<<20)
		copy(frame, headerOf(1<<20, int16(kmsg.Produce), 3))
		announce := func() *guardedConn {
			server, client := net.Pipe()
			t.Cleanup(func() { client.Close() })
			go func() { _, _ = client.Write(frame[:len(frame)-1]) }()
			return g.admit(server)
		}
		read := func(conn *guardedConn) chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		var conns []*guardedConn
		for range maxLargeRequests {
			conns = append(conns, announce())
			read(conns[len(conns)-1])
		}
		require.Len(t, g.large, maxLargeRequests)
		small, client := net.Pipe()
		defer client.Close()
		go func() { _, _ = client.Write(frameOf(kmsg.NewPtrApiVersionsRequest(), 0)) }()
		smalls := g.admit(small)
		require.NoError(t, <-read(smalls))

		late := announce()
		begin := time.Now()
		ended := read(late)
		conns[0].Close()
		synctest.Wait()
		require.True(t, late.large.Load())
		require.Error(t, <-ended) // its last byte never arrives
		require.Equal(t, frameTimeout, time.Since(begin))
		for _, conn := range append(conns, late, smalls) {
			conn.Close()
		}
		synctest.Wait()
		require.Empty(t, g.large)
		require.Empty(t, g.conns)
	})
}

// brokenListener first returns its errors, then conn, then net.ErrClosed.
type brokenListener struct {
	net.Listener
	errs []error
	conn net.Conn
}

func (l *brokenListener) Accept() (conn net.Conn, err error) {
	switch {
	case len(l.errs) > 0:
		err, l.errs = l.errs[0], l.errs[1:]
	case l.conn != nil:
		conn, l.conn = l.conn, nil
	default:
		err = net.ErrClosed
	}
	return conn, err
}

func (*brokenListener) Close() error { return nil }

func TestAcceptGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		g := newGuard(&brokenListener{
			errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.EMFILE},
			conn: server,
		}, nil, quiet())
		conn, err := g.Accept()
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		_, err = g.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		g := newGuard(&brokenListener{errs: []error{syscall.EMFILE}}, nil, quiet())
		require.NoError(t, g.Close())
		_, err := g.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestTamingKeepsTheRest(t *testing.T) {
	for version := int16(0); version <= 9; version++ {
		req := kmsg.NewPtrJoinGroupRequest()
		req.Group, req.ProtocolType, req.MemberID = "g", "consumer", "m"
		protocol := kmsg.NewJoinGroupRequestProtocol()
		protocol.Name, protocol.Metadata = "range", []byte{1, 2, 3}
		req.Protocols = append(req.Protocols, protocol)
		frame := frameOf(req, version)
		tamed, err := tame(bytes.Clone(frame), quiet())
		require.NoError(t, err)
		require.Equal(t, frame, tamed)
	}
}
