//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// smallDisk mounts a file system of that size, or skips the test.
func smallDisk(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

func TestDiskFullInTheMiddleOfAnImport(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=12m")
	dir := t.TempDir()
	writeCatalogue(t, filepath.Join(dir, "books.csv"), 40_000)
	environ := []string{"EVENT_BOOKS_APP_DATA_DIR=" + filepath.Join(disk, "data")}
	p := start(t, dir, environ, "import", "books.csv")
	p.eventually("the import waits", func() bool { return strings.Contains(p.log.String(), "does not answer, retrying") })
	assert.Contains(t, p.log.String(), "full")
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=200m"))
	assert.Equal(t, 0, p.wait(), p.log)
	counted := counts(t, p.log.String())
	assert.Equal(t, 40_000, counted["rows"])
	assert.Equal(t, 39_600, counted["created"])
	assert.Equal(t, 39_600, ask(disk, "SELECT COUNT(*) FROM books"))
}

// The catalogue's disk has space; the disk of the rejected rows is full.
func TestDiskFullOfRejectedRows(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=1m")
	dir := t.TempDir()
	writeCatalogue(t, filepath.Join(dir, "books.csv"), 20_000)
	require.NoError(t, os.WriteFile(filepath.Join(disk, "full"), make([]byte, 1<<20-8192), 0o600))
	status, output := finish(t, dir, nil, "import", "books.csv", "--rejected", filepath.Join(disk, "rejected"))
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "rejected rows can't be kept")
	assert.Contains(t, output, "no space left on device")
	assert.Equal(t, 20_000, counts(t, output)["rows"])
	require.NoError(t, os.Remove(filepath.Join(disk, "full")))
	status, output = finish(t, dir, nil, "import", "books.csv", "--rejected", filepath.Join(disk, "rejected"))
	assert.Equal(t, 0, status, output)
	kept, err := os.ReadFile(filepath.Join(disk, "rejected"))
	require.NoError(t, err)
	assert.Equal(t, 200, strings.Count(string(kept), "the book has no title"))
}

func TestReadOnlyDataFolder(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=1m")
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	status, output := finish(t, t.TempDir(), []string{"EVENT_BOOKS_APP_DATA_DIR=" + disk})
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "app.data_dir: this user can't write into the folder "+disk)
}
