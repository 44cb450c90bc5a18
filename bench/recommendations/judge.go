package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"literank.com/event-books/application/recommending"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/trend"
)

// listed is the length of the lists that are judged.
const listed = 20

// judge predicts the next items of test sessions.
type judge struct {
	train, test          []session
	books                *books // nil = contents aren't compared
	onlyLast             bool   // predict only the last item of each session
	predictions, unknown int
}

// predictor returns the best items for somebody who opened some, the first one first.
type predictor func(ctx context.Context, opened []uint) ([]uint, error)

// result says how well a predictor did.
type result struct {
	hits, reciprocals float64
	n                 int
	items             map[uint]bool // that were listed
	tail              int           // hits outside the most popular tenth of the items
}

// table prints a line for each predictor.
func (j *judge) table(ctx context.Context, w io.Writer) error {
	open, crowd := j.count(false), j.count(true)
	popular := open.MostOpened()
	fmt.Fprintf(w, "| predictor | HR@%d | MRR@%[1]d | ÷ most popular | coverage | hits in the long tail |\n|---|---|---|---|---|---|\n", listed)
	now := j.test[0].begin
	rows := []struct {
		name    string
		predict predictor
	}{
		{"most popular", mostPopular(popular)},
		{"content off, threshold off", ranked(recommending.WithoutContent(reader{open}, now), popular)},
		{"content off, threshold on", ranked(recommending.WithoutContent(reader{crowd}, now), popular)},
	}
	if j.books != nil {
		rows = append(rows, struct {
			name    string
			predict predictor
		}{"content on, threshold on", ranked(j.books.recommender(reader{crowd}), popular)})
	}
	var base result
	for i, row := range rows {
		r, err := j.judge(ctx, row.predict, popular)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		if i == 0 {
			base = r
		}
		n := float64(max(r.n, 1))
		fmt.Fprintf(w, "| %s | %.4f | %.4f | %.1f, %.1f | %.0f %% | %.0f %% |\n", row.name, r.hits/n, r.reciprocals/n,
			ratio(r.hits, base.hits), ratio(r.reciprocals, base.reciprocals), 100*ratio(float64(len(r.items)), float64(len(popular))), 100*ratio(float64(r.tail), r.hits))
	}
	return nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// count counts the training sessions. Each counts as one of a cookie of its own.
func (j *judge) count(threshold bool) *interest.Counts {
	counts := interest.NewCounts(threshold)
	for _, s := range j.train {
		var list interest.Session
		for i, item := range s.items {
			list.Add(interest.Opened{Book: item, At: s.begin.Add(time.Duration(i) * time.Millisecond).UnixMilli()})
		}
		name := sha256.Sum256([]byte(s.name))
		counts.Add(trend.Visitor(name[:16]), trend.DayOf(s.begin), list)
	}
	return counts
}

// judge asks for a list before each item of a session but the first, and looks for the item in it.
func (j *judge) judge(ctx context.Context, predict predictor, popular []uint) (r result, err error) {
	known := map[uint]int{}
	for place, item := range popular {
		known[item] = place
	}
	r.items = map[uint]bool{}
	j.unknown = 0
	for _, s := range j.test {
		first := 1
		if j.onlyLast {
			first = max(first, len(s.items)-1)
		}
		for at := first; at < len(s.items); at++ {
			place, ok := known[s.items[at]]
			if !ok { // nobody can predict it
				j.unknown++
				continue
			}
			list, err := predict(ctx, s.items[:at])
			if err != nil {
				return r, err
			}
			r.n++
			for _, item := range list {
				r.items[item] = true
			}
			if hit := slices.Index(list, s.items[at]); hit >= 0 {
				r.hits++
				r.reciprocals += 1 / float64(hit+1)
				if place >= len(popular)/10 {
					r.tail++
				}
			}
		}
	}
	j.predictions = r.n
	return r, nil
}

func mostPopular(popular []uint) predictor {
	return func(_ context.Context, opened []uint) (list []uint, err error) {
		return complete(nil, opened, popular), nil
	}
}

// complete adds popular items to a list until it is full, except those that were opened.
func complete(list, opened, popular []uint) []uint {
	for _, item := range popular {
		if len(list) >= listed {
			break
		}
		if !slices.Contains(opened, item) && !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}

// ranked predicts as the shop does: from the last items, the last one first, and popular items complete
// the list.
func ranked(r *recommending.Recommender, popular []uint) predictor {
	return func(ctx context.Context, opened []uint) (list []uint, err error) {
		seen := map[uint]bool{}
		for _, item := range opened {
			seen[item] = true
		}
		seeds := slices.Clone(opened[max(0, len(opened)-interest.Seeds):])
		slices.Reverse(seeds)
		recommended, err := r.Rank(ctx, seeds, seen, listed)
		for _, s := range recommended {
			list = append(list, s.Book)
		}
		return complete(list, opened, popular), err
	}
}

// reader reads counts as a recommender does.
type reader struct{ counts *interest.Counts }

func (r reader) Neighbours(_ context.Context, book uint, n int) (float64, []interest.Neighbour, error) {
	own, neighbours := r.counts.Neighbours(book, n)
	return own, neighbours, nil
}

func (r reader) MostOpened(_ context.Context, _, n int) ([]uint, error) {
	books := r.counts.MostOpened()
	return books[:min(len(books), n)], nil
}

// History is empty: the seeds of a prediction are given.
func (reader) History(context.Context, trend.Visitor) (interest.History, error) { return nil, nil }
