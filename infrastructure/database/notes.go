package database

import (
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// noteEvery is how often a shard's position is noted.
const noteEvery = time.Hour

// note says of a shard that no event before a position counts at a later time than HighestAt, in
// unix milliseconds. So it bounds the times of records that the topic has deleted since. Events
// that were counted before the shard was read again from its oldest record lie before all notes.
type note struct {
	Consumer  string `gorm:"primaryKey"`
	Stream    string `gorm:"primaryKey"`
	Shard     int32  `gorm:"primaryKey;autoIncrement:false"`
	Position  int64  `gorm:"primaryKey;autoIncrement:false"`
	HighestAt int64
}

func (note) TableName() string { return "consumer_notes" }

// note notes the position of a shard: before the first records after its oldest one is read,
// and then each hour.
func (w *consumerTx) note(step gateway.Step, before *position) error {
	if before.LastRecord == "" && step.Last != "" {
		if err := ofShard(w.tx, w.shard).Delete(&note{}).Error; err != nil {
			return err
		}
		return w.storeNote(before.NextRecord, before.NewestAt)
	}
	hour := time.Now().UnixMilli() / noteEvery.Milliseconds()
	if last, known := w.db.noted.Load(w.shard); known && last == hour {
		return nil
	}
	w.noted = hour
	return w.storeNote(step.Next, milli(step.Newest))
}

func (w *consumerTx) storeNote(position, highest int64) error {
	row := &note{Consumer: w.shard.Group, Stream: w.shard.Stream, Shard: w.shard.Number, Position: position, HighestAt: highest}
	return w.tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(row).Error
}

// highestBefore returns the highest time of events before a position, in unix milliseconds. It
// may be later, since it comes from the first note that isn't before the position.
func highestBefore(session *gorm.DB, shard model.Shard, offset int64) (int64, error) {
	var p position
	err := ofShard(session, shard).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, nil // nothing was ever counted
	}
	if err != nil {
		return 0, err
	}
	var first note
	err = ofShard(session, shard).Where("position >= ?", offset).Order("position").Take(&first).Error
	if errors.Is(err, gorm.ErrRecordNotFound) || p.LastRecord == "" {
		return p.NewestAt, nil
	}
	return first.HighestAt, err
}

// forgetOldNotes deletes notes that only tell of days before one, except the last of them.
func forgetOldNotes(session *gorm.DB, first trend.Day) error {
	var old []*note
	err := session.Where("highest_at < ?", milli(first.Start())).Order("consumer, stream, shard, position").Find(&old).Error
	if err != nil {
		return err
	}
	for i, n := range old {
		if i+1 == len(old) || old[i+1].Consumer != n.Consumer || old[i+1].Stream != n.Stream || old[i+1].Shard != n.Shard {
			continue
		}
		if err := ofShard(session, model.Shard{Group: n.Consumer, Stream: n.Stream, Number: n.Shard}).Where("position = ?", n.Position).Delete(&note{}).Error; err != nil {
			return err
		}
	}
	return nil
}
