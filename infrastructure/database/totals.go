package database

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"time"

	"literank.com/event-books/domain/trend"
)

// totalKey is the key of numbers over all keywords, and of the visitors of a group.
type totalKey struct {
	day trend.Day
	trend.Scope
}

func (k totalKey) compare(o totalKey) int {
	return cmp.Or(cmp.Compare(k.day, o.day), cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Tag, o.Tag), cmp.Compare(k.Language, o.Language))
}

func (k totalKey) row() []any { return []any{k.day, k.Kind, k.Tag, k.Language} }

// visitorKey is the key of what a visitor did on a day.
type visitorKey struct {
	day     trend.Day
	visitor trend.Visitor
}

func (k visitorKey) compare(o visitorKey) int {
	return cmp.Or(cmp.Compare(k.day, o.day), cmp.Compare(k.visitor, o.visitor))
}

func (k visitorKey) row() []any { return []any{k.day, []byte(k.visitor)} }

// total are the numbers of a scope on a day.
type total struct {
	counts trend.DayCounts
	places trend.Places
}

func newTotal() *total { return &total{trend.DayCounts{}, trend.Places{}} }

func (t *tally) total(day trend.Day, scope trend.Scope) *total {
	key := totalKey{day, scope}
	if t.totals[key] == nil {
		t.totals[key] = newTotal()
	}
	return t.totals[key]
}

// countTotal counts a search for all keywords.
func (t *tally) countTotal(s *trend.Search, scope trend.Scope) {
	day, bucket := trend.DayOf(s.At), trend.BucketOf(s.At)
	total := t.total(day, scope)
	total.counts.Add(bucket, trend.Counts{Requests: 1}, 1)
	switch {
	case s.Visitor == "":
		if s.First {
			total.counts.Add(bucket, trend.CountsOf(s.Facts), 1)
		}
	case t.countable(s.Visitor, s.At):
		key := visitorKey{day, s.Visitor}
		if t.visitors[key] == nil {
			t.visitors[key] = trend.Activity{}
		}
		t.visitors[key].Add(scope, day, s.At)
	}
}

// addClick counts a click for its keyword and for all, n times.
func (t *tally) addClick(of countKey, total *total, bucket, ordinal int, n int64) {
	t.day(of).Add(bucket, trend.Counts{Clicks: 1, Ordinals: int64(ordinal)}, n)
	total.addClick(bucket, ordinal, n)
}

func (t *total) addClick(bucket, ordinal int, n int64) {
	t.counts.Add(bucket, trend.Counts{Clicks: 1, Ordinals: int64(ordinal)}, n)
	t.places.Add(bucket, ordinal, n)
}

// addTotals adds what a visit counts to the numbers over all keywords, n times.
func (t *tally) addTotals(key visitKey, v trend.Visit, n int64) {
	for language, days := range v.Counts() {
		total := t.total(key.day, trend.Scope{Kind: key.surface, Tag: key.tag, Language: language})
		for bucket, c := range days {
			total.counts.Add(bucket, c, n)
		}
	}
}

// writeTotals adds differences to the numbers over all keywords.
func (t *tally) writeTotals(ctx context.Context) error {
	maps.DeleteFunc(t.totals, func(_ totalKey, sum *total) bool { return len(sum.counts) == 0 && len(sum.places) == 0 })
	keys := sortedKeys(t.totals, totalKey.compare)
	err := t.bulk.load(ctx, t.into.totals, rowsOf(keys), func(rows *sql.Rows) error {
		key, known, err := scanTotal(rows)
		if err != nil {
			return err
		}
		t.totals[key].join(known)
		return nil
	})
	if err != nil {
		return err
	}
	var rows, gone [][]any
	for _, key := range keys {
		total := t.totals[key]
		if len(total.counts) == 0 && len(total.places) == 0 {
			gone = append(gone, key.row())
			continue
		}
		sum := total.counts.Sum(0, trend.Buckets)
		rows = append(rows, append(key.row(), sum.Requests, sum.Searches, total.counts.Encode(), total.places.Encode()))
	}
	if err := t.bulk.remove(ctx, t.into.totals, gone); err != nil {
		return err
	}
	return t.bulk.store(ctx, t.into.totals, rows)
}

func (t *total) join(other *total) {
	for bucket, c := range other.counts {
		t.counts.Add(bucket, c, 1)
	}
	t.places.Join(other.places)
}

// scanTotal reads a row of totals.
func scanTotal(rows *sql.Rows) (key totalKey, sum *total, err error) {
	var requests, searches int64
	var counts, places []byte
	if err = rows.Scan(&key.day, &key.Kind, &key.Tag, &key.Language, &requests, &searches, &counts, &places); err != nil {
		return key, nil, err
	}
	sum = &total{}
	if sum.counts, err = trend.DecodeDayCounts(counts); err == nil {
		sum.places, err = trend.DecodePlaces(places)
	}
	return key, sum, err
}

// writeVisitors stores when visitors searched, and counts by how much that changes.
func (t *tally) writeVisitors(ctx context.Context) error {
	return t.changeVisitors(ctx, sortedKeys(t.visitors, visitorKey.compare), func(key visitorKey, before trend.Activity) trend.Activity {
		return before.Join(t.visitors[key])
	})
}

// eraseActivity takes away when visitors searched up to a time.
func (t *tally) eraseActivity(ctx context.Context, days map[visitorKey]bool, until time.Time) error {
	return t.changeVisitors(ctx, sortedKeys(days, visitorKey.compare), func(key visitorKey, before trend.Activity) trend.Activity {
		return before.Erase(key.day, until)
	})
}

// changeVisitors changes the rows of visitors, and counts by how much they change.
func (t *tally) changeVisitors(ctx context.Context, keys []visitorKey, change func(key visitorKey, before trend.Activity) trend.Activity) error {
	known := make(map[visitorKey]trend.Activity, len(keys))
	err := t.bulk.load(ctx, t.into.visitors, rowsOf(keys), func(rows *sql.Rows) error {
		var key visitorKey
		var visitor, data []byte
		if err := rows.Scan(&key.day, &visitor, &data); err != nil {
			return err
		}
		key.visitor = trend.Visitor(visitor)
		var err error
		known[key], err = trend.DecodeActivity(data)
		return err
	})
	if err != nil {
		return err
	}
	present := map[totalKey]trend.Presence{}
	var rows, gone [][]any
	for _, key := range keys {
		before := known[key]
		after := change(key, before)
		differPresence(present, key.day, before, after)
		if len(after) > 0 {
			rows = append(rows, append(key.row(), after.Encode()))
		} else if len(before) > 0 {
			gone = append(gone, key.row())
		}
	}
	if err := t.bulk.remove(ctx, t.into.visitors, gone); err != nil {
		return err
	}
	if err := t.bulk.store(ctx, t.into.visitors, rows); err != nil {
		return err
	}
	return t.writePresence(ctx, present)
}

// differPresence counts by how much the activity of a visitor has changed.
func differPresence(present map[totalKey]trend.Presence, day trend.Day, before, after trend.Activity) {
	was, is := before.Buckets(), after.Buckets()
	add := func(group trend.Scope, mask uint64, n int64) {
		key := totalKey{day, group}
		if present[key] == nil {
			present[key] = trend.Presence{}
		}
		present[key].Add(mask, n)
	}
	for group, mask := range was {
		if is[group] != mask {
			add(group, mask, -1)
		}
	}
	for group, mask := range is {
		if was[group] != mask {
			add(group, mask, 1)
		}
	}
}

func (t *tally) writePresence(ctx context.Context, present map[totalKey]trend.Presence) error {
	maps.DeleteFunc(present, func(_ totalKey, p trend.Presence) bool { return len(p) == 0 })
	keys := sortedKeys(present, totalKey.compare)
	err := t.bulk.load(ctx, t.into.presence, rowsOf(keys), func(rows *sql.Rows) error {
		var key totalKey
		var data []byte
		if err := rows.Scan(&key.day, &key.Kind, &key.Tag, &key.Language, &data); err != nil {
			return err
		}
		known, err := trend.DecodePresence(data)
		present[key].Join(known)
		return err
	})
	if err != nil {
		return err
	}
	var rows, gone [][]any
	for _, key := range keys {
		if len(present[key]) == 0 {
			gone = append(gone, key.row())
			continue
		}
		rows = append(rows, append(key.row(), present[key].Encode()))
	}
	if err := t.bulk.remove(ctx, t.into.presence, gone); err != nil {
		return err
	}
	return t.bulk.store(ctx, t.into.presence, rows)
}
