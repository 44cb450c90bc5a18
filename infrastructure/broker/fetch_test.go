package broker

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// backlog creates a topic and sends the same records to each of its partitions, each
// record in a batch of its own. The records of a partition are as large as given.
func backlog(t *testing.T, addr, topic string, partitions int, sizes ...int) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer admin.Close()
	limit := "16777216"
	require.NoError(t, admin.CreateTopic(topic, &sarama.TopicDetail{
		NumPartitions: int32(partitions), ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"max.message.bytes": &limit},
	}, false))
	config := saramaConfig()
	config.Producer.MaxMessageBytes = 16 << 20
	config.Producer.Flush.MaxMessages = 1
	producer, err := sarama.NewSyncProducer([]string{addr}, config)
	require.NoError(t, err)
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for partition := range partitions {
		for _, size := range sizes {
			value := sarama.StringEncoder(strings.Repeat("x", size))
			messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: int32(partition), Value: value})
		}
	}
	require.NoError(t, producer.SendMessages(messages))
}

// topicID returns the id of a topic.
func topicID(t *testing.T, addr, topic string) [16]byte {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &topic
	req.Topics = append(req.Topics, asked)
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(12)
	ask(t, addr, frameOf(req, 12), resp)
	require.Len(t, resp.Topics, 1)
	return resp.Topics[0].TopicID
}

// fetcher asks for the partitions of a topic like a client that neither rotates its
// partitions nor looks at any answer but the first of each partition.
type fetcher struct {
	addr    string
	topic   string
	id      [16]byte
	version int16
	offsets []int64 // next by partition
	got     []int   // bytes by partition
}

func newFetcher(t *testing.T, addr, topic string, partitions int, version int16) *fetcher {
	t.Helper()
	return &fetcher{addr: addr, topic: topic, id: topicID(t, addr, topic), version: version,
		offsets: make([]int64, partitions), got: make([]int, partitions)}
}

func (f *fetcher) request() *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.MaxWaitMillis, req.MinBytes = math.MaxInt32, 10, 1
	req.SessionEpoch = 0
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = f.topic, f.id
	for partition, offset := range f.offsets {
		asked := kmsg.NewFetchRequestTopicPartition()
		asked.Partition, asked.FetchOffset = int32(partition), offset
		asked.CurrentLeaderEpoch, asked.PartitionMaxBytes = -1, math.MaxInt32
		topic.Partitions = append(topic.Partitions, asked)
	}
	req.Topics = append(req.Topics, topic)
	return req
}

// fetch sends a full fetch and checks that the answer names each partition once. It
// returns the bytes of records in the answer.
func (f *fetcher) fetch(t *testing.T) (size int) {
	t.Helper()
	resp := kmsg.NewPtrFetchResponse()
	resp.SetVersion(f.version)
	ask(t, f.addr, frameOf(f.request(), f.version), resp)
	require.Zero(t, resp.ErrorCode)
	require.Len(t, resp.Topics, 1)
	seen := make(map[int32]bool)
	for _, p := range resp.Topics[0].Partitions {
		require.False(t, seen[p.Partition])
		seen[p.Partition] = true
		require.Zero(t, p.ErrorCode)
		size += len(p.RecordBatches)
		f.got[p.Partition] += len(p.RecordBatches)
		for rest := p.RecordBatches; len(rest) > 0; {
			first := int64(binary.BigEndian.Uint64(rest))
			require.Equal(t, f.offsets[p.Partition], first)
			f.offsets[p.Partition] = first + int64(binary.BigEndian.Uint32(rest[23:])) + 1
			rest = rest[12+binary.BigEndian.Uint32(rest[8:]):]
		}
	}
	require.Len(t, seen, len(f.offsets), "a full fetch names every partition")
	return size
}

func repeated(n, size int) (sizes []int) {
	for range n {
		sizes = append(sizes, size)
	}
	return sizes
}

// A consumer that is far behind gets whole answers, of about maxFetch bytes each.
func TestFullFetchesNameEveryPartition(t *testing.T) {
	t.Parallel()
	const partitions, records, size = 3, 200, 9_000
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, "searches", partitions, repeated(records, size)...)
	latest, _ := servedVersions().LookupMaxKeyVersion(int16(kmsg.Fetch))
	for version := int16(4); version <= latest; version++ {
		f := newFetcher(t, addr, "searches", partitions, version)
		requests := 0
		for ; f.offsets[0]+f.offsets[1]+f.offsets[2] < partitions*records; requests++ {
			got := f.fetch(t)
			require.Positive(t, got)
			require.LessOrEqual(t, got, maxFetch)
		}
		require.LessOrEqual(t, requests, 8, "version %d", version)
		require.Zero(t, f.fetch(t))
	}
}

// A batch that is larger than an answer may be travels all the same, and leaves room
// for no other. No partition waits until another one is read to its end.
func TestLargeBatchesStarveNoPartition(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, "large", 3, repeated(20, 500_000)...)
	f := newFetcher(t, addr, "large", 3, 12)
	for range 20 {
		require.Positive(t, f.fetch(t))
	}
	for _, offset := range f.offsets {
		require.Positive(t, offset)
		require.Less(t, offset, int64(20))
	}
	backlog(t, addr, "larger", 2, 3_000_000, 10, 2_000_000)
	f = newFetcher(t, addr, "larger", 2, 12)
	for f.offsets[0] < 3 || f.offsets[1] < 3 {
		require.Positive(t, f.fetch(t))
	}
}

// What a client asks for stays a limit.
func TestFetchesKeepTheLimitsOfTheClient(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, "searches", 2, repeated(50, 2_000)...)
	f := newFetcher(t, addr, "searches", 2, 12)
	size := func(change func(req *kmsg.FetchRequest)) (size int) {
		req := f.request()
		change(req)
		resp := kmsg.NewPtrFetchResponse()
		resp.SetVersion(12)
		ask(t, addr, frameOf(req, 12), resp)
		require.Equal(t, 2, len(resp.Topics[0].Partitions))
		for _, p := range resp.Topics[0].Partitions {
			size += len(p.RecordBatches)
		}
		return size
	}
	require.LessOrEqual(t, size(func(req *kmsg.FetchRequest) { req.MaxBytes = 30_000 }), 30_000)
	require.LessOrEqual(t, size(func(req *kmsg.FetchRequest) {
		req.Topics[0].Partitions[0].PartitionMaxBytes = 10_000
		req.Topics[0].Partitions[1].PartitionMaxBytes = 10_000
	}), 20_000)
	for _, limit := range []int32{0, -1, math.MinInt32, 1} { // one batch at least, as Kafka
		require.Positive(t, size(func(req *kmsg.FetchRequest) { req.MaxBytes = limit }))
	}
}

// The broker declines fetch sessions (KIP-227), so each fetch is a full one. A client
// with a session of an earlier version begins again.
func TestFetchSessionsAreDeclined(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, "searches", 2, 10)
	f := newFetcher(t, addr, "searches", 2, 12)
	answer := func(id, epoch int32) *kmsg.FetchResponse {
		req := f.request()
		req.SessionID, req.SessionEpoch = id, epoch
		resp := kmsg.NewPtrFetchResponse()
		resp.SetVersion(12)
		ask(t, addr, frameOf(req, 12), resp)
		return resp
	}
	const sessionNotFound = 70
	for _, epoch := range []int32{0, -1} {
		for _, id := range []int32{0, 7} {
			resp := answer(id, epoch)
			require.Zero(t, resp.ErrorCode)
			require.Zero(t, resp.SessionID)
			require.Len(t, resp.Topics[0].Partitions, 2)
		}
	}
	require.EqualValues(t, sessionNotFound, answer(7, 1).ErrorCode)
	require.EqualValues(t, sessionNotFound, answer(1, 1).ErrorCode)
}

// While a consumer waits for records, it asks about as often as it may.
func TestFetchesWait(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, "searches", 3, 10)
	f := newFetcher(t, addr, "searches", 3, 12)
	require.Positive(t, f.fetch(t))
	req := f.request()
	req.MaxWaitMillis = 300
	begun := time.Now()
	resp := kmsg.NewPtrFetchResponse()
	resp.SetVersion(12)
	ask(t, addr, frameOf(req, 12), resp)
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
	require.Len(t, resp.Topics[0].Partitions, 3)
}
