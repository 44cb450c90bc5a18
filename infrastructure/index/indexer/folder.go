package indexer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"literank.com/event-books/infrastructure/disk"
)

// folders is the folder of all indexes. Each index has a numbered folder in it, and the file current
// names the one that answers. The others are unfinished or out of date.
type folders struct{ root string }

const (
	currentFile = "current"
	// asideFolder has the last index that was damaged.
	asideFolder = "damaged"
	// requestFile asks for another index; the command index rebuild makes it.
	requestFile = "rebuild"
)

func (f folders) path(name string) string { return filepath.Join(f.root, name) }

// current returns the name of the index that answers, or "".
func (f folders) current() (string, error) {
	text, err := os.ReadFile(f.path(currentFile))
	if err != nil {
		return "", ignoreMissing(err)
	}
	name := strings.TrimSpace(string(text))
	if _, err := strconv.ParseUint(name, 10, 64); err != nil {
		return "", nil // a damaged file is as good as none
	}
	if _, err := os.Stat(f.path(name)); err != nil {
		return "", ignoreMissing(err) // it was set aside, and no other one is complete yet
	}
	return name, nil
}

// ignoreMissing returns nil for the error that a file doesn't exist.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// setCurrent makes another index the one that answers after the next start.
func (f folders) setCurrent(name string) error {
	return disk.Replace(f.path(currentFile), 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, name+"\n")
		return err
	})
}

// unfinished returns the name of the index that was being built, or of a new folder.
func (f folders) unfinished() (string, error) {
	if err := os.MkdirAll(f.root, 0o700); err != nil {
		return "", err
	}
	current, err := f.current()
	if err != nil {
		return "", err
	}
	numbers, err := f.numbers()
	if err != nil {
		return "", err
	}
	highest := uint64(0)
	for _, n := range numbers {
		highest = max(highest, n)
	}
	if name := strconv.FormatUint(highest, 10); highest > 0 && name != current {
		return name, nil
	}
	return strconv.FormatUint(highest+1, 10), nil
}

func (f folders) numbers() (numbers []uint64, err error) {
	entries, err := os.ReadDir(f.root)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if n, err := strconv.ParseUint(entry.Name(), 10, 64); err == nil && entry.IsDir() {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// tidy removes all indexes but the one that answers.
func (f folders) tidy() error {
	current, err := f.current()
	if err != nil {
		return err
	}
	numbers, err := f.numbers()
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range numbers {
		if name := strconv.FormatUint(n, 10); name != current {
			errs = append(errs, os.RemoveAll(f.path(name)))
		}
	}
	return errors.Join(errs...)
}

func (f folders) remove(name string) error { return os.RemoveAll(f.path(name)) }

// takeRequest reports whether another index was asked for, once.
func (f folders) takeRequest() bool { return os.Remove(f.path(requestFile)) == nil }

// forget removes the status, because no index is kept.
func (f folders) forget() error { return ignoreMissing(os.Remove(f.path(statusFile))) }

// setAside keeps a damaged index for those who look for the cause. It replaces the one that was
// set aside before.
func (f folders) setAside(name string) (path string, err error) {
	path = f.path(asideFolder)
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("set the index aside: %w", err)
	}
	err = os.Rename(f.path(name), path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // somebody has deleted it
	}
	if err != nil {
		return "", fmt.Errorf("set the index aside: %w", err)
	}
	return path, nil
}
