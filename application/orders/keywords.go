package orders

import (
	"cmp"
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/trend"
)

// maxKeywords bounds the keywords in memory: those searched most stay. One takes about 300 bytes.
const maxKeywords = 200_000

// keywords are those that found nothing.
type keywords struct {
	byNumber map[int64]*demand.Keyword // what they point to doesn't change
	version  int64
	day      trend.Day // for which all were read
	seed     maphash.Seed
}

// all returns them in any order.
func (k *keywords) all() []*demand.Keyword { return slices.Collect(maps.Values(k.byNumber)) }

// rescued returns those of which every search showed other books, those searched most first.
func (k *keywords) rescued(most int) (list []*demand.Keyword) {
	for _, keyword := range k.byNumber {
		if keyword.Rescued == keyword.Searches {
			list = append(list, keyword)
		}
	}
	slices.SortFunc(list, func(a, b *demand.Keyword) int {
		return cmp.Or(cmp.Compare(b.Searches, a.Searches), cmp.Compare(a.Number, b.Number))
	})
	return list[:min(most, len(list))]
}

// setMeant notes what the search engine makes of a keyword.
func (k *keywords) setMeant(keyword *demand.Keyword, meant string) {
	if keyword.Meant != meant {
		changed := *keyword
		changed.Meant = meant
		k.byNumber[keyword.Number] = &changed
	}
}

// read brings the keywords up to date, and reports whether any has changed. Each day it reads all.
func (k *keywords) read(ctx context.Context, reader Reader, now time.Time) (changed bool, err error) {
	if today := trend.DayOf(now); k.byNumber == nil || k.day != today {
		version, err := reader.TrendVersion(ctx)
		if err != nil {
			return false, err
		}
		k.seed = maphash.MakeSeed()
		all, err := k.sum(ctx, reader, now, nil)
		if err != nil {
			return false, err
		}
		k.byNumber, k.version, k.day = all, version, today
		return true, nil
	}
	numbers, version, err := reader.ChangedKeywords(ctx, k.version)
	if err != nil || len(numbers) == 0 {
		return false, err
	}
	some, err := k.sum(ctx, reader, now, numbers)
	if err != nil {
		return false, err
	}
	for _, number := range numbers {
		before := k.byNumber[number]
		changed = changed || before != nil || some[number] != nil
		delete(k.byNumber, number)
		if after := some[number]; after != nil && (before != nil || len(k.byNumber) < maxKeywords) {
			k.byNumber[number] = after
		}
	}
	k.version = version
	return changed, nil
}

// sum adds up what is stored of keywords; nil means all.
func (k *keywords) sum(ctx context.Context, reader Reader, now time.Time, numbers []int64) (map[int64]*demand.Keyword, error) {
	week, before := trend.Week.At(now)
	sums, days := map[int64]*demand.Keyword{}, map[gateway.KeywordDay]bool{}
	err := reader.NotFoundRows(ctx, numbers, trend.DayOf(now)-keepDays, func(r *trend.Row) error {
		counts, err := trend.DecodeDayCounts(r.Encoded)
		if err != nil {
			return err
		}
		n := numbersOf(r.Day, counts, week, before)
		if n.Searches == 0 {
			return nil
		}
		if sums[r.Keyword] == nil {
			sums[r.Keyword] = &demand.Keyword{Number: r.Keyword}
		}
		sums[r.Keyword].Numbers.Add(n)
		days[gateway.KeywordDay{Keyword: r.Keyword, Day: r.Day}] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	keepBest(sums)
	if err := k.addTexts(ctx, reader, sums); err != nil {
		return nil, err
	}
	maps.DeleteFunc(days, func(of gateway.KeywordDay, _ bool) bool { return sums[of.Keyword] == nil })
	return sums, k.addVisitors(ctx, reader, sums, days)
}

// numbersOf returns the numbers of one day.
func numbersOf(day trend.Day, counts trend.DayCounts, week, before trend.Span) (n demand.Numbers) {
	last := -1
	for bucket, c := range counts {
		if c.NotFound > 0 {
			last = max(last, bucket)
		}
	}
	if last < 0 {
		return n
	}
	sum := counts.Sum(0, trend.Buckets)
	return demand.Numbers{
		Searches: sum.NotFound, Rescued: sum.Rescued,
		Week: counts.Sum(week.Of(day)).NotFound, WeekBefore: counts.Sum(before.Of(day)).NotFound,
		LastAsked: day.Start().Add(time.Duration(last) * trend.BucketLength),
	}
}

// keepBest leaves the keywords searched most.
func keepBest(sums map[int64]*demand.Keyword) {
	if len(sums) <= maxKeywords {
		return
	}
	best := slices.SortedFunc(maps.Values(sums), func(a, b *demand.Keyword) int { return cmp.Compare(b.Searches, a.Searches) })
	for _, k := range best[maxKeywords:] {
		delete(sums, k.Number)
	}
}

// addTexts reads the texts of keywords, and leaves those out that are gone.
func (k *keywords) addTexts(ctx context.Context, reader Reader, sums map[int64]*demand.Keyword) error {
	var unknown []int64
	for number, sum := range sums {
		if known := k.byNumber[number]; known != nil {
			sum.Folded = known.Folded
		} else {
			unknown = append(unknown, number)
		}
	}
	texts, err := reader.FoldedTexts(ctx, unknown)
	for _, number := range unknown {
		if text, there := texts[number]; there {
			sums[number].Folded = text
		} else {
			delete(sums, number)
		}
	}
	return err
}

// addVisitors adds the daily visitors who found nothing.
func (k *keywords) addVisitors(ctx context.Context, reader Reader, sums map[int64]*demand.Keyword, days map[gateway.KeywordDay]bool) error {
	ordered := slices.SortedFunc(maps.Keys(days), func(a, b gateway.KeywordDay) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Keyword, b.Keyword))
	})
	type visitorOfDay struct {
		day     trend.Day
		visitor trend.Visitor
	}
	err := reader.VisitsOf(ctx, ordered, func(of gateway.KeywordDay, visitor trend.Visitor, facts trend.Facts) {
		counts := trend.DayCounts{}
		counts.AddFacts(facts, 1)
		if counts.Sum(0, trend.Buckets).NotFound > 0 {
			sum := sums[of.Keyword]
			sum.Visitors = append(sum.Visitors, maphash.Comparable(k.seed, visitorOfDay{of.Day, visitor}))
		}
	})
	for _, sum := range sums {
		slices.Sort(sum.Visitors)
		sum.Visitors = slices.Compact(sum.Visitors)
	}
	return err
}
