package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/application/flatfile"
	"literank.com/event-books/domain/model"
)

type eventsExportCommand struct {
	As       string `enum:"searches,impressions,clicks,ubi,judgements" required:"" placeholder:"KIND" help:"What to write: searches, impressions (the books shown), clicks, ubi (User Behavior Insights 1.3.0), or judgements (ratings from clicks)."`
	From     string `default:"beginning" aliases:"since" placeholder:"beginning|TIME" help:"Begin there (default: beginning): TIME is 7d for seven days ago, 2006-01-02, or 2006-01-02T15:04:05Z. --since is the same."`
	To       string `default:"now" placeholder:"now|TIME" help:"End before that time (default: now)."`
	Format   string `enum:"jsonl,csv," default:"" placeholder:"jsonl|csv" help:"JSON Lines or CSV. Default: as the name of the file says, else JSON Lines."`
	Output   string `short:"o" default:"-" placeholder:"FILE" help:"File to write, also with .gz; - is standard output (default)."`
	Surface  string `enum:"page,api,demo," default:"" placeholder:"page|api|demo" help:"Only events of that surface. Default: all, for judgements page."`
	MinShown int    `default:"1" placeholder:"N" help:"Judge only books that were shown that often for a keyword (default: 1)."`
}

func (cmd eventsExportCommand) Run(sh *shell) error {
	file, err := cmd.file(sh, time.Now())
	if err != nil {
		return usageError{err}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	result, err := application.ExportEvents(sh.ctx, c, file)
	if errors.Is(err, flatfile.ErrTooMany) {
		err = fmt.Errorf("%w: choose a later --from", err)
	}
	if err != nil {
		return fmt.Errorf("events export: %w", err)
	}
	fmt.Fprintln(sh.Err, told(result))
	return nil
}

// file checks the flags.
func (cmd eventsExportCommand) file(sh *shell, now time.Time) (f application.EventFile, err error) {
	f = application.EventFile{
		Options: flatfile.Options{Kind: flatfile.Kind(cmd.As), To: now, Surface: model.Surface(cmd.Surface), MinShown: cmd.MinShown},
		Path:    cmd.Output, Stdout: sh.Out,
	}
	if cmd.From != "beginning" {
		if f.From, err = parsePast("--from", "beginning, ", cmd.From, now); err != nil {
			return f, err
		}
	}
	if cmd.To != "now" {
		if f.To, err = parsePast("--to", "now, ", cmd.To, now); err != nil {
			return f, err
		}
	}
	if !f.From.Before(f.To) {
		return f, fmt.Errorf("--to: %q must be later than --from", cmd.To)
	}
	if cmd.MinShown < 1 {
		return f, fmt.Errorf("--min-shown: must be at least 1, not %d", cmd.MinShown)
	}
	f.Format, err = cmd.format()
	return f, err
}

// format returns the format, which a file's name may decide.
func (cmd eventsExportCommand) format() (flatfile.Format, error) {
	format, name := flatfile.Format(cmd.Format), strings.TrimSuffix(strings.ToLower(cmd.Output), ".gz")
	switch {
	case format == "" && strings.HasSuffix(name, ".csv"):
		format = flatfile.CSV
	case format == "":
		format = flatfile.JSONLines
	}
	if format == flatfile.CSV && cmd.As == string(flatfile.UBI) {
		return "", errors.New("--format: ubi is JSON Lines only, because queries and events have different fields")
	}
	return format, nil
}

// told says what was written and what was left out.
func told(result *application.ExportedEvents) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d rows exported", result.Rows)
	var out []string
	for _, left := range []struct {
		n    int
		what string
	}{{result.Copies, "repeated"}, {result.Erased, "of visitors who asked to be forgotten"}, {result.Unreadable, "unreadable"}} {
		if left.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", left.n, left.what))
		}
	}
	if len(out) > 0 {
		fmt.Fprintf(&text, "; left out: %s", strings.Join(out, ", "))
	}
	switch {
	case result.Trimmed.Partitions == 0:
	case result.Trimmed.Begin.IsZero():
		text.WriteString("\nEvents may be missing: a topic no longer has all of them.")
	default:
		fmt.Fprintf(&text, "\nEvents before %s may be missing: a topic no longer has all of them.", result.Trimmed.Begin.Local().Format(time.DateTime))
	}
	return text.String()
}
