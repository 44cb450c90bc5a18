package application

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/database"
)

// openDatabase opens the configured catalogue: MySQL or MariaDB by its DSN, else
// SQLite. It does not wait for a server.
func openDatabase(c *config.Config, log *slog.Logger) (*database.DB, error) {
	if c.DB.DSN != "" {
		return database.OpenMySQL(c.DB.DSN, log)
	}
	return database.OpenSQLite(filepath.Join(c.App.DataDir, "books.db"), log)
}

// tendCatalogue migrates the database as soon as it answers, fills an empty
// embedded one, and looks for changes by other programs until ctx ends. It
// returns an error if waiting can't help.
func (w *WireHelper) tendCatalogue(ctx context.Context) error {
	if err := w.migrate(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if w.config.DB.DSN == "" {
		if err := w.seed(ctx); err != nil {
			w.log.Warn("the starter catalogue was not loaded", "error", err)
		}
	}
	w.db.Sweep(ctx)
	return nil
}

// migrate tries until the database answers.
func (w *WireHelper) migrate(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = 5 * time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := w.db.Migrate(ctx)
		if err != nil && model.ErrorCode(err) != model.UnavailableNow {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	return err
}

func (w *WireHelper) seed(ctx context.Context) error {
	books, err := catalog.Starter()
	if err != nil {
		return err
	}
	seeded, err := w.db.SeedOnce(ctx, "starter", books)
	if err != nil {
		return err
	}
	if seeded > 0 {
		w.log.Info("starter catalogue loaded", "books", seeded)
	}
	return nil
}
