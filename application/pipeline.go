package application

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// lagTimeout is how long Kafka may take to tell the ends of topics.
const lagTimeout = 2 * time.Second

// pipeline implements gateway.Pipeline for a running shop.
type pipeline struct{ letters *DeadLetters }

var _ gateway.Pipeline = pipeline{}

func newPipeline(c *config.Config, db *catalogue, brokers []string, log *slog.Logger) (pipeline, error) {
	kafka, err := kafkaAt(c, brokers)
	return pipeline{&DeadLetters{config: c, db: db, kafka: kafka, brokers: brokers, log: log}}, err
}

func (p pipeline) Consumers(ctx context.Context) ([]model.ConsumerStats, error) {
	positions, err := p.letters.db.Positions(ctx)
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{} // not those of a rebuild
	for _, of := range consumedTopics(p.letters.config) {
		ours[of.group] = true
	}
	maps.DeleteFunc(positions, func(s model.Shard, _ model.Checkpoint) bool { return !ours[s.Group] })
	ends := p.ends(ctx, positions)
	type groupTopic struct{ group, topic string }
	groups := map[groupTopic]*model.ConsumerStats{}
	for shard, c := range positions {
		of := groupTopic{shard.Group, shard.Stream}
		if groups[of] == nil {
			groups[of] = &model.ConsumerStats{Group: of.group, Topic: of.topic}
		}
		g := groups[of]
		g.Partitions++
		g.Tally.Add(c.Tally)
		if end, known := ends[shard.Stream][shard.Number]; !known {
			g.Lag = -1
		} else if g.Lag >= 0 {
			g.Lag += max(0, end-c.Next)
		}
	}
	var list []model.ConsumerStats
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b model.ConsumerStats) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic))
	})
	return list, nil
}

// ends returns the end of each partition of the topics, as far as Kafka tells them in time.
func (p pipeline) ends(ctx context.Context, positions map[model.Shard]model.Checkpoint) map[string]map[int32]int64 {
	topics := map[string]bool{}
	for shard := range positions {
		topics[shard.Stream] = true
	}
	ctx, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	found := make(chan map[string]map[int32]int64, 1)
	go func() { // connecting knows no context
		ends := map[string]map[int32]int64{}
		for _, topic := range slices.Sorted(maps.Keys(topics)) {
			if end, err := p.end(ctx, topic); err == nil {
				ends[topic] = end
			}
		}
		found <- ends
	}()
	select {
	case ends := <-found:
		return ends
	case <-ctx.Done():
		return nil
	}
}

func (p pipeline) end(ctx context.Context, topic string) (map[int32]int64, error) {
	stream, err := mq.OpenStream(p.letters.kafka, topic)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	end, err := stream.End(ctx)
	return end.Next, err
}

// errFound ends reading.
var errFound = errors.New("found")

func (p pipeline) FindSearch(ctx context.Context, id string) (found *model.Record, err error) {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.Version() != 7 {
		return nil, nil // no event of this shop has such an id
	}
	const earlier = time.Second // by which the event's own time may be
	since := time.Unix(parsed.Time().UnixTime()).Add(-earlier)
	if since.Unix() < 0 || parsed.String() != id {
		return nil, nil // likewise
	}
	topic := p.letters.config.MQ.SearchTopic()
	_, err = mq.Read(ctx, p.letters.kafka, topic, since, func(r *mq.Record) error {
		if r.Header("ce_id") != id {
			return nil
		}
		found = &model.Record{
			Shard: model.Shard{Stream: topic, Number: r.Partition}, Position: r.Offset, Key: r.Key, Value: r.Value, Headers: r.Headers, Time: r.Time,
		}
		return errFound
	})
	if errors.Is(err, errFound) || errors.Is(err, mq.ErrNoTopic) {
		err = nil
	}
	return found, err
}

func (p pipeline) EachDeadLetter(ctx context.Context, visit func(*model.DeadLetter) error) error {
	return p.letters.Each(ctx, visit)
}

func (p pipeline) DeadLetter(ctx context.Context, id string) (*model.DeadLetter, error) {
	return p.letters.Find(ctx, id)
}

func (p pipeline) RetryDeadLetter(ctx context.Context, id string) error {
	letter, err := p.letters.Find(ctx, id)
	if err != nil {
		return err
	}
	return p.letters.Retry(ctx, letter)
}
