package database

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// deadLetter is a record that a handler rejected. Times are unix milliseconds.
type deadLetter struct {
	ID         int64 `gorm:"primaryKey"`
	Consumer   string
	Stream     string
	Shard      int32
	Position   int64
	RecordKey  []byte
	Value      []byte
	Headers    []byte // JSON: a list of keys and values
	WrittenAt  int64  // the record's time
	NewestAt   int64  // of the newest event before it
	Reason     string
	RejectedAt int64
	DoneAt     *int64
	RelayedAt  *int64
}

func (deadLetter) TableName() string { return "dead_letters" }

func (w *consumerTx) Reject(r *model.Record, reason error) {
	headers, _ := json.Marshal(r.Headers) // texts and bytes can't fail
	w.rejected = append(w.rejected, &deadLetter{
		Consumer: w.shard.Group, Stream: w.shard.Stream, Shard: w.shard.Number, Position: r.Position,
		RecordKey: []byte(r.Key), Value: r.Value, Headers: headers, WrittenAt: milli(r.Time), NewestAt: milli(r.Newest),
		Reason: reason.Error(), RejectedAt: time.Now().UnixMilli(),
	})
}

// maxReason is the length of the longest reason that is kept, in bytes.
const maxReason = 1000

func (w *consumerTx) storeRejected() error {
	if len(w.rejected) == 0 {
		return nil
	}
	most, err := w.db.dialect.maxStatement(w.tx)
	if err != nil {
		return err
	}
	for _, d := range w.rejected {
		// Bytes may take twice their size in a statement. A letter that can't be stored would hold up
		// all others.
		if size := len(d.RecordKey) + len(d.Value) + len(d.Headers); size > most/4 {
			d.RecordKey, d.Value, d.Headers = nil, nil, []byte("[]")
			d.Reason = fmt.Sprintf("%s; its %d bytes are too many to be kept", d.Reason, size)
		}
		d.Reason = strings.ToValidUTF8(d.Reason[:min(len(d.Reason), maxReason)], "")
	}
	for _, d := range w.rejected {
		if w.again { // nobody sees it before it belongs to the live group
			d.DoneAt = &d.RejectedAt
		}
		if err := w.tx.Create(d).Error; err != nil {
			return err
		}
	}
	return nil
}

func (d *deadLetter) letter() (*gateway.DeadLetter, error) {
	r := &model.Record{
		Shard:    model.Shard{Group: d.Consumer, Stream: d.Stream, Number: d.Shard},
		Position: d.Position, Key: string(d.RecordKey), Value: d.Value, Time: timeOf(d.WrittenAt), Newest: timeOf(d.NewestAt),
	}
	if err := json.Unmarshal(d.Headers, &r.Headers); err != nil {
		return nil, fmt.Errorf("read dead letter %d: %w", d.ID, err)
	}
	return &gateway.DeadLetter{ID: d.ID, Record: r, Reason: d.Reason, Rejected: timeOf(d.RejectedAt)}, nil
}

func (db *DB) DeadLetters(ctx context.Context, after int64, limit int) ([]*gateway.DeadLetter, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	return db.letters(session.Where("id > ? AND done_at IS NULL", after).Limit(limit))
}

// letters returns the dead letters of a query, ordered by id.
func (db *DB) letters(query *gorm.DB) (letters []*gateway.DeadLetter, err error) {
	var rows []*deadLetter
	if err := query.Order("id").Find(&rows).Error; err != nil {
		return nil, db.failed("read dead letters", err)
	}
	letters = make([]*gateway.DeadLetter, len(rows))
	for i, row := range rows {
		if letters[i], err = row.letter(); err != nil {
			return nil, err
		}
	}
	return letters, nil
}

func (db *DB) UnrelayedDeadLetters(ctx context.Context, group, stream string, limit int) ([]*gateway.DeadLetter, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var sizes []sized
	err = session.Model(&deadLetter{}).Select("id AS number, COALESCE(OCTET_LENGTH(value), 0) AS bytes").
		Where("consumer = ? AND stream = ? AND relayed_at IS NULL AND done_at IS NULL", group, stream).Order("id").Limit(limit).Scan(&sizes).Error
	if err != nil {
		return nil, db.failed("read dead letters", err)
	}
	if len(sizes) == 0 {
		return nil, nil
	}
	return db.letters(session.Where("id IN ?", within(sizes, pendingBytes))) // also what was relayed meanwhile
}

func (db *DB) MarkRelayed(ctx context.Context, ids []int64) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, insertRows) {
		if err := session.Model(&deadLetter{}).Where("id IN ?", part).Update("relayed_at", time.Now().UnixMilli()).Error; err != nil {
			return db.failed("mark dead letters as relayed", err)
		}
	}
	return nil
}

func (db *DB) Retry(ctx context.Context, id int64, handle func(tx gateway.Transaction, r *model.Record) error) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	var own error // of handle, which must come back as it is
	err = session.Transaction(func(tx *gorm.DB) error {
		// As a rebuild does, it locks the trends before letters. Otherwise each could wait for the other.
		w := db.newConsumerTx(tx, model.Shard{})
		defer w.bulk.close()
		if err := w.lockTrends(ctx); err != nil {
			return err
		}
		var row deadLetter
		if err := db.locking(tx).Take(&row, "id = ? AND done_at IS NULL", id).Error; err != nil {
			return err
		}
		letter, err := row.letter()
		if err != nil {
			return err
		}
		w.shard = letter.Record.Shard
		if own = handle(w, letter.Record); own != nil {
			return own
		}
		if len(w.rejected) > 0 {
			own = errors.New(w.rejected[0].Reason)
			return own
		}
		if name := letter.Record.Header("ce_source"); name != "" && len(w.lateAt) == 0 {
			known := ofShard(tx, letter.Record.Shard).Model(&source{}).Where("hash = ? AND left_out > 0", hashOfSource(name))
			if err := known.Update("left_out", gorm.Expr("left_out - 1")).Error; err != nil {
				return err
			}
		}
		return tx.Model(&row).Update("done_at", time.Now().UnixMilli()).Error
	}, db.dialect.isolation())
	switch {
	case own != nil && passing(own): // a handler passes on what the database says
		return db.failed("retry a dead letter", own)
	case own != nil:
		return own
	case errors.Is(err, gorm.ErrRecordNotFound):
		return gateway.ErrNoDeadLetter
	case err != nil:
		return db.failed("retry a dead letter", err)
	}
	return nil
}

// sentAgain is an event of a topic that Kafka had rejected, and that was sent again.
type sentAgain struct {
	Topic    string `gorm:"primaryKey"`
	RecordID string `gorm:"primaryKey"`
	SentAt   int64
}

func (sentAgain) TableName() string { return "dead_letters_sent" }

func (db *DB) MarkSentAgain(ctx context.Context, topic, id string) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	row := &sentAgain{Topic: topic, RecordID: id, SentAt: time.Now().UnixMilli()}
	if err := session.Clauses(clause.OnConflict{DoNothing: true}).Create(row).Error; err != nil {
		return db.failed("mark a dead letter as sent again", err)
	}
	return nil
}

func (db *DB) SentAgain(ctx context.Context, topic string) (map[string]bool, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	if err := session.Model(&sentAgain{}).Where("topic = ?", topic).Pluck("record_id", &ids).Error; err != nil {
		return nil, db.failed("read which dead letters were sent again", err)
	}
	sent := make(map[string]bool, len(ids))
	for _, id := range ids {
		sent[id] = true
	}
	return sent, nil
}
