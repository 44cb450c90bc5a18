package database

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// rebuiltSuffix ends the names of the tables of a rebuild.
const rebuiltSuffix = "_rebuilt"

// rebuild counts again. It implements gateway.Rebuild.
type rebuild struct {
	*DB
	streams []gateway.RebuildStream
	shards  []rebuiltShard
	groups  []string // those that count again
	first   trend.Day
	others  map[model.Shard]int64 // positions in partitions that the topics no longer have

	mu   sync.Mutex
	own  map[model.Shard]int64  // epochs of the shards that count again
	held map[model.Shard]int64  // epochs of the live shards that Targets has claimed
	late map[model.Shard]*spans // positions of records that don't count
}

// rebuiltShard is a partition that is counted again.
type rebuiltShard struct {
	live, again model.Shard
	oldest      int64
}

func (db *DB) BeginRebuild(ctx context.Context, streams []gateway.RebuildStream) (gateway.Rebuild, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	r := &rebuild{DB: db, streams: streams, own: map[model.Shard]int64{}, held: map[model.Shard]int64{}, late: map[model.Shard]*spans{}}
	for _, s := range streams {
		r.groups = append(r.groups, s.Again)
		for _, partition := range slices.Sorted(maps.Keys(s.Oldest)) {
			of := func(group string) model.Shard {
				return model.Shard{Group: group, Stream: s.Stream, Number: partition}
			}
			r.shards = append(r.shards, rebuiltShard{of(s.Live), of(s.Again), s.Oldest[partition]})
		}
	}
	for _, s := range r.shards {
		checkpoint, err := db.Claim(ctx, s.again)
		if err != nil {
			return nil, err
		}
		r.own[s.again], r.late[s.again] = checkpoint.Epoch, &spans{}
	}
	if err := db.transaction(session, deadlock, r.reset); err != nil {
		return nil, db.failed("begin a rebuild", err)
	}
	if err := r.empty(session); err != nil {
		return nil, db.failed("begin a rebuild", err)
	}
	return r, nil
}

// reset forgets what earlier rebuilds have done, and finds the first day.
func (r *rebuild) reset(tx *gorm.DB) error {
	if err := r.forget(tx); err != nil {
		return err
	}
	others, err := r.findOthers(tx)
	if err != nil {
		return err
	}
	r.others = map[model.Shard]int64{}
	for _, p := range others {
		r.others[p.shard()] = p.NextRecord
	}
	for _, s := range r.shards {
		if err := ofShard(tx, s.again).Select("*").Updates(positionOf(s.again, model.Checkpoint{Epoch: r.own[s.again]})).Error; err != nil {
			return err
		}
	}
	r.first, err = r.findFirst(tx, others)
	return err
}

// findFirst returns the first day after all events that the topics may have deleted.
func (r *rebuild) findFirst(tx *gorm.DB, others []*position) (trend.Day, error) {
	cut := int64(0)
	for _, p := range others {
		cut = max(cut, p.NewestAt)
	}
	for _, s := range r.shards {
		highest, err := highestBefore(tx, s.live, s.oldest)
		if err != nil {
			return 0, err
		}
		cut = max(cut, highest)
	}
	first, err := firstDay(tx)
	if cut > 0 {
		first = max(first, trend.DayOf(timeOf(cut))+1)
	}
	return first, err
}

// findOthers returns the positions of live groups in partitions that are not counted again.
func (r *rebuild) findOthers(tx *gorm.DB) (others []*position, err error) {
	for _, s := range r.streams {
		var rows []*position
		if err := tx.Where("consumer = ? AND stream = ?", s.Live, s.Stream).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, p := range rows {
			if _, counted := s.Oldest[p.Shard]; !counted {
				others = append(others, p)
			}
		}
	}
	return others, nil
}

func (p *position) shard() model.Shard {
	return model.Shard{Group: p.Consumer, Stream: p.Stream, Number: p.Shard}
}

// forget deletes what the groups that count again know.
func (r *rebuild) forget(tx *gorm.DB) error {
	return cmp.Or(tx.Where("consumer IN ?", r.groups).Delete(&source{}).Error, tx.Where("consumer IN ?", r.groups).Delete(&deadLetter{}).Error)
}

// emptiedRows is how many rows one statement deletes on a server.
const emptiedRows = 10_000

// empty deletes what rebuilds have counted, unless another one has begun.
func (r *rebuild) empty(session *gorm.DB) error {
	for _, table := range append(rebuiltTables.byDay(), rebuiltTables.erasures) {
		for more := true; more; {
			err := r.transaction(session, deadlock, func(tx *gorm.DB) error {
				for _, s := range r.shards {
					if _, err := r.claimed(tx, s.again, r.own[s.again]); err != nil {
						return err
					}
				}
				deleted := tx.Exec(r.dialect.deleteSome(table.name, emptiedRows))
				more = deleted.RowsAffected > 0
				return deleted.Error
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// byDay are the tables whose rows belong to days.
func (t trendTables) byDay() []table {
	return []table{t.visits, t.counts, t.texts, t.clicks, t.totals, t.visitors, t.presence}
}

func (r *rebuild) FirstDay() trend.Day { return r.first }

// Claim goes on with the claim of BeginRebuild.
func (r *rebuild) Claim(ctx context.Context, shard model.Shard) (model.Checkpoint, error) {
	return r.Checkpoint(ctx, shard, r.own[shard])
}

func (r *rebuild) Advance(ctx context.Context, shard model.Shard, epoch int64, work func(tx gateway.Transaction) (gateway.Step, error)) error {
	var own *consumerTx
	begin := func(tx *gorm.DB, shard model.Shard) *consumerTx {
		own = r.newConsumerTx(tx, shard)
		own.into, own.first, own.again = rebuiltTables, r.first, true
		return own
	}
	err := r.advance(ctx, shard, epoch, begin, work)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, late := range own.lateAt {
			r.late[shard].add(late)
		}
	}
	return err
}

func (r *rebuild) Targets(ctx context.Context, hold bool) (map[model.Shard]int64, error) {
	session, err := r.session(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	targets := map[model.Shard]int64{}
	for _, s := range r.shards {
		var rows []position
		if err := ofShard(session, s.live).Find(&rows).Error; err != nil {
			return nil, r.failed("read how far consumers have read", err)
		}
		if len(rows) == 0 {
			continue
		}
		next := rows[0].NextRecord
		if hold {
			claim, err := r.DB.Claim(ctx, s.live)
			if err != nil {
				return nil, err
			}
			r.held[s.live], next = claim.Epoch, claim.Next
		}
		targets[s.live] = next
	}
	return targets, nil
}

func (r *rebuild) Swap(ctx context.Context) (result gateway.RebuildResult, err error) {
	session, err := r.session(ctx)
	if err != nil {
		return result, err
	}
	err = r.transaction(session, deadlock, func(tx *gorm.DB) error {
		result = gateway.RebuildResult{}
		w := r.newConsumerTx(tx, model.Shard{})
		defer w.bulk.close()
		s := &swap{consumerTx: w, rebuild: r, result: &result}
		return s.run(ctx)
	})
	if err != nil {
		return result, r.failed("put what was counted again in its place", err)
	}
	if err := r.empty(session); err != nil {
		return result, r.failed("delete what the rebuild needs no longer", err)
	}
	return result, nil
}

func (r *rebuild) Discard(ctx context.Context) error {
	session, err := r.session(ctx)
	if err == nil {
		err = r.empty(session)
	}
	if err != nil {
		return r.failed("delete what the rebuild has counted", err)
	}
	return nil
}

// swap is the transaction that ends a rebuild.
type swap struct {
	*consumerTx
	rebuild *rebuild
	result  *gateway.RebuildResult
}

func (s *swap) run(ctx context.Context) error {
	// All locks come before the first read that locks nothing, which decides what later ones see.
	for _, shard := range s.rebuild.shards {
		if err := s.level(shard); err != nil {
			return err
		}
	}
	if err := s.lockTrends(ctx); err != nil {
		return err
	}
	others, err := s.rebuild.findOthers(s.tx)
	if err != nil {
		return err
	}
	for _, p := range others {
		if p.NextRecord != s.rebuild.others[p.shard()] {
			return fmt.Errorf("partition %d was added to the topic %s; rebuild again", p.Shard, p.Stream)
		}
	}
	// Old days may have been dropped since, and consumers may have gone back to the oldest record.
	first, err := s.rebuild.findFirst(s.tx, others)
	if err != nil {
		return err
	}
	s.first = max(first, s.rebuild.first)
	s.result.FirstDay = s.first
	for _, shard := range s.rebuild.shards {
		left, err := s.joinLetters(shard)
		if err == nil {
			err = s.joinSources(shard, left)
		}
		if err != nil {
			return err
		}
	}
	live, again := liveTables.byDay(), rebuiltTables.byDay()
	for i := range live {
		if err := s.replace(live[i], again[i]); err != nil {
			return fmt.Errorf("replace %s: %w", live[i].name, err)
		}
	}
	// Erasures that the live group doesn't know yet.
	err = s.tx.Exec(`INSERT INTO trend_erasures (visitor, erased_at) SELECT visitor, erased_at FROM trend_erasures_rebuilt AS a
		WHERE NOT EXISTS (SELECT 1 FROM trend_erasures AS l WHERE l.visitor = a.visitor AND l.erased_at >= a.erased_at)` +
		s.db.dialect.replacing(liveTables.erasures.key, liveTables.erasures.values)).Error
	if err != nil {
		return fmt.Errorf("join erasures: %w", err)
	}
	return s.rebuild.forget(s.tx)
}

// level locks a shard, and checks that both groups have read equally far.
func (s *swap) level(shard rebuiltShard) error {
	var live, again []position
	if err := ofShard(s.db.locking(s.tx), shard.live).Find(&live).Error; err != nil {
		return err
	}
	if err := ofShard(s.db.locking(s.tx), shard.again).Find(&again).Error; err != nil {
		return err
	}
	if len(again) == 0 || again[0].Epoch != s.rebuild.own[shard.again] {
		return gateway.ErrFenced
	}
	unread := again[0].LastRecord == ""
	if len(live) > 0 && live[0].differs(&again[0]) {
		return fmt.Errorf("partition %d of the topic %s was created anew, or has lost records; rebuild again once consumers read it", shard.live.Number, shard.live.Stream)
	}
	switch {
	case len(live) == 0 && unread:
		return nil
	case len(live) == 0, live[0].Epoch != s.rebuild.held[shard.live]:
		return gateway.ErrNotLevel
	case live[0].NextRecord == again[0].NextRecord, unread && (live[0].LastRecord == "" || live[0].NextRecord <= shard.oldest):
		return nil
	}
	return gateway.ErrNotLevel
}

// differs reports whether two positions belong to different topics, or lie behind different records.
func (p *position) differs(other *position) bool {
	known := func(a, b string) bool { return a != "" && b != "" && a != b }
	return known(p.StreamID, other.StreamID) || p.NextRecord == other.NextRecord && known(p.LastRecord, other.LastRecord)
}

// joinLetters makes dead letters of the records that no longer count, and marks those as done
// that count now. It returns by how many more records each source is left out.
func (s *swap) joinLetters(shard rebuiltShard) (map[string]int64, error) {
	var open, rejected []*deadLetter
	if err := ofShard(s.tx, shard.live).Where("done_at IS NULL AND position >= ?", shard.oldest).Find(&open).Error; err != nil {
		return nil, err
	}
	if err := ofShard(s.tx, shard.again).Find(&rejected).Error; err != nil {
		return nil, err
	}
	left := map[string]int64{}
	count := func(d *deadLetter, by int64) error {
		letter, err := d.letter()
		if err == nil {
			left[letter.Record.Header("ce_source")] += by
		}
		return err
	}
	type place struct{ position, writtenAt int64 } // a topic that was created anew has other records there
	at := func(d *deadLetter) place { return place{d.Position, d.WrittenAt} }
	known := map[place]bool{}
	for _, d := range rejected {
		known[at(d)] = true
	}
	now := time.Now().UnixMilli()
	for _, d := range open {
		stays, err := s.stays(d, shard)
		if err != nil {
			return nil, err
		}
		if known[at(d)] || stays {
			delete(known, at(d))
			continue
		}
		s.result.Letters++
		if err := cmp.Or(count(d, -1), s.tx.Model(d).Update("done_at", now).Error); err != nil {
			return nil, err
		}
	}
	for _, d := range rejected {
		stays, err := s.stays(d, shard)
		if err != nil {
			return nil, err
		}
		if !known[at(d)] || stays {
			continue
		}
		s.result.NewLetters++
		err = cmp.Or(count(d, 1), s.tx.Model(d).Updates(map[string]any{"consumer": shard.live.Group, "done_at": nil}).Error)
		if err != nil {
			return nil, err
		}
	}
	return left, nil
}

// stays reports whether the event of a dead letter belongs to a day that is not replaced.
func (s *swap) stays(d *deadLetter, shard rebuiltShard) (bool, error) {
	letter, err := d.letter()
	if err != nil {
		return false, err
	}
	s.rebuild.mu.Lock()
	defer s.rebuild.mu.Unlock()
	return trend.DayOf(letter.Record.EventTime()) < s.first || s.rebuild.late[shard.again].has(d.Position), nil
}

// joinSources adds to the windows of the live group what it doesn't know as counted.
func (s *swap) joinSources(shard rebuiltShard, left map[string]int64) error {
	var live, again []*source
	if err := ofShard(s.tx, shard.live).Find(&live).Error; err != nil {
		return err
	}
	if err := ofShard(s.tx, shard.again).Find(&again).Error; err != nil {
		return err
	}
	known := map[string]*source{}
	for _, row := range live {
		known[row.Name] = row
	}
	for _, row := range again {
		before := known[row.Name]
		if before == nil {
			before = &source{Consumer: shard.live.Group, Stream: row.Stream, Shard: row.Shard, Hash: row.Hash, Name: row.Name, Seen: (&model.Window{}).Encode()}
		}
		window, err := model.DecodeWindow(before.Seen)
		if err != nil {
			return err
		}
		other, err := model.DecodeWindow(row.Seen)
		if err != nil {
			return err
		}
		added := int64(window.Join(other))
		if added == 0 && left[row.Name] == 0 {
			continue
		}
		s.result.Sequences += added
		before.Seen, before.Highest, before.Arrived, before.LastAt = window.Encode(), int64(window.Highest()), before.Arrived+added, max(before.LastAt, row.LastAt)
		before.LeftOut = max(0, before.LeftOut+left[row.Name])
		if err := s.tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(before).Error; err != nil {
			return err
		}
	}
	return nil
}

// replace makes the rows of a table from a day on equal to those of another one. Counts that are
// gone stay as zeros, with the new version, since readers look for what has changed.
func (s *swap) replace(live, again table) error {
	values := live.values
	selected := "a." + strings.Join(slices.Concat(live.key, live.values), ", a.")
	gone := "DELETE FROM " + live.name + " WHERE day >= ?"
	args := []any{s.first}
	if slices.Contains(values, "version") {
		values = slices.DeleteFunc(slices.Clone(values), func(column string) bool { return column == "version" })
		selected = strings.Replace(selected, "a.version", fmt.Sprint(s.version), 1)
		gone = fmt.Sprintf("UPDATE %s SET requests = 0, searches = 0, not_found = 0, buckets = ?, version = %d WHERE day >= ? AND LENGTH(buckets) > 0", live.name, s.version)
		args = []any{[]byte{}, s.first}
	}
	changed := s.tx.Exec("INSERT INTO "+live.name+" ("+strings.Join(slices.Concat(live.key, live.values), ", ")+") SELECT "+selected+
		" FROM "+again.name+" AS a WHERE a.day >= ? AND NOT EXISTS (SELECT 1 FROM "+live.name+" AS l WHERE "+matching("l", slices.Concat(live.key, values))+")"+
		s.db.dialect.replacing(live.key, live.values), s.first)
	if changed.Error != nil {
		return changed.Error
	}
	emptied := s.tx.Exec(gone+" AND NOT EXISTS (SELECT 1 FROM "+again.name+" AS a WHERE "+matching(live.name, live.key)+")", args...)
	if live.name == liveTables.counts.name || live.name == liveTables.totals.name {
		s.result.Counts += changed.RowsAffected + emptied.RowsAffected
	}
	return emptied.Error
}

// matching is the condition that a row of a table equals one of a in some columns. Rows of earlier
// versions have no not_found; what it counts is in their buckets.
func matching(table string, columns []string) string {
	pairs := make([]string, len(columns))
	for i, column := range columns {
		pairs[i] = table + "." + column + " = a." + column
		if column == "not_found" {
			pairs[i] = "(" + table + ".not_found IS NULL OR " + pairs[i] + ")"
		}
	}
	return strings.Join(pairs, " AND ")
}

// spans are positions in ascending order, as ranges.
type spans []struct{ from, to int64 }

// add adds a position that isn't below the last one. Those that come again change nothing.
func (s *spans) add(position int64) {
	n := len(*s)
	switch {
	case n > 0 && position < (*s)[n-1].to:
	case n > 0 && position == (*s)[n-1].to:
		(*s)[n-1].to++
	default:
		*s = append(*s, struct{ from, to int64 }{position, position + 1})
	}
}

func (s *spans) has(position int64) bool {
	at, found := slices.BinarySearchFunc(*s, position, func(span struct{ from, to int64 }, position int64) int { return cmp.Compare(span.from, position) })
	return found || at > 0 && position < (*s)[at-1].to
}
