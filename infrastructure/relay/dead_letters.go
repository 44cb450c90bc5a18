package relay

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// DeadLetters sends the records that a group's handlers have rejected to the topic of dead letters,
// at least once. They stay in the database, where they can be put back. Several processes may send
// the same letter at once; its copies have the same place. A letter that Kafka rejects is logged
// and stays in the database only.
type DeadLetters struct {
	letters       gateway.DeadLetters
	topic         Producer
	group, stream string
	log           *slog.Logger

	failing bool // since a failure that was logged
}

// NewDeadLetters returns the relay for the dead letters of a group and the topic that it reads.
// Run runs it.
func NewDeadLetters(letters gateway.DeadLetters, topic Producer, group, stream string, log *slog.Logger) *DeadLetters {
	return &DeadLetters{letters: letters, topic: topic, group: group, stream: stream, log: log.With("group", group, "topic", stream)}
}

// Run sends letters until ctx ends. It logs the first failure of a series.
func (d *DeadLetters) Run(ctx context.Context) {
	for ctx.Err() == nil {
		sent, err := d.send(ctx)
		if ctx.Err() != nil {
			return
		}
		d.note(err)
		if sent == 0 || err != nil {
			sleep(ctx, pause/2+rand.N(pause))
		}
	}
}

// note logs when sending begins to fail, and when it works again.
func (d *DeadLetters) note(err error) {
	switch {
	case err == nil && d.failing:
		d.log.Info("dead letters are sent to their topic again")
	case err != nil && !d.failing && model.ErrorCode(err) != model.UnavailableNow: // the database has logged those
		d.log.Warn("dead letters can't be sent to their topic; retrying", "error", err)
	case err != nil:
		return
	}
	d.failing = err != nil
}

// send sends the oldest letters, and notes those that Kafka has taken or rejected.
func (d *DeadLetters) send(ctx context.Context) (settled int, err error) {
	letters, err := d.letters.UnrelayedDeadLetters(ctx, d.group, d.stream, batchSize)
	if err != nil || len(letters) == 0 {
		return 0, err
	}
	partitions, err := d.topic.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	ids := make(map[*mq.Record]int64, len(letters))
	records := make([]*mq.Record, len(letters))
	for i, l := range letters {
		records[i] = deadRecord(l)
		ids[records[i]] = l.ID
	}
	var done []int64
	report := func(r *mq.Record, rejection error) {
		if rejection != nil {
			d.log.Error("Kafka rejects a dead letter; it is in the database only", "id", ids[r], "bytes", len(r.Value), "error", rejection)
		}
		done = append(done, ids[r])
	}
	for len(records) > 0 && err == nil {
		records, err = d.topic.Deliver(ctx, records, partitions, report)
	}
	if len(done) == 0 {
		return 0, err
	}
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), pause) // or a stop would make copies
	defer cancel()
	return len(done), errors.Join(err, d.letters.MarkRelayed(noting, done))
}

// deadRecord returns the record of a letter, with the reason and the place where it was rejected.
func deadRecord(l *gateway.DeadLetter) *mq.Record {
	r := l.Record
	header := func(key, value string) mq.Header { return mq.Header{Key: key, Value: []byte(value)} }
	headers := slices.Concat(mq.WithoutDeath(r.Headers), []mq.Header{
		header(mq.DeadReason, l.Reason), header(mq.DeadTopic, r.Stream), header(mq.DeadPartition, strconv.Itoa(int(r.Number))),
		header(mq.DeadOffset, strconv.FormatInt(r.Position, 10)), header(mq.DeadGroup, r.Group),
	})
	return &mq.Record{Key: r.Key, Value: r.Value, Time: r.Time, Headers: headers}
}
