// Package disk is what the standard library doesn't say about disks: how much
// space is left on one, and that a folder's changes are on it. It must not know
// what is kept there.
package disk

import (
	"errors"
	"io/fs"
	"os"
)

// SyncFolder makes what was created, renamed and removed in dir outlast a crash
// of the machine, where the system can do that.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(ignoreUnsupported(f.Sync()), f.Close())
}

// ignoreUnsupported: not every system syncs folders.
func ignoreUnsupported(err error) error {
	if errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
