package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"literank.com/event-books/application"
	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/infrastructure/config"
)

type importCommand struct {
	Files    []string          `arg:"" name:"file" help:"CSV, JSON Lines or ONIX, plain or gzipped; - is standard input."`
	Source   string            `help:"Name of the catalogue that the ids belong to. Default: the file's name, for ONIX the sender. Without --source the ids of standard input are not used."`
	Map      map[string]string `mapsep:"," placeholder:"COLUMN=FIELD,…" help:"Columns with other names, such as Titel=title."`
	Encoding string            `placeholder:"NAME" help:"Encoding of the text, such as windows-1251. Default: detected."`
	Currency string            `placeholder:"CODE" help:"Currency (ISO 4217) of prices for which the file names none, such as CHF."`
	Rejected string            `placeholder:"FILE" help:"File for rejected rows. Default: FILE.rejected beside the file."`
	DryRun   bool              `name:"dry-run" help:"Report what would happen, and store nothing."`
}

func (cmd importCommand) Run(sh *shell) (err error) {
	options := importing.Options{
		FileOptions: gateway.FileOptions{Source: cmd.Source, Map: cmd.Map, Encoding: cmd.Encoding, Currency: cmd.Currency, Stdin: sh.In},
		Rejected:    cmd.Rejected,
		DryRun:      cmd.DryRun,
	}
	if err := application.CheckImport(cmd.Files, options); err != nil {
		return usageError{err}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	if err := cmd.checkFiles(); err != nil {
		return err
	}
	importer, closeCatalogue, err := cmd.open(sh, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeCatalogue()) }()
	var errs []error
	for _, file := range cmd.Files {
		if err := cmd.importFile(sh, importer, file, options); err != nil {
			if file == "-" {
				file = "standard input"
			}
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		if sh.ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// checkFiles returns an error if no file exists. A mistyped name makes no shop.
func (cmd importCommand) checkFiles() error {
	var errs []error
	for _, file := range cmd.Files {
		if file == "-" {
			return nil
		}
		_, err := os.Stat(file)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", file, errors.Unwrap(err)))
	}
	return errors.Join(errs...)
}

// open opens the catalogue.
func (cmd importCommand) open(sh *shell, c *config.Config) (importer *importing.Importer, closeCatalogue func() error, err error) {
	log := sh.logFrom(slog.LevelError) // the import itself says when it waits for the database
	if !cmd.DryRun {
		return application.OpenImporter(sh.ctx, c, log)
	}
	importer, empty, closeCatalogue, err := application.OpenPreview(sh.ctx, c, log)
	if empty && err == nil {
		fmt.Fprintf(sh.Err, "There is no shop yet in the folder %s (app.data_dir): this shows an import into an empty one.\n", c.App.DataDir)
	}
	return importer, closeCatalogue, err
}

// importFile imports one file and prints what became of it.
func (cmd importCommand) importFile(sh *shell, importer *importing.Importer, path string, options importing.Options) (err error) {
	file, err := importer.Open(path, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if len(cmd.Files) > 1 {
		fmt.Fprintf(sh.Err, "%s\n", path)
	}
	progress := newImportProgress(sh.Err, isTerminal(sh.Err), file.Progress)
	summary, err := file.Run(sh.ctx, progress)
	progress.Finish(summary)
	switch {
	case cmd.DryRun:
		fmt.Fprintln(sh.Err, "This was a dry run: nothing was stored.")
	case summary.Dropped > 0:
		fmt.Fprintln(sh.Err, "The rejected rows were not kept: name a file for them with --rejected.")
	case summary.RejectedPath != "":
		source := ""
		if summary.RejectedSource != "" {
			source = fmt.Sprintf(" with --source %q", summary.RejectedSource)
		}
		fmt.Fprintf(sh.Err, "The rejected rows are in %s: correct them there, then import that file%s.\n", summary.RejectedPath, source)
	}
	return err
}
