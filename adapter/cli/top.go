package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/application/counting"
)

type topCommand struct {
	Since    string `default:"24h" placeholder:"TIME" help:"Count searches since then: 24h or 7d ago (default: 24h), 2006-01-02, or 2006-01-02T15:04:05Z."`
	NotFound bool   `help:"Show the keywords that found nothing."`
	People   bool   `help:"Count only people's browsers: also leave out programs that are neither browsers nor known bots."`
	Limit    int    `default:"20" placeholder:"N" help:"Show at most that many keywords (default: 20)."`
	JSON     bool   `name:"json" help:"One JSON object."`
}

func (cmd topCommand) Run(sh *shell) error {
	until := time.Now()
	since, err := parsePast("--since", "", cmd.Since, until)
	if err != nil {
		return usageError{err}
	}
	if cmd.Limit < 1 {
		return usageError{fmt.Errorf("--limit: must be at least 1, not %d", cmd.Limit)}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	count, err := application.CountSearches(sh.ctx, c, since, cmd.People)
	if errors.Is(err, counting.ErrTooMany) {
		return fmt.Errorf("%w: choose a later --since", err)
	}
	if err != nil {
		return err
	}
	report := topReport{
		Since: since.UTC(), Until: until.UTC(), Trimmed: count.Trimmed.Partitions > 0,
		Totals: count.Totals, Unreadable: count.Unreadable, Top: count.Top(cmd.Limit, cmd.NotFound),
	}
	if begin := count.Trimmed.Begin.UTC(); !begin.IsZero() {
		report.TrimmedUntil = &begin
	}
	if cmd.JSON {
		return json.NewEncoder(sh.Out).Encode(report)
	}
	return report.print(sh.Out)
}

// topReport is the report, and the object of --json.
type topReport struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Trimmed says that the topic no longer has some records, so that searches may be
	// missing; TrimmedUntil is since when it has all, if it has any.
	Trimmed      bool       `json:"trimmed"`
	TrimmedUntil *time.Time `json:"trimmed_until,omitempty"`
	counting.Totals
	// Unreadable counts records that are no searches, or of a later version.
	Unreadable int                `json:"unreadable"`
	Top        []counting.Keyword `json:"top"`
}

func (t *topReport) print(w io.Writer) error {
	var text strings.Builder
	if len(t.Top) > 0 {
		table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "searches\trequests\tnot found\tkeyword")
		for _, k := range t.Top {
			fmt.Fprintf(table, "%d\t%d\t%d\t%s\n", k.Searches, k.Requests, k.NotFound, harmless(k.Keyword))
		}
		table.Flush()
		text.WriteByte('\n')
	}
	t.summarize(&text)
	_, err := io.WriteString(w, text.String())
	return err
}

// summarize writes what was counted and what was not.
func (t *topReport) summarize(w io.Writer) {
	since := t.Since.Local().Format(time.DateTime)
	switch {
	case t.Requests == 0 && t.Bots > 0 && t.Demo+t.Unknown == 0:
		fmt.Fprintf(w, "Since %s, everything came from bots. Programs such as curl count as bots.\n", since)
	case t.Requests == 0:
		fmt.Fprintf(w, "Since %s, nobody searched.\n", since)
	default:
		fmt.Fprintf(w, "Since %s: searches %d (%d found nothing), keywords %d, requests %d.\n",
			since, t.Searches, t.NotFound, t.Keywords, t.Requests)
	}
	var out []string
	for _, left := range []struct {
		n    int
		what string
	}{
		{t.Bots, "from bots"}, {t.Demo, "from the demo"}, {t.Unknown, "from unknown programs"},
		{t.Copies, "repeated"}, {t.Unreadable, "unreadable"},
	} {
		if left.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", left.n, left.what))
		}
	}
	if len(out) > 0 {
		fmt.Fprintf(w, "Not counted: %s.\n", strings.Join(out, ", "))
	}
	switch {
	case t.TrimmedUntil != nil:
		fmt.Fprintf(w, "Searches before %s may be missing: the topic no longer has all of them.\n", t.TrimmedUntil.Local().Format(time.DateTime))
	case t.Trimmed:
		fmt.Fprintln(w, "Searches may be missing: the topic no longer has all of them.")
	}
}
