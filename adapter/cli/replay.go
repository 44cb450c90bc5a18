package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/application/replaying"
)

type indexReplayCommand struct {
	Since  string `default:"7d" placeholder:"TIME" help:"Replay searches since then: 24h or 7d ago (default: 7d), 2006-01-02, or 2006-01-02T15:04:05Z."`
	Limit  int    `default:"1000" placeholder:"N" help:"Replay at most that many different searches, the most frequent first (default: 1000)."`
	Listed int    `default:"20" placeholder:"N" help:"List at most that many changes of each kind (default: 20)."`
	JSON   bool   `name:"json" help:"One JSON object with all changes."`
}

// Run says what shoppers would have seen with the index that the configuration makes.
func (cmd indexReplayCommand) Run(sh *shell) error {
	since, err := parsePast("--since", "", cmd.Since, time.Now())
	if err != nil {
		return usageError{err}
	}
	if cmd.Limit < 1 || cmd.Listed < 0 {
		return usageError{errors.New("--limit must be at least 1, and --listed at least 0")}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	steps := newStepDisplay(sh.Err)
	report, err := application.ReplaySearches(sh.ctx, c, since, cmd.Limit, steps.show, sh.logFrom(slog.LevelError))
	steps.end()
	switch {
	case errors.Is(err, replaying.ErrTooMany):
		return fmt.Errorf("%w: choose a later --since", err)
	case err != nil:
		return err
	case cmd.JSON:
		return json.NewEncoder(sh.Out).Encode(report)
	}
	return printReplay(sh.Out, report, cmd.Listed)
}

var replayTitles = map[replaying.Kind]string{
	replaying.Emptied: "would find nothing", replaying.Rescued: "would find something", replaying.FirstPlace: "would show another book first",
}

func printReplay(out io.Writer, r *replaying.Report, most int) error {
	fmt.Fprintf(out, "%d searches, %d of them different; replayed %d, which were searched %s\n", r.Events, r.Different, r.Replayed, times(r.Covered))
	for _, kind := range replaying.Kinds {
		searches, events := r.Changed(kind)
		fmt.Fprintf(out, "\n%d %s, searched %s\n", searches, replayTitles[kind], times(events))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		n := 0
		for _, change := range r.Changes {
			if change.Kind != kind || n == most {
				continue
			}
			if n++; n == 1 {
				fmt.Fprintln(table, "TIMES\tKEYWORD\tBEFORE\tAFTER")
			}
			keyword := change.Keyword
			if change.Filters != "" {
				keyword += " (" + change.Filters + ")"
			}
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", change.Times, shortened(keyword), shownFirst(change.Before), shownFirst(change.After))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// times writes 1 as "once".
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// shownFirst writes an answer in a few words.
func shownFirst(a replaying.Answer) string {
	if a.FirstID == 0 {
		return "nothing"
	}
	return shortened(a.First)
}

// stepDisplay shows on a terminal what is being done.
type stepDisplay struct {
	out   io.Writer
	shown bool
}

func newStepDisplay(out io.Writer) *stepDisplay {
	if !isTerminal(out) {
		out = io.Discard
	}
	return &stepDisplay{out: out}
}

func (d *stepDisplay) show(s application.ReplayStep) {
	d.shown = true
	fmt.Fprintf(d.out, "\r\033[K%s", s.Name)
	if s.Of > 0 {
		fmt.Fprintf(d.out, ": %d of %d", s.Done, s.Of)
	}
}

func (d *stepDisplay) end() {
	if d.shown {
		fmt.Fprint(d.out, "\r\033[K")
	}
}
