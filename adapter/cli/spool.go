package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/spool"
)

// spoolDir is the folder of a spool: the shop's own, unless another is named.
type spoolDir struct {
	Dir string `placeholder:"DIR" help:"Folder of the spool. Default: the one in app.data_dir."`
}

// look inspects the folder. It loads the configuration only if --dir is missing.
func (d spoolDir) look(load func() (*config.Config, error)) (dir string, status *spool.Status, err error) {
	if d.Dir == "" {
		c, err := load()
		if err != nil {
			return "", nil, err
		}
		d.Dir = application.SpoolDir(c)
	}
	if info, err := os.Stat(d.Dir); err == nil && !info.IsDir() {
		return "", nil, usageError{fmt.Errorf("%s is no folder, so there is no spool in it", d.Dir)}
	}
	status, err = spool.Inspect(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, usageError{fmt.Errorf("there is no spool in %s", d.Dir)}
	}
	return d.Dir, status, err
}

type spoolStatusCommand struct {
	spoolDir
	JSON bool `name:"json" help:"One JSON object."`
}

func (cmd spoolStatusCommand) Run(sh *shell) error {
	_, status, err := cmd.look(sh.load)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return json.NewEncoder(sh.Out).Encode(status)
	}
	fmt.Fprintf(sh.Out, "waiting:      %d events, about %d KiB\n", status.Events, (status.Bytes+1023)>>10)
	if status.Missing > 0 {
		fmt.Fprintf(sh.Out, "missing:      %d events, which no file holds any more\n", status.Missing)
	}
	if status.Oldest != nil {
		fmt.Fprintf(sh.Out, "oldest:       %s\n", status.Oldest.Format(time.RFC3339))
	}
	if status.DeadLetters != "" {
		fmt.Fprintf(sh.Out, "dead letters: %s\n", status.DeadLetters)
	}
	for _, segment := range status.Damaged {
		fmt.Fprintf(sh.Out, "damaged:      %s\n", segment)
	}
	return nil
}

type spoolDrainCommand struct{ spoolDir }

func (cmd spoolDrainCommand) Run(sh *shell) error {
	c, err := sh.load()
	if err != nil {
		return err
	}
	dir, status, err := cmd.look(func() (*config.Config, error) { return c, nil })
	if err != nil {
		return err
	}
	events, err := application.OpenEvents(dir, c, sh.logFrom(slog.LevelWarn))
	if errors.Is(err, spool.ErrInUse) {
		return fmt.Errorf("a running shop uses %s, and sends its events itself", dir)
	}
	if err != nil {
		return err
	}
	if hint := application.BrokerHint(c); hint != "" {
		fmt.Fprintln(sh.Err, hint)
	}
	fmt.Fprintf(sh.Err, "sending %d events to %s; Ctrl-C leaves the rest where it is\n", status.Events, strings.Join(events.Brokers(), ", "))
	empty := events.Empty(sh.ctx)
	ctx, cancel := context.WithTimeout(sh.ctx, c.App.ShutdownTimeout) // after an interrupt nothing more is sent
	defer cancel()
	err = events.Close(ctx)
	stats := events.EventStats()
	fmt.Fprintf(sh.Out, "delivered:     %d\n", stats.Delivered)
	for _, count := range []struct {
		name string
		n    int64
	}{{"dead letters:  ", stats.DeadLettered}, {"lost:          ", stats.Lost}, {"still waiting: ", stats.Waiting}} {
		if count.n > 0 {
			fmt.Fprintf(sh.Out, "%s%d\n", count.name, count.n)
		}
	}
	if empty != nil {
		err = errors.Join(errors.New("spool drain: interrupted; the rest waits for the next time"), err)
	}
	return err
}
