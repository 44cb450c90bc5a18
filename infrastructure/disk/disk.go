// Package disk adds to the standard library what durable files need: the space
// that is left on a disk, making a folder's changes durable, and replacing a
// file as a whole. It must not know what the files hold.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// SyncFolder makes the files created, renamed and removed in dir durable: they
// outlast a crash of the machine. On a system that can't do that it does nothing.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(ignoreUnsupported(f.Sync()), f.Close())
}

// ignoreUnsupported returns nil for the errors by which systems refuse to sync
// a folder.
func ignoreUnsupported(err error) error {
	for _, unsupported := range []error{errors.ErrUnsupported, syscall.EINVAL, fs.ErrPermission} {
		if errors.Is(err, unsupported) {
			return nil
		}
	}
	return err
}
