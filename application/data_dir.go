package application

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"literank.com/event-books/infrastructure/config"
)

// makeDataDir makes the folder for all files, and checks that files can be made in it.
func makeDataDir(c *config.Config) error {
	dir := c.App.DataDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("app.data_dir: %w", err)
	}
	trial, err := os.CreateTemp(dir, "trial-*")
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("app.data_dir: this user can't write into the folder %s; change its owner or its rights, or name another folder (%w)", dir, err)
	case err != nil:
		return nil // such as a full disk, with which a shop can start
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// lockDataDir keeps a second web service out of the folder. The operating system frees the
// lock when the process ends, however that happens.
func lockDataDir(dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, "shop.lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("app.data_dir: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("app.data_dir: another shop runs on the folder %s; each shop needs a folder of its own", dir)
	}
	return lock.Unlock, nil
}
