package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// DeadLetters are the dead letters of a shop.
type DeadLetters struct {
	config  *config.Config
	db      *catalogue
	kafka   mq.Kafka
	brokers []string
	log     *slog.Logger
}

// OpenDeadLetters connects to the database. Close ends the connection.
func OpenDeadLetters(ctx context.Context, c *config.Config, log *slog.Logger) (*DeadLetters, error) {
	kafka, err := Kafka(c)
	if err != nil {
		return nil, err
	}
	if err := requireShop(c); err != nil {
		return nil, err
	}
	db, err := openMigrated(ctx, c, log)
	if err != nil {
		return nil, err
	}
	return &DeadLetters{c, db, kafka, Brokers(c), log}, nil
}

// Close ends the connection to the database.
func (d *DeadLetters) Close() error { return d.db.Close() }

// deadPage is the number of dead letters that are read at once.
const deadPage = 100

// Each calls visit for each dead letter that is not done: those of handlers, then those of
// Kafka.
func (d *DeadLetters) Each(ctx context.Context, visit func(*model.DeadLetter) error) error {
	for after := int64(0); ; {
		letters, err := d.db.DeadLetters(ctx, after, deadPage)
		if err != nil {
			return err
		}
		for _, l := range letters {
			if err := visit(ofHandler(l)); err != nil {
				return err
			}
		}
		if len(letters) < deadPage {
			break
		}
		after = letters[len(letters)-1].ID
	}
	for _, of := range trendTopics(d.config) { // which are all topics, once
		if err := d.eachOfKafka(ctx, of.topic, visit); err != nil {
			return err
		}
	}
	return nil
}

func ofHandler(l *gateway.DeadLetter) *model.DeadLetter {
	r := l.Record
	return &model.DeadLetter{
		ID: strconv.FormatInt(l.ID, 10), Reason: l.Reason, Time: l.Rejected, Group: r.Group, Topic: r.Stream, Partition: r.Number, Offset: r.Position,
		Record: model.DeadRecord{Key: r.Key, Value: r.Value, Headers: r.Headers, Time: r.Time},
	}
}

// eachOfKafka reads the topic of dead letters. Those of handlers were sent there from the
// database, and are listed from there.
func (d *DeadLetters) eachOfKafka(ctx context.Context, of string, visit func(*model.DeadLetter) error) error {
	topic := mq.DeadLetterTopic(of)
	done, err := d.db.SentAgain(ctx, of)
	if err != nil {
		return err
	}
	_, err = mq.Read(ctx, d.kafka, topic, time.Time{}, func(r *mq.Record) error {
		id := fmt.Sprintf("%s/%d/%d", of, r.Partition, r.Offset)
		if done[id] || r.Header(mq.DeadGroup) != "" {
			return nil
		}
		return visit(&model.DeadLetter{
			ID: id, Reason: r.Header(mq.DeadReason), Time: r.Time.UTC(), Topic: of,
			Record: model.DeadRecord{Key: r.Key, Value: r.Value, Headers: mq.WithoutDeath(r.Headers), Time: r.Time.UTC()},
		})
	})
	if errors.Is(err, mq.ErrNoTopic) {
		return nil
	}
	return err
}

// Find returns one dead letter. The error wraps gateway.ErrNoDeadLetter if there is none.
func (d *DeadLetters) Find(ctx context.Context, id string) (found *model.DeadLetter, err error) {
	err = d.Each(ctx, func(l *model.DeadLetter) error {
		if l.ID == id {
			found = l
		}
		return nil
	})
	if err == nil && found == nil {
		err = gateway.ErrNoDeadLetter
	}
	return found, err
}

// Retry puts a dead letter back. One of a handler is handed to the handler of its group, and
// marked as done in the same transaction. One of Kafka is sent again, with its ce_id and with a
// source that belongs to its place among the dead letters; so it counts once, even if it is sent
// twice.
func (d *DeadLetters) Retry(ctx context.Context, l *model.DeadLetter) error {
	if l.Group == "" {
		return d.sendAgain(ctx, l)
	}
	id, err := strconv.ParseInt(l.ID, 10, 64)
	if err != nil {
		return gateway.ErrNoDeadLetter
	}
	return d.db.Retry(ctx, id, func(tx gateway.Transaction, r *model.Record) error {
		for _, of := range consumedTopics(d.config) {
			if handler := of.handlers[r.Header("ce_type")]; of.group == l.Group && handler != nil {
				return handler(ctx, []*model.Record{r}, tx)
			}
		}
		return fmt.Errorf("no handler of the group %s knows events of the type %q", l.Group, r.Header("ce_type"))
	})
}

func (d *DeadLetters) sendAgain(ctx context.Context, l *model.DeadLetter) error {
	topic := mq.DeadLetterTopic(l.Topic)
	stream, err := mq.OpenStream(d.kafka, topic)
	if err != nil {
		return err
	}
	end, err := stream.End(ctx)
	stream.Close()
	if err != nil {
		return err
	}
	var partition, offset int64
	if _, err := fmt.Sscanf(strings.TrimPrefix(l.ID, l.Topic), "/%d/%d", &partition, &offset); err != nil {
		return gateway.ErrNoDeadLetter
	}
	headers := make([]model.Header, 0, len(l.Record.Headers))
	for _, h := range l.Record.Headers {
		if h.Key != "ce_source" && h.Key != "ce_sequence" {
			headers = append(headers, h)
		}
	}
	// Within a window of sequences, so that old letters can be put back after new ones.
	source := fmt.Sprintf("%s%s/%d/%d", model.DeadSource, end.Topic, partition, offset/(model.WindowWidth/2))
	record := &mq.Record{
		Key: l.Record.Key, Value: l.Record.Value, Time: l.Record.Time, Headers: mq.AppendSource(headers, source, uint64(offset)+1),
	}
	if err := d.deliver(ctx, l.Topic, record); err != nil {
		return err
	}
	return d.db.MarkSentAgain(ctx, l.Topic, l.ID)
}

// deliver sends one record, until Kafka acknowledges or rejects it.
func (d *DeadLetters) deliver(ctx context.Context, topic string, record *mq.Record) error {
	options, err := producerOptions(d.config, topicConfig(d.config), d.log)
	if err != nil {
		return err
	}
	producer, err := mq.NewProducer(d.brokers, topic, options...)
	if err != nil {
		return err
	}
	defer producer.Close()
	producer.Connect()
	var rejection error
	for left := []*mq.Record{record}; len(left) > 0; {
		count, err := producer.Partitions(ctx)
		if err != nil {
			return err
		}
		if left, err = producer.Deliver(ctx, left, count, func(_ *mq.Record, reason error) { rejection = reason }); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return rejection
}
