package catalog

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/gofrs/flock"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

const (
	rejectedSuffix = ".rejected"
	partSuffix     = ".part"
)

// The columns that a file of rejected rows begins with.
const (
	lineColumn   = "rejected_line"
	reasonColumn = "rejected_reason"
	codeColumn   = "rejected_code"
)

var rejectedColumns = []string{lineColumn, reasonColumn, codeColumn}

// rejectedFormat writes rejected rows in the format of the file that they come
// from, so that they can be corrected there and imported.
type rejectedFormat struct {
	head, tail []byte
	row        func(*model.RowError) []byte
	// frozenRow, if not nil, writes a row into a file that was begun before rows
	// had codes and has a head without a column for them.
	frozenRow func(*model.RowError) []byte
}

// rejectedRows implements gateway.RejectedRows. Until the import is finished
// the file's name ends in .part. An older file of the same name is kept with the
// ending .bak.
type rejectedRows struct {
	path string
	part string
	lock *flock.Flock
	from *File
	out  *os.File
	size int64
	// frozen is set if an import that knew no codes began the file.
	frozen bool

	finished bool
}

func (f *File) RejectedPath() string {
	return strings.TrimSuffix(f.path, rejectedSuffix) + rejectedSuffix
}

func (f *File) KeepRejected(path, job string) (rows gateway.RejectedRows, alone bool) {
	sum := sha256.Sum256([]byte(job))
	part := fmt.Sprintf("%s.%x%s", path, sum[:4], partSuffix)
	r := &rejectedRows{path: path, part: part, lock: flock.New(part + ".lock"), from: f}
	if held, err := r.lock.TryLock(); err == nil && !held {
		r.part = fmt.Sprintf("%s.%d%s", path, os.Getpid(), partSuffix)
		r.lock = nil
		return r, false
	}
	return r, true // if the lock file can't be made, Keep fails too and reports why
}

func (r *rejectedRows) Path() string {
	if !r.finished {
		return ""
	}
	return r.path
}

func (r *rejectedRows) Source() string {
	source := r.from.source
	// The header of an ONIX message, which the rejected rows repeat, names the
	// sender.
	fromHeader := strings.HasPrefix(r.from.format, "ONIX") && strings.TrimSpace(r.from.options.Source) == ""
	if source == fileSource(r.path) || fromHeader {
		return ""
	}
	return source
}

func (r *rejectedRows) Resume(size int64) (ok bool, err error) {
	if r.out != nil {
		_ = r.out.Close()
		r.out = nil
	}
	r.size, r.frozen = size, false
	if size == 0 {
		if err := os.Remove(r.part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, r.failed(err)
		}
		return true, nil
	}
	info, err := os.Stat(r.part)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() < size {
		return false, nil
	}
	if err != nil {
		return false, r.failed(err)
	}
	if err := os.Truncate(r.part, size); err != nil {
		return false, r.failed(err)
	}
	if r.frozen, err = r.beganWithoutCodes(); err != nil {
		return false, r.failed(err)
	}
	return true, nil
}

func (r *rejectedRows) beganWithoutCodes() (bool, error) {
	format := r.from.rows.rejected()
	if format.frozenRow == nil {
		return false, nil
	}
	part, err := os.Open(r.part)
	if err != nil {
		return false, err
	}
	defer part.Close()
	head := make([]byte, len(format.head))
	if _, err := io.ReadFull(part, head); err != nil && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return !bytes.Equal(head, format.head), nil
}

func (r *rejectedRows) Keep(row *model.RowError) error {
	format := r.from.rows.rejected()
	write := format.row
	if r.frozen {
		write = format.frozenRow
	}
	text := write(row)
	if r.out == nil {
		out, err := os.OpenFile(r.part, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return r.failed(err)
		}
		r.out = out
	}
	if r.size == 0 {
		text = append(format.head, text...)
	}
	n, err := r.out.Write(text)
	r.size += int64(n)
	if err != nil {
		return r.failed(err)
	}
	return nil
}

func (r *rejectedRows) Sync() (size int64, err error) {
	if r.out == nil {
		return r.size, nil
	}
	if err := r.out.Sync(); err != nil {
		return 0, r.failed(err)
	}
	return r.size, nil
}

// Finish gives the file its name, if it has any rows. If the imported file itself
// has this name and could not be read to its end, it stays, and the new file's
// name ends in .more.
func (r *rejectedRows) Finish(complete bool) error {
	if r.size == 0 {
		return nil
	}
	if r.out == nil { // an interrupted import has kept all rows
		out, err := os.OpenFile(r.part, os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return r.failed(err)
		}
		r.out = out
	}
	_, err := r.out.Write(r.from.rows.rejected().tail)
	err = errors.Join(err, r.out.Sync(), r.out.Close())
	r.out = nil
	if err != nil {
		return r.failed(err)
	}
	if !complete && r.from.path == r.path {
		r.path += ".more"
	}
	if err := r.backUp(); err != nil {
		return r.failed(err)
	}
	if err := os.Rename(r.part, r.path); err != nil {
		return r.failed(err)
	}
	r.finished = true
	return nil
}

// backUp renames an older file, which somebody may be correcting, unless it has
// the same content.
func (r *rejectedRows) backUp() error {
	before, err := os.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer before.Close()
	now, err := os.Open(r.part)
	if err != nil {
		return err
	}
	defer now.Close()
	if same, err := sameContent(before, now); same || err != nil {
		return err
	}
	return os.Rename(r.path, r.path+".bak")
}

func sameContent(a, b io.Reader) (bool, error) {
	left, right := make([]byte, bufferSize), make([]byte, bufferSize)
	for {
		n, errA := io.ReadFull(a, left)
		m, errB := io.ReadFull(b, right)
		if !bytes.Equal(left[:n], right[:m]) {
			return false, nil
		}
		for _, err := range []error{errA, errB} {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return true, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
}

// Close releases the lock. It leaves the rows of an interrupted import for the
// next one.
func (r *rejectedRows) Close() error {
	var err error
	if r.out != nil {
		err = r.out.Close()
		r.out = nil
	}
	if r.lock == nil {
		if removed := os.Remove(r.part); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		return err
	}
	if r.lock.Locked() {
		_ = os.Remove(r.lock.Path())
	}
	return errors.Join(err, r.lock.Close())
}

func (r *rejectedRows) failed(err error) error {
	return fmt.Errorf("rejected rows can't be kept in %s (name another file with --rejected): %w", r.path, withoutPath(err))
}
