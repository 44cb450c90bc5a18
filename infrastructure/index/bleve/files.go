package bleve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"literank.com/event-books/infrastructure/index"
)

// format is the version of what the index stores. It changes whenever the same book would get
// other terms or values, so that an older index is built again. TestFormat notices that.
const format = "2"

const (
	formatFile = "format"    // has the format
	rootFile   = "root.bolt" // Bleve's list of segments
)

// check reads all files of an index, compares their checksums, and puts damaged ones aside. It writes the format into
// a new folder. existed says that it isn't new.
func check(folder string) (existed bool, err error) {
	_, missing := os.Stat(filepath.Join(folder, rootFile))
	existed = missing == nil
	stored, err := os.ReadFile(filepath.Join(folder, formatFile))
	switch {
	case errors.Is(err, fs.ErrNotExist) && existed:
		return existed, fmt.Errorf("%w: it has no file %s", index.ErrDamaged, formatFile)
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return existed, err
		}
		return existed, os.WriteFile(filepath.Join(folder, formatFile), []byte(format), 0o600)
	case err != nil:
		return existed, err
	case string(stored) != format:
		return existed, fmt.Errorf("%w: %.20q", index.ErrFormat, stored)
	}
	segments, err := filepath.Glob(filepath.Join(folder, "*.zap"))
	if err != nil {
		return existed, err
	}
	for _, segment := range segments {
		err := checkSum(segment)
		if errors.Is(err, index.ErrDamaged) {
			// A crash leaves files that belong to nothing yet. If this one belongs to the index,
			// Bleve doesn't find it, and ignores the state that needs it.
			err = os.Rename(segment, segment+".damaged")
		}
		if err != nil {
			return existed, err
		}
	}
	return existed, nil
}

// checkSum compares the CRC-32 (IEEE) at the end of a segment's file with its content.
func checkSum(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	sum, content := crc32.NewIEEE(), max(0, info.Size()-crc32.Size)
	if _, err := io.CopyN(sum, f, content); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	var stored [crc32.Size]byte
	if _, err := io.ReadFull(f, stored[:]); err != nil || binary.BigEndian.Uint32(stored[:]) != sum.Sum32() {
		return fmt.Errorf("%w: the checksum of %s is wrong", index.ErrDamaged, file)
	}
	return nil
}

// deaths counts how often a process died while it opened the index in a folder, and while it
// merged segments, since it last succeeded. It counts in files, before the work begins.
type deaths struct{ folder string }

const (
	opening = "opening"
	merging = "merging"
	// deadly is the number of deaths after which an index is not opened any more.
	deadly = 2
)

// check fails if the process would probably die again.
func (d deaths) check() error {
	for _, work := range []string{opening, merging} {
		if n := d.count(work); n >= deadly {
			return fmt.Errorf("%w: the program died %d times while %s it", index.ErrDamaged, n, work)
		}
	}
	return nil
}

func (d deaths) count(work string) int {
	text, err := os.ReadFile(filepath.Join(d.folder, work))
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(string(text)) // a cut off number counts as none
	return n
}

// enter counts a death in advance. Errors don't matter: at worst, one isn't counted.
func (d deaths) enter(work string) {
	_ = os.WriteFile(filepath.Join(d.folder, work), strconv.AppendInt(nil, int64(d.count(work)+1), 10), 0o600)
}

// leave says that the work has ended.
func (d deaths) leave(work string) { _ = os.Remove(filepath.Join(d.folder, work)) }
