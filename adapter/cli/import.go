package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"literank.com/event-books/application"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/infrastructure/catalog"
)

type importCommand struct {
	Files  []string          `arg:"" name:"file" help:"CSV or JSON Lines in UTF-8, plain or gzipped; - is standard input."`
	Source string            `help:"Name of the catalogue that the column id belongs to; the file's name if absent. Standard input has none: without --source its ids are not used."`
	Map    map[string]string `mapsep:"," placeholder:"COLUMN=FIELD,…" help:"What columns with other names mean, such as Titel=title."`
}

func (cmd importCommand) Run(sh *shell) (err error) {
	if err := cmd.check(); err != nil {
		return usageError{err}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	db, err := application.OpenDatabase(c, sh.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(sh.ctx); err != nil {
		return err
	}
	importer := executor.NewImporter(db)
	var errs []error
	for _, file := range cmd.Files {
		if err := cmd.importFile(sh, importer, file); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		if sh.ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// check finds what is wrong whatever is in the files.
func (cmd importCommand) check() error {
	if err := catalog.CheckMap(cmd.Map); err != nil {
		return err
	}
	named := map[string]string{}
	for _, file := range cmd.Files {
		base := filepath.Base(file)
		if other, ok := named[base]; ok && cmd.Source == "" {
			return fmt.Errorf("%s and %s have the same name, by which their ids are told apart: import them one by one, each with its own --source", other, file)
		}
		named[base] = file
	}
	return nil
}

func (cmd importCommand) importFile(sh *shell, importer *executor.Importer, name string) error {
	file, err := catalog.Open(name, catalog.Options{Source: cmd.Source, Map: cmd.Map, Stdin: sh.In})
	if err != nil {
		return err
	}
	defer file.Close()
	if len(cmd.Files) > 1 {
		fmt.Fprintf(sh.Err, "%s\n", name)
	}
	progress := newImportProgress(sh.Err, isTerminal(sh.Err), file.Progress)
	summary, err := importer.Import(sh.ctx, file, progress)
	used, ignored := file.Columns()
	progress.Finish(summary, file.Format(), used, ignored)
	return err
}
