package database

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/model"
)

// silentAfter is how long a source may be silent before nobody knows what it does.
const silentAfter = time.Minute

// eventSource is the newest report of a source. Times are unix milliseconds.
type eventSource struct {
	Hash         []byte `gorm:"primaryKey"` // SHA-256 of the name
	Name         string
	Stream       string
	Highest      int64
	Lost         int64
	Refused      int64
	Unconfirmed  int64
	DeadLettered int64
	Waiting      int64
	Ended        bool
	ReportedAt   int64
}

func (eventSource) TableName() string { return "event_sources" }

func (db *DB) ReportSource(ctx context.Context, r model.SourceReport) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	row := &eventSource{
		Hash: hashOfSource(r.Source), Name: r.Source, Stream: r.Stream, Highest: r.Highest, Lost: r.Lost, Refused: r.Refused,
		Unconfirmed: r.Unconfirmed, DeadLettered: r.DeadLettered, Waiting: r.Waiting, Ended: r.Ended, ReportedAt: milli(r.At),
	}
	if err := session.Clauses(clause.OnConflict{UpdateAll: true}).Create(row).Error; err != nil {
		return db.failed("report a source of events", err)
	}
	return nil
}

func (db *DB) EndSource(ctx context.Context, name, stream string, accepted int64) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	// A source that was killed soon may never have reported. Whoever says that it ended has its
	// spool, and counts what waits there.
	row := &eventSource{Hash: hashOfSource(name), Name: name, Stream: stream, Highest: accepted, Ended: true, ReportedAt: time.Now().UnixMilli()}
	highest := gorm.Expr("CASE WHEN highest < ? + lost + refused THEN ? + lost + refused ELSE highest END", accepted, accepted)
	update := clause.Assignments(map[string]any{"ended": true, "waiting": 0, "highest": highest})
	if err := session.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "hash"}}, DoUpdates: update}).Create(row).Error; err != nil {
		return db.failed("end a source of events", err)
	}
	return nil
}

// seenSource is what the shards of a group know of a source.
type seenSource struct {
	Hash     []byte
	Name     string
	Highest  int64
	Arrived  int64
	LeftOut  int64
	LastAt   int64
	Reported *int64 // when it last reported; nil if it never did
	eventSource
}

func (db *DB) Completeness(ctx context.Context, group, stream string, since time.Time) (c model.Completeness, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return c, err
	}
	known := map[string]*seenSource{}
	of := func(hash []byte) *seenSource {
		if known[string(hash)] == nil {
			known[string(hash)] = &seenSource{}
		}
		return known[string(hash)]
	}
	var reports []*eventSource
	if err := session.Where("stream = ? AND reported_at >= ?", stream, milli(since)).Find(&reports).Error; err != nil {
		return c, db.failed("read the sources of events", err)
	}
	for _, r := range reports {
		s := of(r.Hash)
		s.eventSource, s.Reported = *r, &r.ReportedAt
	}
	var seen []*seenSource
	err = session.Raw(`SELECT hash, MAX(name) AS name, MAX(highest) AS highest, SUM(arrived) AS arrived, SUM(left_out) AS left_out, MAX(last_at) AS last_at FROM consumer_sources
		WHERE consumer = ? AND stream = ? GROUP BY hash`, group, stream).Scan(&seen).Error
	if err != nil {
		return c, db.failed("read what was counted of sources", err)
	}
	for _, s := range seen {
		if s.LastAt >= milli(since) || known[string(s.Hash)] != nil {
			k := of(s.Hash)
			k.Name, k.Arrived, k.LeftOut, k.LastAt, k.eventSource.Highest = s.Name, s.Arrived, s.LeftOut, s.LastAt, max(k.eventSource.Highest, s.Highest)
		}
	}
	silent := time.Now().Add(-silentAfter).UnixMilli()
	for _, s := range known {
		c.Counted += s.Arrived - s.LeftOut
		if strings.HasPrefix(s.Name, model.DeadSource) {
			continue // its events were accepted as those of another source
		}
		c.Accepted += max(s.eventSource.Highest-s.Lost-s.Refused, 0)
		c.Lost += s.Lost
		c.Dead += s.DeadLettered
		c.Waiting += s.Waiting
		if !s.Ended && (s.Reported == nil || *s.Reported < silent) {
			c.Unknown++
		}
	}
	return c, db.addShards(ctx, group, stream, &c)
}

// addShards adds what the shards of a group count, whatever the source.
func (db *DB) addShards(ctx context.Context, group, stream string, c *model.Completeness) error {
	var sum struct{ Missed, Late, Dead, Sent int64 }
	err := db.gorm.WithContext(ctx).Raw(`SELECT COALESCE(SUM(missed), 0) AS missed, COALESCE(SUM(late), 0) AS late,
		(SELECT COUNT(*) FROM dead_letters WHERE consumer = ? AND stream = ? AND done_at IS NULL) AS dead,
		(SELECT COUNT(*) FROM dead_letters_sent WHERE topic = ?) AS sent
		FROM consumer_positions WHERE consumer = ? AND stream = ?`, group, stream, stream, group, stream).Scan(&sum).Error
	if err != nil {
		return db.failed("read what consumers have left out", err)
	}
	c.Missed, c.Late = sum.Missed, sum.Late
	c.Dead = max(0, c.Dead-sum.Sent) + sum.Dead
	return nil
}
