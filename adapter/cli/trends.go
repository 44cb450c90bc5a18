package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/schollz/progressbar/v3"

	"literank.com/event-books/application"
)

type trendsCommand struct {
	Rebuild bool `help:"Count again what the topics still have, replace the counts with the result, and end."`
}

func (cmd trendsCommand) Run(sh *shell) error {
	if cmd.Rebuild {
		return rebuildTrends(sh)
	}
	application.TuneRuntime()
	c, log, err := sh.loadService()
	if err != nil {
		return err
	}
	if err = application.RunTrends(sh.ctx, c, log, sh.parts); err == nil {
		log.Info("stopped")
	}
	return err
}

func rebuildTrends(sh *shell) error {
	c, err := sh.load()
	if err != nil {
		return err
	}
	begun := time.Now()
	result, err := application.RebuildTrends(sh.ctx, c, sh.logFrom(slog.LevelError), showRecords(sh))
	switch {
	case errors.Is(err, application.ErrNoShop):
		return fmt.Errorf("%w: start one with event-books", err)
	case err != nil:
		return err
	}
	days := "all days"
	if result.FirstDay > 0 {
		days = "the days from " + result.FirstDay.Start().Format(time.DateOnly) + " on"
	}
	fmt.Fprintf(sh.Out, "counted %s again in %.1f s: %d counts have changed\n", days, time.Since(begun).Seconds(), result.Counts)
	if result.Letters+result.NewLetters > 0 {
		fmt.Fprintf(sh.Out, "%d dead letters count now, %d records have become dead letters\n", result.Letters, result.NewLetters)
	}
	return nil
}

// showRecords returns what shows the progress: a bar on a terminal, lines elsewhere.
func showRecords(sh *shell) func(done, all int64) {
	if isTerminal(sh.Err) {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(sh.Err), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount())
		return func(done, all int64) {
			bar.ChangeMax64(all)
			_ = bar.Set64(done) // writing to the terminal may fail
		}
	}
	printed := time.Now()
	return func(done, all int64) {
		if time.Since(printed) > linesBetween {
			printed = time.Now()
			fmt.Fprintf(sh.Err, "%d of %d records are counted\n", done, all)
		}
	}
}
