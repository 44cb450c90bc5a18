package mq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	// maxRecordBytes bounds a record; a hundred books with ordinary descriptions
	// have a tenth of it. Topics made by us take records of this size; the
	// embedded broker takes requests of 16 MiB.
	maxRecordBytes = 15 << 20
	// maxBatchBytes bounds what is sent at once for a partition, where the topic
	// doesn't take less; unknownBatchBytes where it can't be asked: it fits into
	// topics made with Kafka's default of 1 MiB.
	maxBatchBytes     = 4 << 20
	unknownBatchBytes = 1_000_000
	// maxRequestBytes bounds what is sent at once for all partitions.
	maxRequestBytes = 8 << 20
)

// producer is an idempotent producer on a client of its own. It never gives a
// record up as long as it isn't dropped: otherwise one could be overtaken by a
// later one of the same key. What Kafka refuses is the exception.
type producer struct {
	client sarama.Client
	sarama.SyncProducer
	// batchBytes is how much the topic takes at once for a partition.
	batchBytes int
	// dropped is closed when it is given up, ended when it has ended.
	dropped, ended chan struct{}
	callsMu        sync.Mutex
	calls          sync.WaitGroup // of SendMessages
}

// patientConfig makes sarama's own tries outlast the patience of who sends, who drops
// the producer before sarama gives a record up.
func patientConfig(security Security) *sarama.Config {
	config := newConfig(security)
	config.Metadata.RefreshFrequency = metadataAge
	config.Metadata.Retry.Max = 600
	config.Metadata.Retry.Backoff = 250 * time.Millisecond
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1 // sarama requires it of an idempotent producer
	config.Producer.Retry.Max = 1200
	config.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		pause := min(100*time.Millisecond<<min(retries, 4), time.Second)
		return pause/2 + rand.N(pause)
	}
	config.Producer.Timeout = 5 * time.Second
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = maxRecordBytes
	// What is sent by one call goes into one request for each broker, so that
	// the events of a partition are taken, or refused, together: see gate.
	config.ChannelBufferSize = maxBatchRecords + 24
	config.Producer.Flush.Messages = maxBatchRecords
	config.Producer.Flush.Frequency = flushPause
	return config
}

const (
	// metadataAge is how soon added partitions are seen.
	metadataAge = 30 * time.Second
	// flushPause is how long sarama waits for more records of a call, so long that
	// it has all of them on a busy machine as well. A full batch doesn't wait.
	flushPause = 50 * time.Millisecond
)

func newProducer(brokers []string, o options, batchBytes int) (*producer, error) {
	config := patientConfig(o.security)
	if o.weak == disorderly {
		config.Producer.Idempotent = false
		config.Producer.Retry.Max, config.Producer.Retry.BackoffFunc = 1, nil
		config.Metadata.Retry.Max = 1
		config.Net.MaxOpenRequests = 5
	}
	client, err := dial(brokers, config)
	if err != nil {
		return nil, err
	}
	sync, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make producer: %w", err), client.Close())
	}
	return &producer{client: client, SyncProducer: sync, batchBytes: batchBytes, dropped: make(chan struct{}), ended: make(chan struct{})}, nil
}

// partitions returns how many the topic has. The client knows, but for a topic
// that is gone it asks for minutes: then the producer is dropped.
func (p *producer) partitions(ctx context.Context, topic string) (int32, error) {
	type answer struct {
		ids []int32
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		ids, err := p.client.Partitions(topic)
		answered <- answer{ids, err}
	}()
	err := error(sarama.ErrLeaderNotAvailable)
	select {
	case a := <-answered:
		if a.err == nil && len(a.ids) > 0 {
			return slices.Max(a.ids) + 1, nil
		}
		err = cmp.Or(a.err, err)
	case <-time.After(slowAfter):
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.drop()
	return 0, fmt.Errorf("partitions of topic %s: %w", topic, err)
}

// drop ends the producer in the background: what is under way in it fails,
// unless it is stuck. The client goes first, or sarama would go on trying; the
// producer itself when no call is under way any more, or sarama would panic.
func (p *producer) drop() {
	p.callsMu.Lock()
	defer p.callsMu.Unlock()
	if p.isDropped() {
		return
	}
	close(p.dropped)
	go func() {
		defer close(p.ended)
		_ = p.client.Close()
		p.calls.Wait()
		_ = p.SyncProducer.Close()
	}()
}

// begin enters a call, unless the producer was dropped.
func (p *producer) begin() bool {
	p.callsMu.Lock()
	defer p.callsMu.Unlock()
	if p.isDropped() {
		return false
	}
	p.calls.Add(1)
	return true
}

func (p *producer) isDropped() bool {
	select {
	case <-p.dropped:
		return true
	default:
		return false
	}
}

// send tries once to send messages, in their order for each partition, and
// returns what became of each: nil if it is acknowledged. It gives up, and
// drops the producer, after patience or when ctx ends; what isn't known then is
// an errUnsettled. slow is called once when there is no answer in slowAfter.
func (p *producer) send(ctx context.Context, messages []*sarama.ProducerMessage, slowAfter, patience time.Duration, slow func()) []error {
	if !p.begin() {
		return slices.Repeat([]error{errUnsettled}, len(messages))
	}
	gather(messages)
	sent := make(chan error, 1)
	go func() {
		defer p.calls.Done()
		sent <- p.SendMessages(messages)
	}()
	stuck := time.NewTimer(patience)
	defer stuck.Stop()
	late := time.NewTimer(slowAfter)
	defer late.Stop()
	for {
		select {
		case err := <-sent:
			return outcomes(messages, err)
		case <-late.C:
			slow()
			continue
		case <-stuck.C:
		case <-ctx.Done():
		}
		p.drop()
		select {
		case err := <-sent:
			return outcomes(messages, err)
		case <-time.After(endWait):
			return slices.Repeat([]error{errUnsettled}, len(messages))
		}
	}
}

// gather lets no message of a call be put into a request before all of them are
// on their way there, in sarama's channels, which have space for them. Otherwise
// a busy machine would cut the call into several requests.
func gather(messages []*sarama.ProducerMessage) {
	g := &gate{opened: make(chan struct{})}
	for i, m := range messages {
		m.Value = gatedValue{m.Value, g, i == len(messages)-1}
	}
}

// gate is opened by the last message.
type gate struct {
	opened  chan struct{}
	opening sync.Once
}

// gatedValue uses that sarama asks for the length of each message when it takes
// it in, one after the other, and for its bytes when it goes into a request.
type gatedValue struct {
	sarama.Encoder
	gate *gate
	last bool
}

func (v gatedValue) Length() int {
	if v.last {
		v.gate.opening.Do(func() { close(v.gate.opened) })
	}
	return v.Encoder.Length()
}

func (v gatedValue) Encode() ([]byte, error) {
	select {
	case <-v.gate.opened: // for all but the first; a timer for each would cost
	default:
		select {
		case <-v.gate.opened:
		case <-time.After(endWait): // the producer is being closed
		}
	}
	return v.Encoder.Encode()
}

// errUnsettled: whether the record arrived isn't known.
var errUnsettled = errors.New("Kafka did not acknowledge in time")

// outcomes spreads the error of a call over its messages.
func outcomes(messages []*sarama.ProducerMessage, err error) []error {
	errs := make([]error, len(messages))
	if err == nil {
		return errs
	}
	failed, ok := errors.AsType[sarama.ProducerErrors](err)
	if !ok {
		return slices.Repeat([]error{err}, len(messages))
	}
	places := make(map[*sarama.ProducerMessage]int, len(messages))
	for i, m := range messages {
		places[m] = i
	}
	for _, f := range failed {
		errs[places[f.Msg]] = f.Err
	}
	return errs
}

// refused reports errors after which the record is certainly not in the topic,
// and never will be, because of what it is. That Kafka doesn't let us write
// there, or that there is no topic, is for the operator to mend, and the record
// waits.
func refused(err error) bool {
	for _, refusal := range []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrInvalidMessageSize, sarama.ErrMessageSetSizeTooLarge,
		sarama.ErrInvalidTimestamp, sarama.ErrInvalidRecord, sarama.ErrUnsupportedForMessageFormat,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	_, tooLarge := errors.AsType[sarama.ConfigurationError](err) // sarama's own check of the size
	return tooLarge
}

// topicBatchBytes asks how much a topic takes at once for a partition, and
// assumes Kafka's default where that isn't told.
func topicBatchBytes(admin sarama.ClusterAdmin, topic string) int {
	found, err := admin.DescribeConfigs([]*sarama.ConfigResource{
		{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"max.message.bytes"}},
	}, sarama.DescribeConfigsOptions{})
	if err != nil || len(found) != 1 {
		return unknownBatchBytes
	}
	for _, entry := range found[0].Configs {
		if n, err := strconv.Atoi(entry.Value); err == nil && entry.Name == "max.message.bytes" {
			return min(maxBatchBytes, n-n/20)
		}
	}
	return unknownBatchBytes
}
