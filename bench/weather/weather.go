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
	// searches is the number of searches that each program gets at once.
	searches = 8
	// searchBound is the timeout of a search.
	searchBound = 120 * time.Second
	// away is the shortest time that Kafka is away. It stays away until the searches of
	// both programs have ended.
	away = 30 * time.Second
	// restartGap is the time between Kafka's end and its new start.
	restartGap = 3 * time.Second
	// settle is the time that both programs get, after Kafka is back, to deliver their
	// remaining events.
	settle = time.Minute

	baseTopic = "lr-book-searches"
)

// weather is a disturbance of Kafka.
type weather struct {
	name string
	// noTopic means that the topic doesn't exist.
	noTopic bool
	// forwarded means that both programs reach Kafka through the forwarder.
	forwarded bool
	// atStart means that the disturbance starts before the programs. Otherwise it starts
	// after each program has delivered an event.
	atStart bool
	// begin and end start and end the disturbance; they may be nil.
	begin, end func(context.Context) error
	// restart means that it may end while searches still wait.
	restart bool
}

// station holds the servers and programs of all measurements.
type station struct {
	dir            string
	tutorial, ours string // programs
	dsn            string
	kafka          *testbed.Kafka
	forwarder      *testbed.Forwarder
	// keywords[0] is for warming up.
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

// measure exposes both programs to a weather at the same time, so Kafka is away equally
// long for both.
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
	if w.atStart {
		if err := w.start(ctx); err != nil {
			return r, err
		}
	}
	tutorial, err := s.launchTutorial(ctx, w, tutorialTopic, &r.tutorial)
	defer func() { err = errors.Join(err, tutorial.close()) }()
	if err != nil {
		return r, err
	}
	ours, err := s.launchOurs(ctx, w, name, oursPrefix)
	defer func() { err = errors.Join(err, ours.close()) }()
	if err != nil {
		return r, err
	}
	if !w.atStart {
		if err := s.warmUpBoth(ctx, w, tutorial, ours); err != nil {
			return r, err
		}
		begun = time.Now()
		if err := w.start(ctx); err != nil {
			return r, err
		}
	}
	if err := s.searchThrough(ctx, w, begun, &r, tutorial, ours); err != nil {
		return r, err
	}
	return r, s.count(ctx, &r, tutorial, ours)
}

// start starts the disturbance, if there is one.
func (w weather) start(ctx context.Context) error {
	if w.begin == nil {
		return nil
	}
	return w.begin(ctx)
}

// brokers is the address at which both programs reach Kafka.
func (s *station) brokers(w weather) string {
	if w.forwarded {
		return s.forwarder.Addr().String()
	}
	return s.kafka.Brokers[0].Address
}

// launchTutorial starts the tutorial's design. If Kafka is away at the start, the program
// may end; then that is its outcome.
func (s *station) launchTutorial(ctx context.Context, w weather, topic string, o *outcome) (*shop, error) {
	tutorial, err := startTutorial(ctx, s.tutorial, s.dsn, s.brokers(w), topic)
	if w.atStart && errors.Is(err, testbed.ErrEnded) {
		log.Printf("%s: the tutorial's design ended at its start: %s", w.name, firstLine(tutorial.printed.String()))
		o.notStarted, err = true, nil
	}
	if err != nil {
		return tutorial, fmt.Errorf("start the tutorial's design: %w\n%s", err, tutorial.printed)
	}
	return tutorial, nil
}

func (s *station) launchOurs(ctx context.Context, w weather, name, topicPrefix string) (*shop, error) {
	dir := filepath.Join(s.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	ours, err := startOurs(ctx, s.ours, dir, s.dsn, s.brokers(w), topicPrefix)
	if err != nil {
		return ours, fmt.Errorf("start this program: %w\n%s", err, ours.printed)
	}
	return ours, nil
}

// warmUpBoth makes both programs deliver an event, which needs a topic.
func (s *station) warmUpBoth(ctx context.Context, w weather, tutorial, ours *shop) error {
	if w.noTopic {
		return nil
	}
	for _, shop := range []*shop{tutorial, ours} {
		if err := s.warmUp(ctx, shop); err != nil {
			return fmt.Errorf("warm up: %w\n%s", err, shop.printed)
		}
	}
	return nil
}

// searchThrough searches in both programs, ends the weather that began at begun, and
// waits for the remaining events.
func (s *station) searchThrough(ctx context.Context, w weather, begun time.Time, r *row, tutorial, ours *shop) (err error) {
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
	return errors.Join(err, testbed.Sleep(ctx, settle))
}

// warmUp searches once and waits for the event.
func (s *station) warmUp(ctx context.Context, shop *shop) error {
	keyword := s.keywords[0]
	if answered, _ := shop.search(ctx, keyword); !answered {
		return fmt.Errorf("a search for %s was not answered", keyword)
	}
	return testbed.Eventually(ctx, time.Minute, func() error {
		keys, err := s.keys(ctx, shop.topic)
		if err == nil && keys[keyword] == 0 {
			err = errors.New("the event didn't arrive")
		}
		return err
	})
}

func (s *station) createTopic(name string) error {
	return s.kafka.WithAdmin(func(admin sarama.ClusterAdmin) error {
		return admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false)
	})
}

// keys returns the number of records of a topic by key.
func (s *station) keys(ctx context.Context, topic string) (map[string]int, error) {
	keys := map[string]int{}
	err := testbed.NewTopicReader(s.kafka.Addresses(), topic).Read(ctx, func(r *sarama.ConsumerMessage) { keys[string(r.Key)]++ })
	return keys, err
}

// count fills in the outcomes, from both topics and from the shop's /readyz.
func (s *station) count(ctx context.Context, r *row, tutorial, ours *shop) error {
	// Ask for the stats before reading the topic. An event must not count as lost there
	// and be found here.
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
