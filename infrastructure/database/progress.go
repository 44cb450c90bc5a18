package database

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/tracing"
)

// position is the checkpoint of one shard. Times are unix milliseconds.
type position struct {
	Consumer string `gorm:"primaryKey"` // the group
	Stream   string `gorm:"primaryKey"`
	Shard    int32  `gorm:"primaryKey;autoIncrement:false"`

	StreamID   string
	Epoch      int64
	NextRecord int64
	LastRecord string
	Above      int64
	NewestAt   int64
	Handled    int64
	Copies     int64
	Dead       int64
	Ignored    int64
	Missed     int64
	Late       int64
}

func (position) TableName() string { return "consumer_positions" }

func positionOf(s model.Shard, c model.Checkpoint) *position {
	return &position{
		Consumer: s.Group, Stream: s.Stream, Shard: s.Number,
		StreamID: c.StreamID, Epoch: c.Epoch, NextRecord: c.Next, LastRecord: c.Last, Above: c.Above, NewestAt: milli(c.Newest),
		Handled: c.Handled, Copies: c.Copies, Dead: c.Dead, Ignored: c.Ignored, Missed: c.Missed, Late: c.Late,
	}
}

func (p *position) checkpoint() model.Checkpoint {
	return model.Checkpoint{
		StreamID: p.StreamID, Epoch: p.Epoch, Next: p.NextRecord, Last: p.LastRecord, Above: p.Above, Newest: timeOf(p.NewestAt),
		Tally: model.Tally{Handled: p.Handled, Copies: p.Copies, Dead: p.Dead, Ignored: p.Ignored, Missed: p.Missed, Late: p.Late},
	}
}

// milli returns a time in unix milliseconds, and 0 for no time.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(milliseconds int64) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}

// source is what a shard knows of one source of events.
type source struct {
	Consumer string `gorm:"primaryKey"`
	Stream   string `gorm:"primaryKey"`
	Shard    int32  `gorm:"primaryKey;autoIncrement:false"`
	Hash     []byte `gorm:"primaryKey"` // SHA-256 of the name

	Name    string
	Highest int64 // sequence
	Arrived int64
	LeftOut int64
	LastAt  int64  // when this database last heard of it
	Seen    []byte // a model.Window
}

func (source) TableName() string { return "consumer_sources" }

var sourceKey = []clause.Column{{Name: "consumer"}, {Name: "stream"}, {Name: "shard"}, {Name: "hash"}}

// grown is what a row changes of the one before it, to whose left_out it adds its own.
func grown(row *source) clause.Set {
	return append(clause.AssignmentColumns([]string{"highest", "arrived", "last_at", "seen"}),
		clause.Assignment{Column: clause.Column{Name: "left_out"}, Value: gorm.Expr("left_out + ?", row.LeftOut)})
}

func hashOfSource(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

// ofShard restricts a query to the rows of a shard. GORM would leave the number 0 out of a
// primary key.
func ofShard(tx *gorm.DB, s model.Shard) *gorm.DB {
	return tx.Where("consumer = ? AND stream = ? AND shard = ?", s.Group, s.Stream, s.Number)
}

func (db *DB) Claim(ctx context.Context, shard model.Shard) (model.Checkpoint, error) {
	session, err := db.session(ctx)
	if err != nil {
		return model.Checkpoint{}, err
	}
	var p position
	err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
		p = *positionOf(shard, model.Checkpoint{})
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&p).Error; err != nil {
			return err
		}
		if err := ofShard(tx, shard).Model(&position{}).Update("epoch", gorm.Expr("epoch + 1")).Error; err != nil {
			return err
		}
		p = position{}
		return ofShard(db.locking(tx), shard).Take(&p).Error
	})
	if err != nil {
		return model.Checkpoint{}, db.failed("claim a partition", err)
	}
	return p.checkpoint(), nil
}

func (db *DB) Checkpoint(ctx context.Context, shard model.Shard, epoch int64) (model.Checkpoint, error) {
	session, err := db.session(ctx)
	if err != nil {
		return model.Checkpoint{}, err
	}
	var p position
	if err := ofShard(session, shard).Take(&p).Error; err != nil {
		return model.Checkpoint{}, db.failed("read the position of a partition", err)
	}
	if p.Epoch != epoch {
		return model.Checkpoint{}, gateway.ErrFenced
	}
	return p.checkpoint(), nil
}

func (db *DB) Positions(ctx context.Context) (map[model.Shard]model.Checkpoint, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var rows []*position
	if err := session.Find(&rows).Error; err != nil {
		return nil, db.failed("read how far consumers have read", err)
	}
	all := make(map[model.Shard]model.Checkpoint, len(rows))
	for _, p := range rows {
		all[p.shard()] = p.checkpoint()
	}
	return all, nil
}

func (db *DB) Sources(ctx context.Context, shard model.Shard, names []string) (map[string]model.SourceCount, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(names))
	for i, name := range names {
		hashes[i] = hashOfSource(name)
	}
	var rows []*source
	err = ofShard(session, shard).Where("hash IN ?", hashes).Find(&rows).Error
	if err != nil {
		return nil, db.failed("read which events have arrived", err)
	}
	known := make(map[string]model.SourceCount, len(rows))
	for _, row := range rows {
		window, err := model.DecodeWindow(row.Seen)
		if err != nil {
			return nil, fmt.Errorf("read which events of %s have arrived: %w", row.Name, err)
		}
		known[row.Name] = model.SourceCount{Window: window, Arrived: row.Arrived, LeftOut: row.LeftOut}
	}
	return known, nil
}

func (db *DB) Advance(ctx context.Context, shard model.Shard, epoch int64, work func(tx gateway.Transaction) (gateway.Step, error)) error {
	return db.advance(ctx, shard, epoch, db.newConsumerTx, work)
}

// advance is Advance with transactions that begin makes.
func (db *DB) advance(ctx context.Context, shard model.Shard, epoch int64, begin func(*gorm.DB, model.Shard) *consumerTx, work func(tx gateway.Transaction) (gateway.Step, error)) (err error) {
	ctx, end := tracing.Span(ctx, "transaction")
	defer func() { end(err) }()
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	// It isn't repeated here: the caller must forget what it did in memory before.
	var own error // of work, which must come back as it is
	var noted int64
	err = session.Transaction(func(tx *gorm.DB) error {
		p, err := db.claimed(tx, shard, epoch)
		if errors.Is(err, gateway.ErrFenced) {
			own = err
		}
		if err != nil {
			return err
		}
		w := begin(tx, shard)
		defer w.bulk.close()
		var step gateway.Step
		if step, own = work(w); own != nil {
			return own
		}
		err = w.finish(step, p)
		noted = w.noted
		return err
	}, db.dialect.isolation())
	switch {
	case own != nil && passing(own): // a handler passes on what the database says
		return db.failed("count records", own)
	case own != nil:
		return own
	case err != nil:
		return db.failed("store what was counted", err)
	}
	if noted > 0 {
		db.noted.Store(shard, noted)
	}
	return nil
}

// claimed locks a shard and returns its position. The error is ErrFenced if the claim is over.
func (db *DB) claimed(tx *gorm.DB, shard model.Shard, epoch int64) (*position, error) {
	p := &position{}
	if err := ofShard(db.locking(tx), shard).Take(p).Error; err != nil {
		return nil, err
	}
	if p.Epoch != epoch {
		return nil, gateway.ErrFenced
	}
	return p, nil
}

// consumerTx is the transaction of one batch of records.
type consumerTx struct {
	db       *DB
	tx       *gorm.DB
	shard    model.Shard
	bulk     *bulk
	into     trendTables
	rejected []*deadLetter
	lateAt   []int64   // positions of records that came too late
	noted    int64     // the hour of a note
	version  int64     // of the trends; 0 before they are locked
	first    trend.Day // earlier days don't count, whatever else says so
	again    bool      // events that were counted before come again
	locked   bool      // the interests
}

func (db *DB) newConsumerTx(tx *gorm.DB, shard model.Shard) *consumerTx {
	return &consumerTx{db: db, tx: tx, shard: shard, bulk: newBulk(tx, db.dialect), into: liveTables}
}

// Late is counted by the consumer.
func (w *consumerTx) Late(r *model.Record) { w.lateAt = append(w.lateAt, r.Position) }

// finish stores checkpoint, sources and dead letters. before is the position so far.
func (w *consumerTx) finish(step gateway.Step, before *position) error {
	step.Epoch = before.Epoch
	if err := w.storeRejected(); err != nil {
		return err
	}
	if !w.again {
		if err := w.note(step, before); err != nil {
			return err
		}
	}
	now := time.Now().UnixMilli()
	for name, known := range step.Sources {
		row := &source{
			Consumer: w.shard.Group, Stream: w.shard.Stream, Shard: w.shard.Number, Hash: hashOfSource(name),
			Name: name, Highest: int64(known.Highest()), Arrived: known.Arrived, LeftOut: known.LeftOut, LastAt: now, Seen: known.Encode(),
		}
		if err := w.tx.Clauses(clause.OnConflict{Columns: sourceKey, DoUpdates: grown(row)}).Create(row).Error; err != nil {
			return err
		}
	}
	return ofShard(w.tx, w.shard).Select("*").Updates(positionOf(w.shard, step.Checkpoint)).Error
}
