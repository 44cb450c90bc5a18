package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/config"
)

type indexStatusCommand struct {
	JSON bool `name:"json" help:"One JSON object."`
}

func (cmd indexStatusCommand) Run(sh *shell) error {
	c, err := loadWithIndex(sh)
	if err != nil {
		return err
	}
	status, known, err := application.IndexStatus(c)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return json.NewEncoder(sh.Out).Encode(status)
	}
	if !known {
		fmt.Fprintln(sh.Out, "There is no search index yet: the shop builds it when it starts.")
		return nil
	}
	answering := "the database"
	if status.Answering {
		answering = "the index"
	}
	fmt.Fprintf(sh.Out, "state:     %s, since %s\n", status.State, status.Time.Format(time.RFC3339))
	fmt.Fprintf(sh.Out, "answering: %s\n", answering)
	if status.Total > 0 {
		fmt.Fprintf(sh.Out, "built:     %d of %d books\n", status.Done, status.Total)
	}
	if status.Left > 0 {
		fmt.Fprintf(sh.Out, "behind:    %d books\n", status.Left)
	}
	if status.Problem != "" {
		fmt.Fprintf(sh.Out, "problem:   %s\n", status.Problem)
	}
	if !application.Running(c) {
		fmt.Fprintln(sh.Out, "The shop isn't running; this is what it wrote last.")
	}
	return nil
}

type indexRebuildCommand struct{}

const (
	// pollEvery is the time between two looks at the status.
	pollEvery = 200 * time.Millisecond
	// takenWithin is how long the shop may take to notice a request.
	takenWithin = 10 * time.Second
)

// Run asks the shop for another index, and shows the progress. An interrupt ends only the
// display.
func (indexRebuildCommand) Run(sh *shell) error {
	c, err := loadWithIndex(sh)
	if err != nil {
		return err
	}
	before, _, err := application.IndexStatus(c)
	if err != nil {
		return err
	}
	if err := application.RebuildIndex(c); err != nil {
		return err
	}
	if !application.Running(c) {
		fmt.Fprintln(sh.Out, "The shop isn't running; it builds another index when it starts.")
		return nil
	}
	fmt.Fprintln(sh.Err, "The shop builds another index; the old one answers meanwhile. Ctrl-C ends only this display.")
	return showBuilding(sh, c, before.Built)
}

// showBuilding shows the progress until an index answers that was completed after a time.
func showBuilding(sh *shell, c *config.Config, before time.Time) error {
	var bar *progressbar.ProgressBar
	if isTerminal(sh.Err) {
		bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(sh.Err), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount())
	}
	for begun := time.Now(); ; {
		status, _, err := application.IndexStatus(c)
		switch {
		case err != nil:
			return err
		case status.Built.After(before):
			fmt.Fprintf(sh.Out, "the new index answers; it took %.1f s\n", status.Seconds)
			return nil
		case status.Problem != "":
			return fmt.Errorf("the index can't be built: %s", status.Problem)
		case !application.Running(c):
			return errors.New("the shop has ended; its next start goes on")
		case time.Since(begun) > takenWithin && application.IndexRequested(c):
			return errors.New("the shop doesn't take the request; perhaps it runs with index.engine: sql")
		case bar != nil && status.Total > 0:
			bar.ChangeMax64(int64(status.Total))
			_ = bar.Set64(int64(status.Done)) // writing to the terminal may fail
		}
		select {
		case <-sh.ctx.Done():
			return context.Cause(sh.ctx)
		case <-time.After(pollEvery):
		}
	}
}

// loadWithIndex reads the configuration of a shop that has a search index.
func loadWithIndex(sh *shell) (*config.Config, error) {
	c, err := sh.load()
	if err != nil {
		return nil, err
	}
	if c.Index.Engine != config.BleveEngine {
		return nil, usageError{fmt.Errorf("index.engine is %s: the database searches, and there is no index", c.Index.Engine)}
	}
	return c, nil
}
