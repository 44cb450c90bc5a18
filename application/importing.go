package application

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/config"
)

// importMemory is the amount of memory, in bytes, above which the garbage
// collector works harder during an import.
const importMemory = 160 << 20

// CheckImport returns an error if the files can't be imported with these
// options whatever they contain.
func CheckImport(paths []string, o importing.Options) error {
	return importing.Check(catalog.Files{}, paths, o)
}

// ErrNoShop: the data folder has no catalogue yet.
var ErrNoShop = errors.New("there is no shop yet")

// OpenImporter opens the configured catalogue for an import, and makes it if there is none.
// The caller calls closeCatalogue at the end.
func OpenImporter(ctx context.Context, c *config.Config, log *slog.Logger) (importer *importing.Importer, closeCatalogue func() error, err error) {
	db, err := openMigrated(ctx, c, log)
	if err != nil {
		return nil, nil, err
	}
	debug.SetMemoryLimit(importMemory)
	return importing.NewImporter(db, db, catalog.Files{}), db.Close, nil
}

// OpenPreview opens the configured catalogue for a dry run. It makes no catalogue: if the
// data folder has none, empty is true, and the dry run finds an empty one, which lies among
// the temporary files and vanishes with closeCatalogue.
func OpenPreview(ctx context.Context, c *config.Config, log *slog.Logger) (importer *importing.Importer, empty bool, closeCatalogue func() error, err error) {
	if err := requireShop(c); !errors.Is(err, ErrNoShop) {
		importer, closeCatalogue, err := OpenImporter(ctx, c, log)
		return importer, false, closeCatalogue, err
	}
	dir, err := os.MkdirTemp("", "event-books-dry-run-")
	if err != nil {
		return nil, true, nil, fmt.Errorf("make an empty catalogue for the dry run: %w", err)
	}
	temporary := *c
	temporary.App.DataDir = dir
	importer, closeDB, err := OpenImporter(ctx, &temporary, log)
	if err != nil {
		return nil, true, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return importer, true, func() error { return errors.Join(closeDB(), os.RemoveAll(dir)) }, nil
}

// requireShop returns ErrNoShop if the data folder has neither an embedded catalogue nor a
// trace of a lost one.
func requireShop(c *config.Config) error {
	k := &catalogue{dataDir: c.App.DataDir}
	for _, file := range []string{k.file(), shopFilePath(k.dataDir)} {
		if _, err := os.Stat(file); c.DB.DSN != "" || !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("%w in the folder %s (app.data_dir)", ErrNoShop, c.App.DataDir)
}

// ExportOutput returns the file, or standard output if path is "-", that an
// export writes to. format is "csv" or "jsonl"; if it is empty, the path decides.
func ExportOutput(path, format string, spreadsheet bool, stdout io.Writer) (gateway.BookOutput, error) {
	return catalog.NewOutput(path, format, spreadsheet, stdout)
}

// OpenExporter opens the configured catalogue for an export. The caller calls
// closeCatalogue at the end. The error wraps ErrNoShop if the data folder has no catalogue.
func OpenExporter(ctx context.Context, c *config.Config, log *slog.Logger) (exporter *importing.Exporter, closeCatalogue func() error, err error) {
	if err := requireShop(c); err != nil {
		return nil, nil, err
	}
	db, err := openMigrated(ctx, c, log)
	if err != nil {
		return nil, nil, err
	}
	return importing.NewExporter(db), db.Close, nil
}

// openMigrated opens the configured catalogue and brings its schema up to date.
// It fails if the database doesn't answer.
func openMigrated(ctx context.Context, c *config.Config, log *slog.Logger) (*catalogue, error) {
	db, err := openCatalogue(c, log)
	if err != nil {
		return nil, err
	}
	err = db.migrate(ctx)
	if err == nil {
		err = db.recordID(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
