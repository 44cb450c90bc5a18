package ping

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestMain(m *testing.M) { mqtest.Main(m) }

var threePartitions = TopicConfig(mq.TopicConfig{Partitions: 3, Replication: 1})

// pair is the two topics of a test, and what a test does with them.
type pair struct {
	t       *testing.T
	brokers []string
	topics  Topics
	log     *testbed.Output
	echoes  []*Echo
}

func newPair(t *testing.T, brokers []string) *pair {
	name := mqtest.NewTopic()
	p := &pair{t: t, brokers: brokers, topics: Topics{Ping: name + ".ping", Pong: name + ".pong"}, log: &testbed.Output{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.log)
		}
	})
	return p
}

func (p *pair) kafka() mq.Kafka { return mq.Kafka{Brokers: p.brokers} }

func (p *pair) logger() *slog.Logger { return slog.New(slog.NewTextHandler(p.log, nil)) }

// run runs something until the test ends, or stop is called.
func (p *pair) run(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	p.t.Cleanup(stop)
	return stop
}

func (p *pair) pinger(change func(*Pinger)) (pinger *Pinger, stop func()) {
	pinger = New(p.kafka(), p.topics, threePartitions, p.logger())
	if change != nil {
		change(pinger)
	}
	return pinger, p.run(pinger.Run)
}

// echo runs an echo, and waits until it has joined the group of this test.
func (p *pair) echo() (stop func()) {
	p.t.Helper()
	joined := func() int { return strings.Count(p.log.String(), "pings are answered\"") }
	before := joined()
	e := NewEcho(p.kafka(), p.topics.Ping+".echo", p.topics, threePartitions, p.logger())
	p.echoes = append(p.echoes, e)
	stop = p.run(e.Run)
	require.Eventually(p.t, func() bool { return joined() > before }, time.Minute, 5*time.Millisecond)
	return stop
}

// send writes a record as another program would.
func (p *pair) send(topic, key, value string) {
	p.t.Helper()
	require.NoError(p.t, mq.CreateTopics(p.kafka(), threePartitions, p.logger(), topic))
	s, err := mq.OpenSender(p.kafka(), topic)
	require.NoError(p.t, err)
	defer s.Close()
	sent := make(chan error, 1)
	require.NoError(p.t, s.Send(p.t.Context(), &mq.Record{Key: key, Value: []byte(value), Time: time.Now()}, func(err error) { sent <- err }))
	require.NoError(p.t, <-sent)
}

// background sends a ping in the background.
func background(p *Pinger) chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := p.Ping(context.Background())
		ended <- err
	}()
	return ended
}

// sentID waits for a ping, and returns its id.
func (p *pair) sentID(n int) string {
	return mqtest.Read(p.t, p.brokers, p.topics.Ping, n)[n-1].Key
}

func failures(p *Pinger, reason string) float64 {
	return testutil.ToFloat64(p.metrics.failed.WithLabelValues(reason))
}

// A thousand pings at once, from two processes, with two echoes: each gets its own reply.
func TestEachPingGetsItsReply(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		first, _ := p.pinger(nil)
		second, _ := p.pinger(nil)
		p.echo()
		p.echo()
		const pings = 1000
		replies := make([]string, pings)
		begun := time.Now()
		var wg sync.WaitGroup
		for i := range pings {
			wg.Go(func() {
				var err error
				replies[i], err = []*Pinger{first, second}[i%2].Ping(t.Context())
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		t.Log("a thousand pings took", time.Since(begun))
		distinct := map[string]bool{}
		for _, reply := range replies {
			assert.Regexp(t, `^Ping Pong \( [0-9a-f-]{36} \) $`, reply)
			distinct[reply] = true
		}
		assert.Len(t, distinct, pings)
		for _, pinger := range []*Pinger{first, second} {
			assert.Empty(t, pinger.waiting)
			assert.Zero(t, testutil.ToFloat64(pinger.metrics.inFlight))
			assert.Zero(t, failures(pinger, timedOut)+failures(pinger, overloaded)+failures(pinger, unavailable))
		}
		for _, r := range mqtest.Read(t, brokers, p.topics.Ping, pings) {
			assert.Equal(t, fmt.Sprintf(`{"id":"%s","name":"Ping","value":"Pong"}`, r.Key), string(r.Value))
			assert.True(t, distinct[reply(r.Key)], "each ping that was sent has its reply")
			delete(distinct, reply(r.Key))
		}
		for _, r := range mqtest.Read(t, brokers, p.topics.Pong, pings) {
			assert.Equal(t, reply(r.Key), string(r.Value))
		}
		answered := 0.0
		for _, e := range p.echoes {
			answered += testutil.ToFloat64(e.metrics.answered)
			assert.Zero(t, testutil.ToFloat64(e.metrics.failed)+testutil.ToFloat64(e.metrics.skipped))
		}
		assert.GreaterOrEqual(t, answered, float64(pings))
	})
}

// tutorialsService is written like the tutorial's second service: it knows pings by their
// JSON, and replies under the key.
type tutorialsService struct{ replies sarama.SyncProducer }

func (tutorialsService) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (tutorialsService) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (s tutorialsService) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		var ping struct{ ID, Name, Value string }
		if err := json.Unmarshal(message.Value, &ping); err != nil || ping.Name != "Ping" || ping.Value != "Pong" {
			return fmt.Errorf("%s: %w", message.Value, err)
		}
		_, _, err := s.replies.SendMessage(&sarama.ProducerMessage{
			Topic: strings.TrimSuffix(message.Topic, "ping") + "pong", Key: sarama.StringEncoder(message.Key),
			Value: sarama.StringEncoder(fmt.Sprintf("%s %s ( %s ) ", ping.Name, ping.Value, ping.ID)),
		})
		if err != nil {
			return err
		}
		session.MarkMessage(message, "")
	}
	return nil
}

func TestTutorialsServiceAnswersPings(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		require.NoError(t, mq.CreateTopics(p.kafka(), threePartitions, p.logger(), p.topics.Ping, p.topics.Pong))
		config := sarama.NewConfig()
		config.Producer.Return.Successes = true
		config.Consumer.Offsets.Initial = sarama.OffsetOldest
		producer, err := sarama.NewSyncProducer(brokers, config)
		require.NoError(t, err)
		defer producer.Close()
		group, err := sarama.NewConsumerGroup(brokers, p.topics.Ping, config)
		require.NoError(t, err)
		defer group.Close()
		p.run(func(ctx context.Context) {
			for ctx.Err() == nil {
				_ = group.Consume(ctx, []string{p.topics.Ping}, tutorialsService{producer})
			}
		})
		pinger, _ := p.pinger(nil)
		for range 3 {
			_, err := pinger.Ping(t.Context())
			assert.NoError(t, err)
		}
	})
}

func TestEchoAnswersTheTutorialsGateway(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		p.echo()
		p.send(p.topics.Ping, "rubbish", "no JSON")
		p.send(p.topics.Ping, "rubbish", `{"id":"rubbish","name":"Pong"}`)
		p.send(p.topics.Ping, strings.Repeat("x", maxID+1), `{"name":"Ping"}`)
		p.send(p.topics.Ping, "a\nb", `{"name":"Ping"}`)
		p.send(p.topics.Ping, "17", `{"id":"17","name":"Ping","value":"Pong"}`)
		p.send(p.topics.Ping, "", `{"id":"18","name":"Ping","value":"Pong"}`)
		found := map[string]string{}
		for _, r := range mqtest.Read(t, brokers, p.topics.Pong, 2) {
			found[r.Key] = string(r.Value)
		}
		assert.Equal(t, map[string]string{"17": "Ping Pong ( 17 ) ", "18": "Ping Pong ( 18 ) "}, found)
		assert.Equal(t, 1, strings.Count(p.log.String(), "is skipped"), "one log line a minute")
		require.Eventually(t, func() bool { return testutil.ToFloat64(p.echoes[0].metrics.answered) == 2 }, time.Minute, time.Millisecond)
		assert.EqualValues(t, 4, testutil.ToFloat64(p.echoes[0].metrics.skipped))
	})
}

func TestRepliesThatFailAreCounted(t *testing.T) {
	p := newPair(t, []string{mqtest.Shared(t)})
	require.NoError(t, mq.CreateTopics(p.kafka(), threePartitions, p.logger(), p.topics.Pong))
	s, err := mq.OpenSender(p.kafka(), p.topics.Pong)
	require.NoError(t, err)
	s.Close()
	e := NewEcho(p.kafka(), "echo", p.topics, threePartitions, p.logger())
	require.Error(t, e.answer(t.Context(), s, []*mq.Record{newPing("17")}))
	assert.EqualValues(t, 1, testutil.ToFloat64(e.metrics.failed))
	assert.Zero(t, testutil.ToFloat64(e.metrics.answered))
}

// Pings that waited for longer than their sender does aren't answered when an echo begins.
func TestEchoSkipsOldPings(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		require.NoError(t, mq.CreateTopics(p.kafka(), threePartitions, p.logger(), p.topics.Ping))
		s, err := mq.OpenSender(p.kafka(), p.topics.Ping)
		require.NoError(t, err)
		defer s.Close()
		sent := make(chan error, 100)
		for i := range cap(sent) {
			r := newPing(fmt.Sprint("old ", i))
			r.Time = time.Now().Add(-time.Minute)
			require.NoError(t, s.Send(t.Context(), r, func(err error) { sent <- err }))
		}
		for range cap(sent) {
			require.NoError(t, <-sent)
		}
		p.send(p.topics.Ping, "recent", `{"id":"recent","name":"Ping","value":"Pong"}`)
		stop := p.echo()
		assert.Equal(t, "recent", mqtest.Read(t, brokers, p.topics.Pong, 1)[0].Key)
		stop()
		p.send(p.topics.Ping, "next", `{"id":"next","name":"Ping","value":"Pong"}`)
		p.echo()
		replies := mqtest.Read(t, brokers, p.topics.Pong, 2)
		assert.ElementsMatch(t, []string{"recent", "next"}, []string{replies[0].Key, replies[1].Key}, "the group's offsets are kept")
	})
}

// Whatever is in the topic of replies, a ping waits for its own.
func TestRubbishIsNoReply(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		pinger, _ := p.pinger(func(p *Pinger) { p.timeout = time.Minute })
		ended := background(pinger)
		id := p.sentID(1)
		p.send(p.topics.Pong, uuid.NewString(), reply(id))
		p.send(p.topics.Pong, "", reply(id))
		p.send(p.topics.Pong, id, "")
		p.send(p.topics.Pong, id, reply("another"))
		p.send(p.topics.Pong, id, strings.Repeat("x", 100_000))
		p.send(p.topics.Pong, id, reply(id)+"and more")
		other := background(pinger) // its reply comes after the rubbish
		otherID := p.otherID(id)
		p.send(p.topics.Pong, otherID, reply(otherID))
		require.NoError(t, <-other)
		select {
		case err := <-ended:
			t.Fatal("rubbish has answered a ping: ", err)
		default:
		}
		p.send(p.topics.Pong, id, strings.TrimSpace(reply(id))+"\n")
		require.NoError(t, <-ended)
		p.send(p.topics.Pong, id, reply(id)) // once more
		assert.Empty(t, pinger.waiting)
	})
}

// otherID waits for a second ping, and returns its id.
func (p *pair) otherID(first string) string {
	for _, r := range mqtest.Read(p.t, p.brokers, p.topics.Ping, 2) {
		if r.Key != first {
			return r.Key
		}
	}
	p.t.Fatal("there is no second ping")
	return ""
}

func TestLateReply(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		pinger, _ := p.pinger(nil)
		require.Eventually(t, func() bool { return strings.Contains(p.log.String(), "topic created") }, time.Minute, time.Millisecond)
		_, err := pinger.connected(t.Context())
		require.NoError(t, err)
		pinger.timeout = 200 * time.Millisecond
		_, err = pinger.Ping(t.Context())
		assert.Equal(t, model.TimedOut, model.ErrorCode(err), err)
		assert.EqualValues(t, 1, failures(pinger, timedOut))
		assert.Empty(t, pinger.waiting, "nothing is kept of it")
		id := p.sentID(1)
		p.send(p.topics.Pong, id, reply(id))
		pinger.timeout = time.Minute
		ended := background(pinger)
		id = p.otherID(id)
		p.send(p.topics.Pong, id, reply(id))
		assert.NoError(t, <-ended)
		assert.Contains(t, p.log.String(), "pings get no reply")
		assert.Contains(t, p.log.String(), "pings get replies again")
	})
}

func TestTooManyPings(t *testing.T) {
	p := newPair(t, []string{mqtest.Shared(t)})
	pinger, _ := p.pinger(func(p *Pinger) { p.most, p.timeout = 3, time.Minute })
	var waiting []chan error
	for range 3 {
		waiting = append(waiting, background(pinger))
	}
	mqtest.Read(t, p.brokers, p.topics.Ping, 3)
	_, err := pinger.Ping(t.Context())
	e, ok := err.(*model.Error)
	require.True(t, ok)
	assert.Equal(t, model.Overloaded, e.Code)
	assert.Positive(t, e.RetryAfter)
	assert.EqualValues(t, 3, testutil.ToFloat64(pinger.metrics.inFlight))
	assert.EqualValues(t, 1, failures(pinger, overloaded))
	p.echo()
	for _, ended := range waiting {
		assert.NoError(t, <-ended, "an echo that begins later answers what waits")
	}
	_, err = pinger.Ping(t.Context())
	assert.NoError(t, err)
}

func TestClientThatGoesAway(t *testing.T) {
	p := newPair(t, []string{mqtest.Shared(t)})
	pinger, _ := p.pinger(nil)
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := pinger.Ping(ctx); ended <- err }()
	p.sentID(1)
	leave()
	assert.ErrorIs(t, <-ended, context.Canceled)
	assert.Zero(t, failures(pinger, unavailable)+failures(pinger, timedOut))
	assert.Empty(t, pinger.waiting)
}

// A ping neither hangs nor waits for its timeout when the process stops.
func TestStopping(t *testing.T) {
	p := newPair(t, []string{mqtest.Shared(t)})
	pinger, stop := p.pinger(func(p *Pinger) { p.timeout = time.Hour })
	ended := background(pinger)
	id := p.sentID(1)
	pinger.Stopping()
	p.send(p.topics.Pong, id, reply(id))
	assert.NoError(t, <-ended, "a reply that comes soon counts")
	_, err := pinger.Ping(t.Context())
	assert.ErrorIs(t, err, errStopping)
	stop()
}

// While Kafka is away pings fail at once. Afterwards they work again.
func TestKafkaThatIsAway(t *testing.T) {
	address := mqtest.Nowhere(t)
	p := newPair(t, []string{address})
	pinger, _ := p.pinger(nil)
	p.run(NewEcho(p.kafka(), "echo", p.topics, threePartitions, p.logger()).Run)
	_, err := pinger.Ping(t.Context()) // waits for the first attempt to connect
	require.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	begun := time.Now()
	_, err = pinger.Ping(t.Context())
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	assert.Less(t, time.Since(begun), time.Second)
	assert.EqualValues(t, 2, failures(pinger, unavailable))

	works := func() bool { _, err := pinger.Ping(t.Context()); return err == nil }
	dir := t.TempDir()
	serve := func() (stop func()) {
		_, stop = mqtest.EmbeddedUntil(t, broker.Options{Dir: dir, Listen: address})
		return stop
	}
	stop := serve()
	require.Eventually(t, works, time.Minute, 20*time.Millisecond)
	stop()
	require.Eventually(t, func() bool { _, err := pinger.Ping(t.Context()); return model.ErrorCode(err) == model.UnavailableNow }, time.Minute, 20*time.Millisecond)
	stop = serve()
	require.Eventually(t, works, time.Minute, 20*time.Millisecond)
	p.t.Cleanup(stop)
}

// A Kafka that is frozen answers what waits when it wakes up, and later pings.
func TestFrozenKafka(t *testing.T) {
	lineOf, address := mqtest.BehindLine(t)
	p := newPair(t, []string{address})
	pinger, _ := p.pinger(func(p *Pinger) { p.timeout = time.Minute })
	p.echo()
	_, err := pinger.Ping(t.Context())
	require.NoError(t, err)
	release := lineOf.Hold()
	pinger.timeout = 100 * time.Millisecond
	_, err = pinger.Ping(t.Context())
	assert.Equal(t, model.TimedOut, model.ErrorCode(err), err)
	release()
	pinger.timeout = Timeout
	require.Eventually(t, func() bool { _, err := pinger.Ping(t.Context()); return err == nil }, time.Minute, 20*time.Millisecond)
}

// Replies may be in partitions that were added, and in topics that were made anew.
func TestTopicsThatChange(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		p := newPair(t, brokers)
		pinger, _ := p.pinger(func(p *Pinger) { p.timeout = time.Minute })
		_, err := pinger.connected(t.Context())
		require.NoError(t, err)
		admin := mqtest.Admin(t, brokers)
		require.NoError(t, admin.CreatePartitions(p.topics.Pong, 30, nil, false))
		const pings = 20
		var waiting []chan error
		for range pings {
			waiting = append(waiting, background(pinger))
		}
		for _, r := range mqtest.Read(t, brokers, p.topics.Ping, pings) {
			p.send(p.topics.Pong, r.Key, reply(r.Key))
		}
		for _, ended := range waiting {
			assert.NoError(t, <-ended)
		}
		p.echo()
		require.NoError(t, admin.DeleteTopic(p.topics.Ping))
		require.NoError(t, admin.DeleteTopic(p.topics.Pong))
		pinger.timeout = Timeout
		require.Eventually(t, func() bool { _, err := pinger.Ping(t.Context()); return err == nil }, 2*time.Minute, 20*time.Millisecond)
	})
}
