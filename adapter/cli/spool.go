package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/spool"
)

// spoolDir is the folder of a spool: those of the shop, unless another is named.
type spoolDir struct {
	Dir string `placeholder:"DIR" help:"Folder of one spool. Default: those in app.data_dir."`
}

// spoolFolder is a folder with a spool. Title tells those of a shop apart.
type spoolFolder struct {
	title, dir string
	status     *spool.Status
}

// look inspects the folders. It loads the configuration only if --dir is missing. A shop of an
// earlier version has no spool of clicks.
func (d spoolDir) look(load func() (*config.Config, error)) ([]*spoolFolder, error) {
	if d.Dir != "" {
		f, err := inspect("", d.Dir)
		return []*spoolFolder{f}, err
	}
	c, err := load()
	if err != nil {
		return nil, err
	}
	searches, err := inspect("searches", application.SpoolDir(c))
	if err != nil {
		return nil, err
	}
	clicks, err := inspect("clicks", application.ClickSpoolDir(c))
	if errors.Is(err, fs.ErrNotExist) {
		return []*spoolFolder{searches}, nil
	}
	return []*spoolFolder{searches, clicks}, err
}

func inspect(title, dir string) (*spoolFolder, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, usageError{fmt.Errorf("%s is no folder, so there is no spool in it", dir)}
	}
	status, err := spool.Inspect(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{noSpool{dir, err}}
	}
	return &spoolFolder{title, dir, status}, err
}

// noSpool says that there is no spool in a folder.
type noSpool struct {
	dir   string
	cause error
}

func (e noSpool) Error() string { return "there is no spool in " + e.dir }
func (e noSpool) Unwrap() error { return e.cause }

type spoolStatusCommand struct {
	spoolDir
	JSON bool `name:"json" help:"One JSON object."`
}

func (cmd spoolStatusCommand) Run(sh *shell) error {
	folders, err := cmd.look(sh.load)
	if err != nil {
		return err
	}
	if cmd.JSON {
		object := struct {
			*spool.Status
			Clicks *spool.Status `json:"clicks,omitempty"`
		}{Status: folders[0].status}
		if len(folders) > 1 {
			object.Clicks = folders[1].status
		}
		return json.NewEncoder(sh.Out).Encode(object)
	}
	for _, f := range folders {
		if len(folders) > 1 {
			fmt.Fprintf(sh.Out, "%s, in %s\n", f.title, f.dir)
		}
		printStatus(sh.Out, f.status)
	}
	return nil
}

func printStatus(out io.Writer, status *spool.Status) {
	fmt.Fprintf(out, "waiting:      %d events, about %d KiB\n", status.Events, (status.Bytes+1023)>>10)
	if status.Missing > 0 {
		fmt.Fprintf(out, "missing:      %d events, which no file holds any more\n", status.Missing)
	}
	if status.Oldest != nil {
		fmt.Fprintf(out, "oldest:       %s\n", status.Oldest.Format(time.RFC3339))
	}
	if status.DeadLetters != "" {
		fmt.Fprintf(out, "dead letters: %s\n", status.DeadLetters)
	}
	for _, segment := range status.Damaged {
		fmt.Fprintf(out, "damaged:      %s\n", segment)
	}
}

type spoolDrainCommand struct{ spoolDir }

func (cmd spoolDrainCommand) Run(sh *shell) (err error) {
	c, err := sh.load()
	if err != nil {
		return err
	}
	folders, err := cmd.look(func() (*config.Config, error) { return c, nil })
	if err != nil {
		return err
	}
	drains := make([]drain, len(folders))
	for i, f := range folders {
		drains[i].spoolFolder = f
		if drains[i].events, err = application.OpenEvents(f.dir, c, sh.logFrom(slog.LevelWarn)); err != nil {
			if errors.Is(err, spool.ErrInUse) {
				err = fmt.Errorf("a running shop uses %s, and sends its events itself", f.dir)
			}
			return errors.Join(err, closeDrains(sh.ctx, c, drains[:i]))
		}
	}
	if hint := application.BrokerHint(c); hint != "" {
		fmt.Fprintln(sh.Err, hint)
	}
	for _, d := range drains {
		fmt.Fprintf(sh.Err, "sending %d events of %s to %s; Ctrl-C leaves the rest where it is\n", d.status.Events, d.dir, strings.Join(d.events.Brokers(), ", "))
	}
	interrupted := emptyAll(sh.ctx, drains)
	err = closeDrains(sh.ctx, c, drains)
	for _, d := range drains {
		if len(drains) > 1 {
			fmt.Fprintf(sh.Out, "%s, in %s\n", d.title, d.dir)
		}
		d.print(sh.Out)
	}
	if interrupted {
		err = errors.Join(errors.New("spool drain: interrupted; the rest waits for the next time"), err)
	}
	return err
}

// drain is a spool that is being sent.
type drain struct {
	*spoolFolder
	events *application.Events
}

// emptyAll waits until all spools are empty or ctx ends: trouble with one topic doesn't hold
// up the other.
func emptyAll(ctx context.Context, drains []drain) (interrupted bool) {
	var group sync.WaitGroup
	errs := make([]error, len(drains))
	for i, d := range drains {
		group.Go(func() { errs[i] = d.events.Empty(ctx) })
	}
	group.Wait()
	return errors.Join(errs...) != nil
}

// closeDrains sends nothing more after an interrupt.
func closeDrains(ctx context.Context, c *config.Config, drains []drain) error {
	ctx, cancel := context.WithTimeout(ctx, c.App.ShutdownTimeout)
	defer cancel()
	var errs []error
	for _, d := range drains {
		errs = append(errs, d.events.Close(ctx))
	}
	return errors.Join(errs...)
}

func (d drain) print(out io.Writer) {
	stats := d.events.EventStats()
	fmt.Fprintf(out, "delivered:     %d\n", stats.Delivered)
	for _, count := range []struct {
		name string
		n    int64
	}{{"dead letters:  ", stats.DeadLettered}, {"lost:          ", stats.Lost}, {"still waiting: ", stats.Waiting}} {
		if count.n > 0 {
			fmt.Fprintf(out, "%s%d\n", count.name, count.n)
		}
	}
}
