package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"

	"literank.com/event-books/application"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/infrastructure/catalog"
)

// importMemory is when the collector of garbage makes haste, in bytes.
const importMemory = 160 << 20

type importCommand struct {
	Files    []string          `arg:"" name:"file" help:"CSV, JSON Lines or ONIX, plain or gzipped; - is standard input."`
	Source   string            `help:"Name of the catalogue that the column id belongs to; the file's name if absent, of ONIX the sender. Standard input has none: without --source its ids are not used."`
	Map      map[string]string `mapsep:"," placeholder:"COLUMN=FIELD,…" help:"What columns with other names mean, such as Titel=title."`
	Encoding string            `placeholder:"NAME" help:"Encoding of the text, such as windows-1251; found out if absent."`
	Rejected string            `placeholder:"FILE" help:"Where rows go that can't be taken; FILE.rejected beside the file if absent."`
	DryRun   bool              `name:"dry-run" help:"Say what would happen, and store nothing."`
}

func (cmd importCommand) Run(sh *shell) (err error) {
	if err := cmd.check(); err != nil {
		return usageError{err}
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
	debug.SetMemoryLimit(importMemory)
	importer := executor.NewImporter(db, db)
	var errs []error
	for _, file := range cmd.Files {
		if err := cmd.importFile(sh, importer, file); err != nil {
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

// check finds what is wrong whatever is in the files.
func (cmd importCommand) check() error {
	if err := catalog.CheckOptions(cmd.options()); err != nil {
		return err
	}
	if cmd.Rejected != "" && len(cmd.Files) > 1 {
		return errors.New("--rejected: each file has rejected rows of its own: import them one by one")
	}
	named := map[string]string{}
	for _, file := range cmd.Files {
		if cmd.Rejected != "" && filepath.Clean(cmd.Rejected) == filepath.Clean(file) {
			return fmt.Errorf("--rejected: %s is the file that is imported", file)
		}
		base := filepath.Base(file)
		if other, ok := named[base]; ok && cmd.Source == "" && catalog.SameSource(other, file) {
			return fmt.Errorf("%s and %s have the same name, by which their ids are told apart: import them one by one, each with its own --source", other, file)
		}
		named[base] = file
		if file == "-" && cmd.Source == "" && catalog.MapsID(cmd.Map) {
			return errors.New("--map: standard input has no name by which ids are told apart: give it one by --source")
		}
	}
	return nil
}

func (cmd importCommand) options() catalog.Options {
	return catalog.Options{Source: cmd.Source, Map: cmd.Map, Encoding: cmd.Encoding}
}

func (cmd importCommand) importFile(sh *shell, importer *executor.Importer, path string) (err error) {
	options := cmd.options()
	options.Stdin = sh.In
	file, err := catalog.Open(path, options)
	if err != nil {
		return err
	}
	if len(cmd.Files) > 1 {
		fmt.Fprintf(sh.Err, "%s\n", path)
	}
	job := executor.ImportFile{DryRun: cmd.DryRun}
	var rejected *catalog.Rejected
	if name := cmd.rejectedPath(path); name != "" && !cmd.DryRun {
		alone := false
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		task := fmt.Sprintf("%s %q %q %q", absolute, cmd.Source, cmd.Encoding, cmd.Map)
		rejected, alone = catalog.NewRejected(name, task)
		defer func() { err = errors.Join(err, rejected.Close()) }()
		rejected.Of(file)
		job.Rejected = rejected
		if alone && catalog.IsRegular(path) {
			job.Name = task
		}
	}
	first := file
	job.Open = func() (executor.ImportSource, error) {
		if first != nil {
			first = nil
			return file, nil
		}
		again, err := catalog.Open(path, options)
		if err != nil {
			return nil, err
		}
		file = again
		if rejected != nil {
			rejected.Of(file)
		}
		return file, nil
	}
	progress := newImportProgress(sh.Err, isTerminal(sh.Err), func() (read, size int64) { return file.Progress() })
	summary, err := importer.Import(sh.ctx, job, progress)
	used, ignored := file.Columns()
	progress.Finish(summary, file.Format(), used, ignored)
	switch {
	case cmd.DryRun:
		fmt.Fprintln(sh.Err, "This was a dry run: nothing was stored.")
	case summary.Rejected > 0 && rejected == nil:
		fmt.Fprintln(sh.Err, "The rejected rows are not kept: --rejected names a file for them.")
	case rejected != nil && rejected.Path() != "":
		fmt.Fprintf(sh.Err, "The rejected rows are in %s: mend them there, and import that file%s.\n", rejected.Path(), cmd.sameSource(file, rejected.Path()))
	}
	return err
}

// sameSource is what the import of rejected rows needs so that their ids are
// those of the file they come from.
func (cmd importCommand) sameSource(file *catalog.File, rejected string) string {
	if file.Source() == "" || file.Source() == filepath.Base(strings.TrimSuffix(rejected, ".rejected")) || strings.HasPrefix(file.Format(), "ONIX") && cmd.Source == "" {
		return ""
	}
	return fmt.Sprintf(" with --source %q", file.Source())
}

// rejectedPath is empty where nothing says where rejected rows can be kept.
func (cmd importCommand) rejectedPath(path string) string {
	if cmd.Rejected == "" && !catalog.IsRegular(path) {
		return ""
	}
	return cmp.Or(cmd.Rejected, catalog.RejectedPath(path))
}
