package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"literank.com/event-books/application"
)

type exportCommand struct {
	File        string `arg:"" default:"-" help:"File to write: .csv or .jsonl, also with .gz; - is standard output."`
	Format      string `enum:"csv,jsonl," default:"" placeholder:"csv|jsonl" help:"Format of standard output. Default: JSON Lines."`
	Spreadsheet bool   `help:"Write CSV whose cells a spreadsheet can't run as formulas. Use it for files that somebody opens in one."`
}

func (cmd exportCommand) Run(sh *shell) (err error) {
	output, err := application.ExportOutput(cmd.File, cmd.Format, cmd.Spreadsheet, sh.Out)
	if err != nil {
		return usageError{err}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	exporter, closeCatalogue, err := application.OpenExporter(sh.ctx, c, sh.logFrom(slog.LevelError))
	if errors.Is(err, application.ErrNoShop) {
		return fmt.Errorf("%w: start one with event-books, or import a catalogue", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeCatalogue()) }()
	books, err := exporter.Export(sh.ctx, output)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: interrupted", cmd.File)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	fmt.Fprintf(sh.Err, "%d books exported\n", books)
	return nil
}
