package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"literank.com/event-books/application"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// withDeadLetters runs work on the dead letters of the configured shop.
func (sh *shell) withDeadLetters(work func(d *application.DeadLetters) error) (err error) {
	c, err := sh.load()
	if err != nil {
		return err
	}
	d, err := application.OpenDeadLetters(sh.ctx, c, sh.logFrom(slog.LevelError))
	if errors.Is(err, application.ErrNoShop) {
		return fmt.Errorf("%w: start one with event-books", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return work(d)
}

type deadListCommand struct {
	JSON bool `name:"json" help:"One JSON object per dead letter."`
}

func (cmd deadListCommand) Run(sh *shell) error {
	return sh.withDeadLetters(func(d *application.DeadLetters) error {
		encoder := json.NewEncoder(sh.Out)
		table := tabwriter.NewWriter(sh.Out, 0, 0, 2, ' ', 0)
		n := 0
		err := d.Each(sh.ctx, func(l *model.DeadLetter) error {
			if cmd.JSON {
				return encoder.Encode(l)
			}
			if n++; n == 1 {
				fmt.Fprintln(table, "ID\tTIME\tREJECTED BY\tKEY\tREASON")
			}
			_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.Time.UTC().Format(time.DateTime), l.RejectedBy(), shortened(l.Record.Key), shortened(l.Reason))
			return err
		})
		if err == nil && n == 0 && !cmd.JSON {
			fmt.Fprintln(sh.Out, "There are no dead letters.")
		}
		return errors.Join(err, table.Flush())
	})
}

// shortened returns one line of at most 60 characters, without control characters.
func shortened(text string) string {
	const most = 60
	out := []rune{}
	for _, r := range text {
		if len(out) == most {
			return string(out[:most-1]) + "…"
		}
		if r < ' ' || r == utf8.RuneError || r == 0x7f {
			r = '·'
		}
		out = append(out, r)
	}
	return string(out)
}

type deadShowCommand struct {
	ID   string `arg:"" help:"The id, as events dead list shows it."`
	JSON bool   `name:"json" help:"One JSON object."`
}

func (cmd deadShowCommand) Run(sh *shell) error {
	return sh.withDeadLetters(func(d *application.DeadLetters) error {
		l, err := d.Find(sh.ctx, cmd.ID)
		if err != nil {
			return noDeadLetter(cmd.ID, err)
		}
		if cmd.JSON {
			return json.NewEncoder(sh.Out).Encode(l)
		}
		printDeadLetter(sh.Out, l)
		return nil
	})
}

func printDeadLetter(w io.Writer, l *model.DeadLetter) {
	fmt.Fprintf(w, "rejected by: %s, at %s\nreason:      %s\n", l.RejectedBy(), l.Time.UTC().Format(time.RFC3339), l.Reason)
	if l.Group != "" {
		fmt.Fprintf(w, "record:      %s, partition %d, offset %d\n", l.Topic, l.Partition, l.Offset)
	} else {
		fmt.Fprintf(w, "topic:       %s\n", l.Topic)
	}
	fmt.Fprintf(w, "written at:  %s\nkey:         %q\n", l.Record.Time.UTC().Format(time.RFC3339Nano), l.Record.Key)
	for _, h := range l.Record.Headers {
		fmt.Fprintf(w, "header:      %s: %q\n", h.Key, h.Value)
	}
	fmt.Fprintf(w, "value:       %q\n", l.Record.Value)
}

func noDeadLetter(id string, err error) error {
	if errors.Is(err, gateway.ErrNoDeadLetter) {
		return fmt.Errorf("%s: %w; see events dead list", id, err)
	}
	return err
}

type deadRetryCommand struct {
	IDs []string `arg:"" name:"id" optional:"" help:"The ids, as events dead list shows them."`
	All bool     `help:"All of them."`
}

func (cmd deadRetryCommand) Run(sh *shell) error {
	if cmd.All == (len(cmd.IDs) > 0) {
		return usageError{errors.New("name the ids of dead letters, or --all")}
	}
	return sh.withDeadLetters(func(d *application.DeadLetters) error {
		var letters []*model.DeadLetter
		var errs []error
		if cmd.All {
			if err := d.Each(sh.ctx, func(l *model.DeadLetter) error { letters = append(letters, l); return nil }); err != nil {
				return err
			}
		}
		for _, id := range cmd.IDs {
			l, err := d.Find(sh.ctx, id)
			if err != nil {
				return noDeadLetter(id, err)
			}
			letters = append(letters, l)
		}
		for _, l := range letters {
			if err := d.Retry(sh.ctx, l); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", l.ID, err))
				continue
			}
			fmt.Fprintf(sh.Out, "%s is done\n", l.ID)
		}
		return errors.Join(errs...)
	})
}
