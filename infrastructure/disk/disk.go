// Package disk is what the standard library doesn't say about disks: how much
// space is left on one, and that a folder's changes are on it. It must not know
// what is kept there.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
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

// ignoreUnsupported: not every system syncs folders. They say so in several ways.
func ignoreUnsupported(err error) error {
	for _, unsupported := range []error{errors.ErrUnsupported, syscall.EINVAL, fs.ErrPermission} {
		if errors.Is(err, unsupported) {
			return nil
		}
	}
	return err
}
