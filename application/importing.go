package application

import (
	"context"
	"errors"
	"io"
	"log/slog"
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

// OpenImporter opens the configured catalogue for an import. The caller calls
// closeCatalogue at the end.
func OpenImporter(ctx context.Context, c *config.Config, log *slog.Logger) (importer *importing.Importer, closeCatalogue func() error, err error) {
	db, err := openMigrated(ctx, c, log)
	if err != nil {
		return nil, nil, err
	}
	debug.SetMemoryLimit(importMemory)
	return importing.NewImporter(db, db, catalog.Files{}), db.Close, nil
}

// ExportOutput returns the file, or standard output if path is "-", that an
// export writes to. format is "csv" or "jsonl"; if it is empty, the path decides.
func ExportOutput(path, format string, spreadsheet bool, stdout io.Writer) (gateway.BookOutput, error) {
	return catalog.NewOutput(path, format, spreadsheet, stdout)
}

// OpenExporter opens the configured catalogue for an export. The caller calls
// closeCatalogue at the end.
func OpenExporter(ctx context.Context, c *config.Config, log *slog.Logger) (exporter *importing.Exporter, closeCatalogue func() error, err error) {
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
