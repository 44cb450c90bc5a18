package disk

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes a file as a whole: after any failure or crash, the file name has
// either the old content or the new content, never a part. The content is durable
// when Replace returns nil.
//
// An existing file keeps its permissions and a link stays a link. A new file
// gets mode, before the umask. Until write returns, the content is in a file
// beside name that ends in .part; Replace removes it after a failure. Several
// processes may replace one file at once: the last one wins. A device or a pipe isn't replaced;
// write writes to it.
func Replace(name string, mode os.FileMode, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return writeInto(name, write)
	}
	part := fmt.Sprintf("%s.%s.part", name, rand.Text()[:8])
	if err := writeDurably(part, name, mode, write); err != nil {
		return err
	}
	if err := os.Rename(part, name); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return SyncFolder(filepath.Dir(name))
}

// writeInto writes to a device or a pipe, which can't be replaced.
func writeInto(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// ReplaceJSON replaces a file by value as indented JSON, as Replace does. Only the owner may
// read a new file.
func ReplaceJSON(name string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return Replace(name, 0o600, func(w io.Writer) error {
		_, err := w.Write(append(content, '\n'))
		return err
	})
}

// writeDurably makes the file part with the permissions of the file name, or
// with mode if name doesn't exist. It leaves no file when it fails.
func writeDurably(part, name string, mode os.FileMode, write func(io.Writer) error) error {
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: "create", Path: name, Err: failed.Err} // part is a name that nobody chose
	}
	if err != nil {
		return err
	}
	if before, statErr := os.Stat(name); statErr == nil {
		err = f.Chmod(before.Mode().Perm())
	}
	if err == nil {
		err = write(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}
