package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"literank.com/event-books/application"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/disk"
)

type exportCommand struct {
	File   string `arg:"" default:"-" help:"File to write: .csv or .jsonl, also with .gz; - is standard output."`
	Format string `enum:"csv,jsonl," default:"" placeholder:"csv|jsonl" help:"Format of standard output; JSON Lines if absent."`
}

func (cmd exportCommand) Run(sh *shell) (err error) {
	format, packed := catalog.JSONLines, false
	if cmd.File != "-" {
		if format, packed, err = catalog.FormatOf(cmd.File); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.File, err)}
		}
	}
	if cmd.Format != "" && cmd.File != "-" && (cmd.Format == "csv") != (format == catalog.CSV) {
		return usageError{fmt.Errorf("--format %s: the name of %s says otherwise", cmd.Format, cmd.File)}
	}
	switch cmd.Format {
	case "csv":
		format = catalog.CSV
	case "jsonl":
		format = catalog.JSONLines
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	db, err := application.OpenMigrated(sh.ctx, c, sh.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	books := 0
	write := func(out io.Writer) error {
		w := catalog.NewWriter(out, format, packed)
		var err error
		books, err = executor.NewExporter(db).Export(sh.ctx, w.Write)
		return errors.Join(err, w.Close())
	}
	if cmd.File == "-" {
		err = write(sh.Out)
	} else {
		err = disk.Replace(cmd.File, 0o666, write)
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: interrupted", cmd.File)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	fmt.Fprintf(sh.Err, "%d books exported\n", books)
	return nil
}
