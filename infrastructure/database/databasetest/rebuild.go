package databasetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/domain/trend/trendtest"
)

// log is a partition whose records are events of any kind, and a group that counts them.
type log struct {
	shard  model.Shard
	events []any
	oldest int64
}

func newLog(events []any) *log {
	return &log{shard: model.Shard{Group: "live-" + uuid.NewString(), Stream: "lr-book-searches"}, events: events}
}

func (l *log) again() model.Shard {
	again := l.shard
	again.Group += "-rebuild"
	return again
}

func (l *log) begin(t *testing.T, db Catalogue) gateway.Rebuild {
	t.Helper()
	return must(db.BeginRebuild(t.Context(), []gateway.RebuildStream{{Stream: l.shard.Stream, Live: l.shard.Group, Again: l.again().Group, Oldest: map[int32]int64{0: l.oldest}}}))
}

func timeOf(event any) time.Time {
	switch e := event.(type) {
	case *trend.Search:
		return e.At
	case *trend.Click:
		return e.At
	}
	return event.(*trend.Erasure).Until
}

// count counts events from the checkpoint of a claim up to a position, in batches. Like a handler, it
// leaves those of earlier days out.
func (l *log) count(t *testing.T, progress gateway.Progress, shard model.Shard, from model.Checkpoint, to int64) {
	t.Helper()
	ctx, at := t.Context(), from
	for at.Next = max(at.Next, l.oldest); at.Next < to; {
		n := min(to, at.Next+7)
		batch := l.events[at.Next:n]
		require.NoError(t, progress.Advance(ctx, shard, at.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			first := must(tx.FirstDay(ctx))
			var counted []any
			window := &model.Window{}
			if known := must(progress.Sources(ctx, shard, []string{"/shop"})); known["/shop"].Window != nil {
				window = known["/shop"].Window
			}
			for i, event := range batch {
				window.First(uint64(at.Next) + uint64(i) + 1)
				if timeOf(event).After(at.Newest) {
					at.Newest = timeOf(event)
				}
				day := trend.DayOf(timeOf(event))
				if click, ok := event.(*trend.Click); ok {
					day = trend.DayOf(click.SearchedAt)
				}
				if _, erasure := event.(*trend.Erasure); day >= first || erasure {
					counted = append(counted, event)
				} else {
					tx.Late(&model.Record{Shard: shard, Position: at.Next + int64(i)})
				}
			}
			at.Next, at.Last = n, fmt.Sprint("/shop ", n)
			return gateway.Step{Checkpoint: at, Sources: map[string]model.SourceCount{"/shop": {Window: window, Arrived: n}}}, apply(ctx, tx, counted)
		}))
	}
}

func (l *log) claimed(t *testing.T, db Catalogue) model.Checkpoint {
	t.Helper()
	return must(db.Claim(t.Context(), l.shard))
}

// rebuilt counts again all that is there, and swaps.
func (l *log) rebuilt(t *testing.T, db Catalogue) gateway.RebuildResult {
	t.Helper()
	r := l.begin(t, db)
	end := must(r.Targets(t.Context(), true))[l.shard]
	l.count(t, r, l.again(), must(r.Claim(t.Context(), l.again())), end)
	return must(r.Swap(t.Context()))
}

// everyRow returns all counts, as texts.
func everyRow(t *testing.T, db Catalogue) (all []string) {
	t.Helper()
	for _, row := range rowsOf(t, db) {
		if row.Requests > 0 || row.Searches > 0 || len(row.Encoded) > 0 {
			all = append(all, fmt.Sprint(row.Keyword, row.Day, row.Kind, row.Tag, row.Requests, row.Searches, row.Encoded))
		}
	}
	require.NoError(t, db.TotalRows(t.Context(), 0, 1<<20, func(r *trend.Total) error {
		all = append(all, fmt.Sprint(r.Day, r.Scope, r.Counts.Encode(), r.Places.Encode()))
		return nil
	}))
	for _, kind := range []trend.Kind{trend.People, trend.Demo} {
		group := trend.Scope{Kind: kind, Tag: trend.Any, Language: trend.Any}
		for day, p := range must(db.Presences(t.Context(), group, 0, 1<<20)) {
			all = append(all, fmt.Sprint(day, group, p.Encode()))
		}
	}
	slices.Sort(all)
	return all
}

// same compares counts, and shows the first rows that differ.
func same(t *testing.T, want, got []string, why ...any) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			assert.Equal(t, want[min(i, len(want)):min(i+2, len(want))], got[min(i, len(got)):min(i+2, len(got))], why...)
			return
		}
	}
}

// dated returns random events of several days. Some arrive ten days late.
func dated(random *rand.Rand, prefix string) []any {
	all := &trendtest.Naive{}
	for day := range 15 {
		one := randomEvents(random, prefix)
		move := time.Duration(day) * 24 * time.Hour
		for _, s := range one.Searches {
			s.At = s.At.Add(move)
		}
		for _, c := range one.Clicks {
			c.At, c.SearchedAt = c.At.Add(move), c.SearchedAt.Add(move)
		}
		for _, e := range one.Erasures {
			e.Until = e.Until.Add(move)
		}
		all.Searches, all.Clicks, all.Erasures = append(all.Searches, one.Searches[:40]...), append(all.Clicks, one.Clicks[:20]...), append(all.Erasures, one.Erasures...)
	}
	events := shuffled(random, all)
	slices.SortStableFunc(events, func(a, b any) int { return timeOf(a).Compare(timeOf(b)) })
	for range 20 {
		i := random.IntN(len(events))
		late := events[i]
		events = slices.Delete(events, i, i+1)
		to := len(events)
		for j := i; j < len(events); j++ {
			if timeOf(events[j]).Sub(timeOf(late)) > 240*time.Hour {
				to = j
				break
			}
		}
		events = slices.Insert(events, to, late)
	}
	return events
}

// testRebuild counts events, deletes the first of them from the topic, damages the counts of days
// that are left, and counts again: everything is as before.
func testRebuild(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(3, 9))
	l := newLog(dated(random, "again "))
	end := int64(len(l.events))
	half := end / 2
	l.count(t, db, l.shard, l.claimed(t, db), half)
	before := everyRow(t, db)
	result := l.rebuilt(t, db)
	assert.Zero(t, result.FirstDay, "the topic has everything")
	assert.Zero(t, result.Counts)
	assert.Zero(t, result.Sequences)
	same(t, before, everyRow(t, db))

	l.count(t, db, l.shard, l.claimed(t, db), end)
	before = everyRow(t, db)
	assert.Zero(t, l.rebuilt(t, db).Counts)
	same(t, before, everyRow(t, db))

	// A group without notes between counts days after its newest event only; see testRebuildCut.
	l.oldest = 1
	result = l.rebuilt(t, db)
	same(t, before, everyRow(t, db))
	assert.Zero(t, result.Counts)
	l.oldest = 0

	// Somebody has damaged the counts: a later version counts otherwise, for example.
	other := newLog(randomOnes(random))
	other.count(t, db, other.shard, other.claimed(t, db), int64(len(other.events)))
	assert.NotEqual(t, before, everyRow(t, db))
	assert.Positive(t, l.rebuilt(t, db).Counts)
	same(t, before, everyRow(t, db))
}

func randomOnes(random *rand.Rand) []any { return shuffled(random, randomEvents(random, "again ")) }

// The cut: days on which a deleted record may have counted stay as they are.
func testRebuildCut(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(5, 9))
	l := newLog(dated(random, "cut "))
	end := int64(len(l.events))
	third := end / 3
	l.count(t, db, l.shard, l.claimed(t, db), third)
	newest := must(db.Checkpoint(t.Context(), l.shard, 1)).Newest
	// The topic is created anew, and the consumer goes back to its oldest record: what was counted is
	// in the counts alone.
	anew := l.claimed(t, db)
	anew.Next, anew.Last = 0, ""
	require.NoError(t, db.Advance(t.Context(), l.shard, anew.Epoch, func(gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: anew}, nil
	}))
	assert.Equal(t, trend.DayOf(newest)+1, l.begin(t, db).FirstDay())
	l.events = l.events[third:]
	end -= third
	l.count(t, db, l.shard, must(db.Claim(t.Context(), l.shard)), end)
	before := everyRow(t, db)
	result := l.rebuilt(t, db)
	assert.Equal(t, trend.DayOf(newest)+1, result.FirstDay)
	assert.Zero(t, result.Counts)
	same(t, before, everyRow(t, db), "also of days of which an event arrived ten days late")
}

// Retention has deleted the first records. A note says how new the events among them may be.
func testRebuildAfterRetention(t *testing.T, open func() Catalogue) {
	l := newLog(dated(rand.New(rand.NewPCG(11, 9)), "short "))
	end := int64(len(l.events))
	third := end / 3
	db := open()
	l.count(t, db, l.shard, l.claimed(t, db), third)
	restarted := open() // a process notes its first position, and one each hour
	l.count(t, restarted, l.shard, l.claimed(t, restarted), third+7)
	noted := must(restarted.Checkpoint(t.Context(), l.shard, 2)).Newest
	l.count(t, restarted, l.shard, l.claimed(t, restarted), end)
	before := everyRow(t, db)
	for oldest, newest := range map[int64]time.Time{third: noted, third + 7: noted, third + 8: must(restarted.Checkpoint(t.Context(), l.shard, 3)).Newest} {
		l.oldest = oldest
		assert.Equal(t, trend.DayOf(newest)+1, l.begin(t, db).FirstDay(), oldest)
	}
	l.oldest = third
	assert.Zero(t, l.rebuilt(t, db).Counts)
	same(t, before, everyRow(t, db))
}

// Two rebuilds at once, and consumers that go on.
func testRebuildsAtOnce(t *testing.T, db Catalogue) {
	ctx := t.Context()
	random := rand.New(rand.NewPCG(7, 9))
	l := newLog(dated(random, "two "))
	end := int64(len(l.events))
	l.count(t, db, l.shard, l.claimed(t, db), end-50)
	first := l.begin(t, db)
	claim := must(first.Claim(ctx, l.again()))
	l.count(t, first, l.again(), claim, 100)
	second := l.begin(t, db)
	_, err := first.Claim(ctx, l.again())
	require.ErrorIs(t, err, gateway.ErrFenced)
	err = first.Advance(ctx, l.again(), claim.Epoch, func(gateway.Transaction) (gateway.Step, error) { return gateway.Step{}, nil })
	require.ErrorIs(t, err, gateway.ErrFenced)
	must(first.Targets(ctx, true))
	_, err = first.Swap(ctx)
	require.ErrorIs(t, err, gateway.ErrFenced)

	target := must(second.Targets(ctx, true))[l.shard]
	assert.Equal(t, end-50, target)
	l.count(t, second, l.again(), must(second.Claim(ctx, l.again())), target-1)
	_, err = second.Swap(ctx)
	require.ErrorIs(t, err, gateway.ErrNotLevel, "one record is missing")
	l.count(t, second, l.again(), must(second.Claim(ctx, l.again())), target)
	l.count(t, db, l.shard, l.claimed(t, db), end) // a consumer has claimed it again
	_, err = second.Swap(ctx)
	require.ErrorIs(t, err, gateway.ErrNotLevel)
	before := everyRow(t, db)
	target = must(second.Targets(ctx, true))[l.shard]
	l.count(t, second, l.again(), must(second.Claim(ctx, l.again())), target)
	l.claimed(t, db) // it has read the windows, and may be about to count
	_, err = second.Swap(ctx)
	require.ErrorIs(t, err, gateway.ErrNotLevel)
	must(second.Targets(ctx, true))
	assert.Zero(t, must(second.Swap(ctx)).Counts)
	same(t, before, everyRow(t, db))
	assert.Zero(t, l.rebuilt(t, db).Counts, "one after the other")
}

// Dead letters that count now are done. Records that no longer count become dead letters. Events
// that only the rebuild has seen are known from then on.
func testRebuildOfDeadLetters(t *testing.T, db Catalogue) {
	ctx := t.Context()
	l := newLog(nil)
	step := func(progress gateway.Progress, shard model.Shard, claim model.Checkpoint, known int64, handle func(tx gateway.Transaction, record *model.Record, at int64)) {
		require.NoError(t, progress.Advance(ctx, shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			window := &model.Window{}
			for at := range int64(4) {
				if at < known {
					window.First(uint64(at) + 1)
				}
				handle(tx, &model.Record{Shard: shard, Position: at, Time: noon, Headers: []model.Header{{Key: "ce_source", Value: []byte("/shop")}}}, at)
			}
			claim.Next, claim.Last, claim.Newest = 4, "/shop 4", noon
			return gateway.Step{Checkpoint: claim, Sources: map[string]model.SourceCount{"/shop": {Window: window, Arrived: known, LeftOut: 2}}}, nil
		}))
	}
	step(db, l.shard, l.claimed(t, db), 3, func(tx gateway.Transaction, record *model.Record, at int64) {
		if at < 2 {
			tx.Reject(record, errors.New("odd"))
		}
	})
	r := l.begin(t, db)
	must(r.Targets(ctx, true))
	step(r, l.again(), must(r.Claim(ctx, l.again())), 4, func(tx gateway.Transaction, record *model.Record, at int64) {
		if at == 1 || at == 3 {
			tx.Reject(record, errors.New("odder"))
		}
	})
	letters := func() (all []string) {
		for _, letter := range must(db.DeadLetters(ctx, 0, 10)) {
			assert.Equal(t, l.shard.Group, letter.Record.Group)
			all = append(all, fmt.Sprint(letter.Record.Position, " ", letter.Reason))
		}
		return all
	}
	assert.Equal(t, []string{"0 odd", "1 odd"}, letters())
	result := must(r.Swap(ctx))
	assert.Equal(t, []int64{1, 1, 1}, []int64{result.Letters, result.NewLetters, result.Sequences})
	assert.Equal(t, []string{"1 odd", "3 odder"}, letters())
	known := must(db.Sources(ctx, l.shard, []string{"/shop"}))["/shop"]
	assert.Equal(t, []int64{4, 2}, []int64{known.Arrived, known.LeftOut})
	assert.False(t, known.First(4), "a copy of what the rebuild has counted")
}

// testRebuildOfANewTopic: the topic is created anew during a rebuild. What only the former one had stays
// counted, whether the consumers or the rebuild notice it first.
func testRebuildOfANewTopic(t *testing.T, db Catalogue) {
	ctx := t.Context()
	random := rand.New(rand.NewPCG(13, 9))
	events := dated(random, "new ")
	third := int64(len(events) / 3)
	former, anew := newLog(events[:third]), newLog(events[third:])
	anew.shard = former.shard
	in := func(id string, progress gateway.Progress, shard model.Shard) model.Checkpoint {
		claim := must(progress.Claim(ctx, shard))
		if claim.StreamID != id {
			claim.StreamID, claim.Next, claim.Last = id, 0, ""
			require.NoError(t, progress.Advance(ctx, shard, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) {
				return gateway.Step{Checkpoint: claim}, nil
			}))
		}
		return claim
	}
	former.count(t, db, former.shard, in("former", db, former.shard), third)

	early := former.begin(t, db) // it reads the former topic
	former.count(t, early, former.again(), in("former", early, former.again()), third)
	anew.count(t, db, anew.shard, in("anew", db, anew.shard), third)
	before := everyRow(t, db)
	must(early.Targets(ctx, true))
	_, err := early.Swap(ctx)
	require.Error(t, err)
	same(t, before, everyRow(t, db), "the consumers have read the new topic equally far")
}

// testRebuildBeforeConsumersNotice: only the rebuild knows that the topic is another one.
func testRebuildBeforeConsumersNotice(t *testing.T, db Catalogue) {
	ctx := t.Context()
	events := dated(rand.New(rand.NewPCG(17, 9)), "unnoticed ")
	third := int64(len(events) / 3)
	former, anew := newLog(events[:third]), newLog(events[third:])
	anew.shard = former.shard
	claim := former.claimed(t, db)
	claim.StreamID = "former"
	former.count(t, db, former.shard, claim, third)
	before := everyRow(t, db)
	r := former.begin(t, db)
	claim = must(r.Claim(ctx, former.again()))
	claim.StreamID = "anew"
	anew.count(t, r, former.again(), claim, third)
	must(r.Targets(ctx, true))
	_, err := r.Swap(ctx)
	require.Error(t, err)
	same(t, before, everyRow(t, db))
}

// testRebuildWhileConsumersGoBack: the partition has lost its last records, so that consumers read it again
// from the oldest one. The lost ones stay counted.
func testRebuildWhileConsumersGoBack(t *testing.T, db Catalogue) {
	ctx := t.Context()
	l := newLog(dated(rand.New(rand.NewPCG(19, 9)), "lost "))
	third := int64(len(l.events) / 3)
	l.count(t, db, l.shard, l.claimed(t, db), 2*third)
	r := l.begin(t, db)
	before := everyRow(t, db)
	l.count(t, r, l.again(), must(r.Claim(ctx, l.again())), third)
	claim := l.claimed(t, db)
	claim.Next, claim.Last = 0, ""
	require.NoError(t, db.Advance(ctx, l.shard, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) { return gateway.Step{Checkpoint: claim}, nil }))
	claim.Next, claim.Last = third, fmt.Sprint("/shop ", third) // copies
	require.NoError(t, db.Advance(ctx, l.shard, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) { return gateway.Step{Checkpoint: claim}, nil }))
	must(r.Targets(ctx, true))
	assert.Zero(t, must(r.Swap(ctx)).Counts)
	same(t, before, everyRow(t, db))
}

// testRebuildOfOldDeadLetters: letters of days that stay are left as they are. Their places may be those of
// other records, since the topic was created anew.
func testRebuildOfOldDeadLetters(t *testing.T, db Catalogue) {
	ctx := t.Context()
	l := newLog(nil)
	old := noon.AddDate(0, 0, -3)
	reject := func(progress gateway.Progress, shard model.Shard, claim model.Checkpoint, next int64, letters map[int64]time.Time) {
		require.NoError(t, progress.Advance(ctx, shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			for at := range next {
				if time, ok := letters[at]; ok {
					tx.Reject(&model.Record{Shard: shard, Position: at, Time: time}, errors.New("odd"))
				}
			}
			claim.Next, claim.Last, claim.Newest = next, fmt.Sprint("/shop ", next), old
			if next == 0 {
				claim.Last = ""
			}
			return gateway.Step{Checkpoint: claim}, nil
		}))
	}
	reject(db, l.shard, l.claimed(t, db), 1, map[int64]time.Time{0: old})
	reject(db, l.shard, l.claimed(t, db), 0, nil) // the topic is created anew
	again := map[int64]time.Time{0: noon, 1: old}
	reject(db, l.shard, l.claimed(t, db), 2, map[int64]time.Time{0: noon})
	r := l.begin(t, db)
	require.Greater(t, r.FirstDay(), trend.DayOf(old))
	must(r.Targets(ctx, true))
	reject(r, l.again(), must(r.Claim(ctx, l.again())), 2, again)
	result := must(r.Swap(ctx))
	assert.Equal(t, []int64{0, 0}, []int64{result.Letters, result.NewLetters})
	var open []string
	for _, letter := range must(db.DeadLetters(ctx, 0, 10)) {
		open = append(open, fmt.Sprint(letter.Record.Position, letter.Record.Time.Unix()))
	}
	assert.Equal(t, []string{fmt.Sprint(0, old.Unix()), fmt.Sprint(0, noon.Unix())}, open)
}

// testRebuildDiscarded: a rebuild that has failed leaves no rows. Those of one that was killed go with their days.
func testRebuildDiscarded(t *testing.T, db Catalogue) {
	ctx := t.Context()
	l := newLog(dated(rand.New(rand.NewPCG(23, 9)), "discarded "))
	l.count(t, db, l.shard, l.claimed(t, db), int64(len(l.events)))
	r := l.begin(t, db)
	end := must(r.Targets(ctx, true))[l.shard]
	l.count(t, r, l.again(), must(r.Claim(ctx, l.again())), end)
	require.NoError(t, r.Discard(ctx))
	before := everyRow(t, db)
	assert.Positive(t, must(r.Swap(ctx)).Counts, "nothing takes the place of the counts")
	assert.Empty(t, everyRow(t, db))
	assert.Positive(t, l.rebuilt(t, db).Counts)
	same(t, before, everyRow(t, db))
	later := l.begin(t, db)
	require.ErrorIs(t, r.Discard(ctx), gateway.ErrFenced)
	require.NoError(t, later.Discard(ctx))
}
