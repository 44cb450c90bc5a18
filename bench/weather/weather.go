//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/bench/testbed"
)

const (
	// searches is how many are sent to each program at once.
	searches = 8
	// searchBound is how long a search is waited for.
	searchBound = 120 * time.Second
	// away is how long Kafka is away at least; it stays away until the
	// searches of both programs are over.
	away = 30 * time.Second
	// restartGap is between the end of Kafka and its new start.
	restartGap = 3 * time.Second
	// settle is how long both programs have for what they still want to
	// deliver, from the moment that Kafka is back.
	settle = time.Minute

	baseTopic = "lr-book-searches"
)

// weather is one thing that happens to Kafka.
type weather struct {
	name string
	// noTopic: the topic doesn't exist. Otherwise it was made before.
	noTopic bool
	// forwarded: both programs reach Kafka through the forwarder.
	forwarded bool
	// atStart: it happens before the programs start, otherwise after each has
	// delivered an event.
	atStart bool
	// begin and end may be nil.
	begin, end func(context.Context) error
	// restart: it ends while the searches may still be waiting.
	restart bool
}

// station has what measuring needs.
type station struct {
	dir            string
	tutorial, ours string // programs
	dsn            string
	kafka          *testbed.Kafka
	forwarder      *testbed.Forwarder
	// The first keyword is for warming up.
	keywords []string
}

func (s *station) weathers() []weather {
	do := func(f func() error) func(context.Context) error { return func(context.Context) error { return f() } }
	swallow := func(on bool) func(context.Context) error {
		return func(context.Context) error { s.forwarder.Swallow(on); return nil }
	}
	return []weather{
		{name: "topic missing", noTopic: true},
		{name: "killed", begin: do(s.kafka.Kill), end: s.kafka.Start},
		{name: "frozen", begin: do(s.kafka.Freeze), end: do(s.kafka.Thaw)},
		{name: "black-holed", forwarded: true, begin: swallow(true), end: swallow(false)},
		{name: "restarted", begin: do(s.kafka.Stop), end: s.kafka.Start, restart: true},
		{name: "absent at the start", atStart: true, begin: do(s.kafka.Stop), end: s.kafka.Start},
	}
}

// measure lets one weather come over both programs at once, so that Kafka is
// away equally long for both.
func (s *station) measure(ctx context.Context, w weather) (r row, err error) {
	r.weather = w.name
	name := "weather-" + fmt.Sprint(time.Now().UnixNano())
	tutorialTopic, oursPrefix := name+"-tutorial-"+baseTopic, name+"-ours-"
	if !w.noTopic {
		if err := errors.Join(s.createTopic(tutorialTopic), s.createTopic(oursPrefix+baseTopic)); err != nil {
			return r, fmt.Errorf("create topics: %w", err)
		}
	}
	begun := time.Now()
	begin := func() error {
		begun = time.Now()
		if w.begin == nil {
			return nil
		}
		return w.begin(ctx)
	}
	if w.atStart {
		if err := begin(); err != nil {
			return r, err
		}
	}

	brokers := s.kafka.Brokers[0].Address
	if w.forwarded {
		brokers = s.forwarder.Addr().String()
	}
	tutorial, err := startTutorial(ctx, s.tutorial, s.dsn, brokers, tutorialTopic)
	defer func() { err = errors.Join(err, tutorial.close()) }()
	if w.atStart && errors.Is(err, testbed.ErrEnded) {
		log.Printf("%s: the tutorial's design ended at its start: %s", w.name, firstLine(tutorial.printed.String()))
		r.tutorial.notStarted, err = true, nil
	}
	if err != nil {
		return r, fmt.Errorf("start tutorial: %w\n%s", err, tutorial.printed)
	}
	dir := filepath.Join(s.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return r, err
	}
	ours, err := startOurs(ctx, s.ours, dir, s.dsn, brokers, oursPrefix)
	defer func() { err = errors.Join(err, ours.close()) }()
	if err != nil {
		return r, fmt.Errorf("start ours: %w\n%s", err, ours.printed)
	}
	if !w.atStart && !w.noTopic {
		for _, shop := range []*shop{tutorial, ours} {
			if err := s.warmUp(ctx, shop); err != nil {
				return r, fmt.Errorf("warm up: %w\n%s", err, shop.printed)
			}
		}
	}
	if !w.atStart {
		if err := begin(); err != nil {
			return r, err
		}
	}

	keywords := s.keywords[1:]
	var waiting sync.WaitGroup
	waiting.Go(func() { r.ours.answered, r.ours.slowest = ours.searchAtOnce(ctx, keywords) })
	if !r.tutorial.notStarted {
		waiting.Go(func() { r.tutorial.answered, r.tutorial.slowest = tutorial.searchAtOnce(ctx, keywords) })
	}
	if w.restart {
		err = testbed.Sleep(ctx, restartGap)
	} else {
		waiting.Wait()
		if w.end != nil {
			err = testbed.Sleep(ctx, time.Until(begun.Add(away)))
		}
	}
	if err == nil && w.end != nil {
		err = w.end(ctx)
	}
	waiting.Wait()
	if w.end != nil {
		log.Printf("%s: Kafka was away for %.0f s", w.name, time.Since(begun).Seconds())
	}
	if err = errors.Join(err, testbed.Sleep(ctx, settle)); err != nil {
		return r, err
	}
	return r, s.count(ctx, &r, tutorial, ours)
}

// warmUp has one event delivered.
func (s *station) warmUp(ctx context.Context, shop *shop) error {
	keyword := s.keywords[0]
	if answered, _ := shop.search(ctx, keyword); !answered {
		return fmt.Errorf("a search for %s was not answered", keyword)
	}
	return testbed.Eventually(ctx, time.Minute, func() error {
		keys, err := s.keys(ctx, shop.topic)
		if err == nil && keys[keyword] == 0 {
			err = errors.New("the event did not arrive")
		}
		return err
	})
}

func (s *station) createTopic(name string) error {
	return s.kafka.WithAdmin(func(admin sarama.ClusterAdmin) error {
		return admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false)
	})
}

// keys counts the records of a topic by their keys.
func (s *station) keys(ctx context.Context, topic string) (map[string]int, error) {
	keys := map[string]int{}
	err := testbed.NewTopicReader(s.kafka.Addresses(), topic).Read(ctx, func(r *sarama.ConsumerMessage) { keys[string(r.Key)]++ })
	return keys, err
}

// count finds out what became of the events.
func (s *station) count(ctx context.Context, r *row, tutorial, ours *shop) error {
	// Before the topic is read: what is counted there as arriving late must not
	// be missing in both.
	stats, err := ours.stats(ctx)
	if err != nil {
		return err
	}
	r.ours.unconfirmed, r.ours.lost = stats.Unconfirmed, stats.Lost
	for _, p := range []struct {
		*outcome
		*shop
	}{{&r.tutorial, tutorial}, {&r.ours, ours}} {
		keys, err := s.keys(ctx, p.topic)
		if err != nil {
			return fmt.Errorf("read topic %s: %w", p.topic, err)
		}
		for _, keyword := range s.keywords[1:] {
			if n := keys[keyword]; n > 0 {
				p.arrived++
				p.copies += n - 1
			}
		}
	}
	for _, broken := range r.ours.broken() {
		r.broken = append(r.broken, fmt.Sprintf("%s: %s\n%s", r.weather, broken, ours.printed))
	}
	return nil
}
