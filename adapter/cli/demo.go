package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"literank.com/event-books/application"
	"literank.com/event-books/application/shoppers"
	"literank.com/event-books/infrastructure/config"
)

type demoCommand struct {
	URL       string  `name:"url" placeholder:"URL" help:"Address of the shop. Default: that of the shop on app.data_dir."`
	Rate      float64 `default:"10" placeholder:"N" help:"Searches per second, up to 1000 (default: 10)."`
	For       string  `default:"1m" placeholder:"DURATION" help:"End after that long: 30s, 10m or 2h (default: 1m). 0 ends only at Ctrl-C."`
	Seed      uint64  `placeholder:"N" help:"The same seed makes the same shoppers. Default: another one each time."`
	TokenFile string  `placeholder:"FILE" help:"File with the shop's admin token. Default: app.admin_token, or admin-token in app.data_dir."`
	Sessions  int     `placeholder:"N" help:"Don't search. Write which books shoppers open in N sessions, as CSV: session, item, time."`
	Clear     bool    `help:"Don't search. Forget what simulated shoppers have done so far."`
}

const (
	maxRate = 1000
	// maxSeed bounds the seeds that the command chooses, so that they are easy to type.
	maxSeed = 999_999
	// maxDemoBooks is how many books of a shop the simulated shoppers know.
	maxDemoBooks = 2000
	// maxVisits bounds the sessions at a time.
	maxVisits = 200
)

func (cmd demoCommand) Run(sh *shell) error {
	length, err := cmd.check()
	if err != nil {
		return usageError{err}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	token, err := cmd.token(c)
	if err != nil {
		return usageError{err}
	}
	shop, err := newDemoShop(cmp.Or(cmd.URL, application.URL(c)), token)
	if err != nil {
		return usageError{err}
	}
	if cmd.Clear {
		if err := shop.clear(sh.ctx); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		fmt.Fprintln(sh.Out, "What simulated shoppers have done so far no longer counts.")
		return nil
	}
	books, err := shop.books(sh.ctx, maxDemoBooks)
	if away, ok := errors.AsType[*url.Error](err); ok && sh.ctx.Err() == nil {
		err = fmt.Errorf("no shop answers at %s: %w; start one with event-books, or name it with --url", shop.base, away.Err)
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if cmd.Seed == 0 {
		cmd.Seed = 1 + rand.Uint64N(maxSeed)
	}
	crowd := shoppers.New(books, cmd.Seed)
	if cmd.Sessions > 0 {
		return crowd.WriteSessions(sh.Out, cmd.Sessions, demoBegin)
	}
	return cmd.simulate(sh, shop, crowd, length)
}

// demoBegin is when the first session of --sessions begins, so that the same seed and the same
// books write the same file.
var demoBegin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// check checks the flags, and returns the duration, which is 0 for no end.
func (cmd demoCommand) check() (length time.Duration, err error) {
	if length, err = config.ParseDuration(cmd.For); err != nil || length < 0 {
		return 0, fmt.Errorf("--for: %q must be a duration such as 30s, 10m or 2h, or 0 for no end", cmd.For)
	}
	switch {
	case !(cmd.Rate > 0 && cmd.Rate <= maxRate): // also NaN
		return 0, fmt.Errorf("--rate: must be more than 0 and at most %d searches per second, not %v", maxRate, cmd.Rate)
	case cmd.Sessions < 0:
		return 0, fmt.Errorf("--sessions: must be a positive number, not %d", cmd.Sessions)
	case cmd.Clear && cmd.Sessions > 0:
		return 0, errors.New("--clear and --sessions: use one of them")
	}
	return length, nil
}

// token returns the shop's admin token.
func (cmd demoCommand) token(c *config.Config) (string, error) {
	if cmd.TokenFile != "" {
		content, err := os.ReadFile(cmd.TokenFile)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		return strings.TrimSpace(string(content)), nil
	}
	token, err := application.AdminToken(c)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: the first start of the shop writes it; for a shop elsewhere, name a copy with --token-file", err)
	}
	return token, err
}

// simulate lets shoppers search until the time is over or ctx ends, and prints what happened.
func (cmd demoCommand) simulate(sh *shell, shop *demoShop, crowd *shoppers.Crowd, length time.Duration) error {
	ctx, end := sh.ctx, "until Ctrl-C"
	if length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
		end = "for " + cmd.For
	}
	fmt.Fprintf(sh.Err, "simulating shoppers at %s %s: %v searches per second, seed %d\n", shop.base, end, cmd.Rate, cmd.Seed)
	begun := time.Now()
	d := &demo{shop: shop, crowd: crowd, limit: rate.NewLimiter(rate.Limit(cmd.Rate), 1), browsers: map[int]*demoBrowser{}}
	err := d.run(ctx, min(maxVisits, max(4, int(cmd.Rate))))
	fmt.Fprintf(sh.Out, "%d searches, of which %d found nothing; %d clicks; %d failures; %.0f s\n", d.searches, d.misses, d.clicks, d.failures, time.Since(begun).Seconds())
	if err == nil && d.failures > 0 {
		err = fmt.Errorf("%d requests failed, the first one so: %w", d.failures, d.failure)
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// demo is shoppers in a shop, and what they experience.
type demo struct {
	shop  *demoShop
	crowd *shoppers.Crowd
	limit *rate.Limiter
	begun atomic.Int64 // sessions

	mu                       sync.Mutex
	browsers                 map[int]*demoBrowser // by the shopper's number
	searches, misses, clicks int
	failures                 int
	failure                  error // the first
}

// run lets so many sessions go on at a time. It returns an error if the shop refuses the token.
func (d *demo) run(ctx context.Context, visits int) error {
	group, ctx := errgroup.WithContext(ctx)
	for range visits {
		group.Go(func() error {
			for {
				session := d.crowd.Session(int(d.begun.Add(1) - 1))
				if goOn, err := d.visit(ctx, session); !goOn || err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// visit plays a session. It reports false if the time is over. What has begun is finished.
func (d *demo) visit(ctx context.Context, session *shoppers.Session) (goOn bool, err error) {
	browser := d.browser(session.Shopper)
	asking := context.WithoutCancel(ctx)
	for search, ok := session.Next(); ok; search, ok = session.Next() {
		if d.limit.Wait(ctx) != nil {
			return false, nil
		}
		if session.Shopper.Consents && !browser.asked.Swap(true) {
			d.note(d.shop.consent(asking, browser), func() {})
		}
		result, err := d.shop.search(asking, browser, search)
		if errors.Is(err, errDemoToken) {
			return false, err
		}
		d.note(err, func() {
			d.searches++
			if len(result.books) == 0 && search.Offset == 0 {
				d.misses++
			}
		})
		if err != nil {
			continue
		}
		for _, i := range session.Open(result.books, result.more) {
			d.note(d.shop.open(asking, browser, result.links[i]), func() { d.clicks++ })
		}
	}
	return true, nil
}

// browser returns a shopper's browser.
func (d *demo) browser(s *shoppers.Shopper) *demoBrowser {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.browsers[s.Number] == nil {
		d.browsers[s.Number] = newDemoBrowser(s)
	}
	return d.browsers[s.Number]
}

// note counts a failure, or else what happened.
func (d *demo) note(err error, happened func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		happened()
		return
	}
	d.failures++
	d.failure = cmp.Or(d.failure, err)
}
