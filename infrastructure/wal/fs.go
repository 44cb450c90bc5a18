package wal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"literank.com/event-books/infrastructure/disk"
)

// fileSystem is the part of a folder's file system that the log uses. Tests
// replace it by one that forgets unsynced changes.
type fileSystem interface {
	// open opens a file for reading and writing. With create it makes the file
	// and fails if the file exists.
	open(name string, create bool) (file, error)
	rename(from, to string) error
	remove(name string) error
	// list returns the names of all files in the folder.
	list() ([]string, error)
	// syncFolder makes all creations, renames and removals durable: they outlast a
	// crash of the machine.
	syncFolder() error
}

type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// sync makes all writes to the file durable.
	sync() error
	size() (int64, error)
}

// errDeleted: a file was deleted while it was open. What is written to it can't be found
// afterwards.
var errDeleted = errors.New("the file was deleted")

// folder is a real folder.
type folder string

func (f folder) open(name string, create bool) (file, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	opened, err := os.OpenFile(filepath.Join(string(f), name), flags, 0o600)
	if create && errors.Is(err, fs.ErrNotExist) { // the folder was deleted
		if err := os.MkdirAll(string(f), 0o700); err != nil {
			return nil, err
		}
		opened, err = os.OpenFile(filepath.Join(string(f), name), flags, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return osFile{opened}, nil
}

func (f folder) rename(from, to string) error {
	return os.Rename(filepath.Join(string(f), from), filepath.Join(string(f), to))
}

func (f folder) remove(name string) error { return os.Remove(filepath.Join(string(f), name)) }

func (f folder) list() (names []string, err error) {
	entries, err := os.ReadDir(string(f))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}

func (f folder) syncFolder() error { return disk.SyncFolder(string(f)) }

// readOnly is a folder whose files are opened for reading only. Renames and
// removals do nothing.
type readOnly struct{ folder }

func (f readOnly) open(name string, create bool) (file, error) {
	if create {
		return nil, os.ErrNotExist
	}
	opened, err := os.Open(filepath.Join(string(f.folder), name))
	if err != nil {
		return nil, err
	}
	return osFile{opened}, nil
}

func (readOnly) rename(string, string) error { return nil }
func (readOnly) remove(string) error         { return nil }

type osFile struct{ *os.File }

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
