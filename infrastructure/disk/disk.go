// Package disk has functions for durable files: the free space of a disk, making a
// folder's changes durable, and replacing a file as a whole. It must not know the
// content of the files.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// SyncFolder makes creations, renames and removals in dir durable: they outlast a
// crash of the machine. On systems that can't sync folders it does nothing.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(ignoreUnsupported(f.Sync()), f.Close())
}

// ignoreUnsupported returns nil for errors which mean that a system can't sync
// folders.
func ignoreUnsupported(err error) error {
	for _, unsupported := range []error{errors.ErrUnsupported, syscall.EINVAL, fs.ErrPermission} {
		if errors.Is(err, unsupported) {
			return nil
		}
	}
	return err
}
