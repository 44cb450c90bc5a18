package application

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/database"
)

// catalogue is the configured database, and the data folder that an embedded one belongs
// to.
type catalogue struct {
	*database.DB
	dataDir  string
	embedded bool
	log      *slog.Logger
	// shared is the secret of all instances, once migrate has read it.
	shared atomic.Pointer[string]
	// migrated is closed once migrate has succeeded.
	migrated     chan struct{}
	migratedOnce sync.Once
}

// awaitMigrated waits until the database can be used. It returns false if ctx ends before.
func (k *catalogue) awaitMigrated(ctx context.Context) bool {
	select {
	case <-k.migrated:
		return true
	case <-ctx.Done():
		return false
	}
}

// secret returns "" until the database has answered.
func (k *catalogue) secret() string {
	if shared := k.shared.Load(); shared != nil {
		return *shared
	}
	return ""
}

// catalogueVersion is the version of the newest change.
func (k *catalogue) catalogueVersion(ctx context.Context) (int64, error) {
	_, version, err := k.Generation(ctx)
	return version, err
}

// openCatalogue opens the configured database. It doesn't wait for a server.
func openCatalogue(c *config.Config, log *slog.Logger) (*catalogue, error) {
	k := &catalogue{dataDir: c.App.DataDir, embedded: c.DB.DSN == "", log: log, migrated: make(chan struct{})}
	var err error
	if k.embedded {
		k.DB, err = database.OpenSQLite(k.file(), log)
	} else {
		k.DB, err = database.OpenMySQL(c.DB.DSN, log)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// file is the embedded database.
func (k *catalogue) file() string { return filepath.Join(k.dataDir, "books.db") }

// errLostCatalogue says that the data folder has lost the database that belongs to it.
var errLostCatalogue = errors.New("the catalogue is lost")

// migrate brings the schema up to date. It creates no embedded database in a folder that
// has lost its own: then the error wraps errLostCatalogue and names the ways out.
func (k *catalogue) migrate(ctx context.Context) error {
	if k.embedded {
		shop, err := readShopFile(k.dataDir)
		if err != nil {
			return err
		}
		if err := k.checkID(ctx, shop.DatabaseID); err != nil {
			return err
		}
	}
	if err := k.Migrate(ctx); err != nil {
		return err
	}
	secret, err := k.Secret(ctx, "app")
	if err == nil {
		k.shared.Store(&secret)
		k.migratedOnce.Do(func() { close(k.migrated) })
	}
	return err
}

// checkID compares the id of the embedded database with the one that the folder had.
func (k *catalogue) checkID(ctx context.Context, want string) error {
	if want == "" {
		return nil
	}
	var problem string
	if _, err := os.Stat(k.file()); errors.Is(err, fs.ErrNotExist) {
		problem = "is missing"
	} else if id, err := k.ID(ctx); err != nil {
		return err
	} else if id != want {
		problem = "is not the one that belongs to this folder"
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("%w: %s %s. Restore it from a backup, with the backup's %[2]s-wal or with none; "+
		"or delete %[4]s to go on with what is there, or else with the starter catalogue; or set app.data_dir to another folder",
		errLostCatalogue, k.file(), problem, shopFilePath(k.dataDir))
}

// seed fills an empty embedded database with the starter catalogue, once.
func (k *catalogue) seed(ctx context.Context) error {
	if !k.embedded {
		return nil
	}
	books, err := catalog.Starter()
	if err != nil {
		return err
	}
	seeded, err := k.SeedOnce(ctx, "starter", books)
	if err != nil {
		return err
	}
	if seeded > 0 {
		k.log.Info("starter catalogue loaded", "books", seeded)
	}
	return nil
}

// recordID writes the id of the embedded database into the data folder.
func (k *catalogue) recordID(ctx context.Context) error {
	if !k.embedded {
		return nil
	}
	shop, err := readShopFile(k.dataDir)
	if err != nil || shop.DatabaseID != "" {
		return err
	}
	if shop.DatabaseID, err = k.ID(ctx); err != nil {
		return err
	}
	return shop.write(k.dataDir)
}

// tend migrates the database as soon as it answers, fills an empty embedded one, and
// looks for changes by other programs until ctx ends. It returns an error if waiting
// can't help.
func (k *catalogue) tend(ctx context.Context) error {
	if err := k.awaitMigration(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := k.seed(ctx); err != nil {
		k.log.Warn("the starter catalogue was not loaded", "error", err)
	}
	if err := k.recordID(ctx); err != nil {
		k.log.Warn("the data folder doesn't know its database; if that gets lost, the next start takes the shop for a new one", "error", err)
	}
	k.Sweep(ctx)
	return nil
}

// awaitMigration retries until the database answers.
func (k *catalogue) awaitMigration(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = 5 * time.Second
	told := false
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := k.migrate(ctx)
		switch lost := errors.Is(err, errLostCatalogue); {
		case lost && !told:
			told = true
			k.log.Error("the shop answers 503", "error", err)
		case err != nil && !lost && model.ErrorCode(err) != model.UnavailableNow:
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	return err
}
