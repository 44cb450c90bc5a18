//go:build unix

package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/database"
)

const (
	// books of 50 groups of 200 make 995,000 pairs.
	books, groups = 10_000, 50
	// sessions of 30 books are counted before anything is measured, so that three have most pairs.
	sessions = 9_000
	// measured clicks are counted, in batches as large as those of a consumer that isn't behind.
	measured, batch = 20_000, 100
)

// crowd makes clicks.
type crowd struct{ random *rand.Rand }

func newCrowd() *crowd { return &crowd{rand.New(rand.NewPCG(1, 1))} }

// session returns a new visitor and books of one group, each once.
func (c *crowd) session(length int) (visitor string, opened []uint) {
	group := c.random.IntN(groups)
	for _, i := range c.random.Perm(books / groups)[:length] {
		opened = append(opened, uint(1+group+groups*i))
	}
	return uuid.NewString(), opened
}

// clicks returns n clicks of visitors who open about four books each.
func (c *crowd) clicks(n int) (clicks []*model.ClickEvent) {
	for len(clicks) < n {
		visitor, opened := c.session(1 + c.random.IntN(7))
		for _, book := range opened {
			clicks = append(clicks, click(visitor, book))
		}
	}
	clicks = clicks[:n]
	c.random.Shuffle(n, func(i, j int) { clicks[i], clicks[j] = clicks[j], clicks[i] })
	return clicks
}

// click is a click of a visitor with a cookie, just now.
func click(visitor string, book uint) *model.ClickEvent {
	now, search := time.Now(), uuid.Must(uuid.NewV7()).String()
	return &model.ClickEvent{
		ID: model.ClickID(search, book), Time: now, SearchID: search, SearchTime: now, Keyword: "book", Surface: model.PageSurface,
		ClientID: visitor, Agent: model.PersonAgent, Book: book, Ordinal: 1,
	}
}

// measureClicks counts sessions until there are a million pairs, and then measures single clicks.
func (b *bench) measureClicks(ctx context.Context) (err error) {
	db, err := database.OpenSQLite(filepath.Join(b.dir, "data", "books.db"), slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	shard := model.Shard{Group: "bench", Stream: "clicks"}
	claim, err := db.Claim(ctx, shard)
	if err != nil {
		return err
	}
	advance := func(work func(tx gateway.Transaction) error) error {
		return db.Advance(ctx, shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			return gateway.Step{Checkpoint: claim}, work(tx)
		})
	}
	if err := b.fill(ctx, advance); err != nil {
		return err
	}
	all := b.crowd.clicks(measured)
	trends, err := timed(all, func(some []*model.ClickEvent) error {
		var clicks []*trend.Click
		for _, e := range some {
			clicks = append(clicks, trend.NewClick(e, e.Time))
		}
		return advance(func(tx gateway.Transaction) error { return tx.CountClicks(ctx, clicks) })
	})
	if err != nil {
		return err
	}
	interests, err := timed(all, func(some []*model.ClickEvent) error {
		var openings []*interest.Opening
		for _, e := range some {
			if o, counts := interest.NewOpening(e, e.Time); counts {
				openings = append(openings, o)
			}
		}
		return advance(func(tx gateway.Transaction) error { return tx.CountOpenings(ctx, openings) })
	})
	if err != nil {
		return err
	}
	b.row("time of a click at a million pairs, in batches of 100", "stated", "%.0f µs", interests)
	b.row("the same ÷ a click that trends count", "stated", "%.1f", interests/trends)
	return nil
}

// fill counts sessions.
func (b *bench) fill(ctx context.Context, advance func(work func(tx gateway.Transaction) error) error) error {
	log.Printf("counting %d sessions", sessions)
	for counted := 0; counted < sessions; counted += batch {
		var openings []*interest.Opening
		for range batch {
			visitor, opened := b.crowd.session(interest.MaxBooks)
			for _, book := range opened {
				openings = append(openings, &interest.Opening{Visitor: trend.VisitorOf(visitor, ""), Book: book, At: time.Now().AddDate(0, 0, -b.crowd.random.IntN(25))})
			}
		}
		if err := advance(func(tx gateway.Transaction) error { return tx.CountOpenings(ctx, openings) }); err != nil {
			return err
		}
	}
	return nil
}

// timed counts clicks in batches and returns the time of one, in microseconds.
func timed(clicks []*model.ClickEvent, count func([]*model.ClickEvent) error) (float64, error) {
	begun := time.Now()
	for at := 0; at < len(clicks); at += batch {
		if err := count(clicks[at:min(at+batch, len(clicks))]); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(begun).Microseconds()) / float64(len(clicks)), nil
}
