package wal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An unreadable sector costs only the records in that sector.
func TestUnreadableSectorCostsOnlyItself(t *testing.T) {
	d := &badSector{memoryDisk: newDisk()}
	l, err := Open("", Options{Segment: small, files: d})
	require.NoError(t, err)
	defer l.Close()
	appendSome(t, l, 1, 20, 500)
	d.at = 1024
	d.name = header{number: 1}.name()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := l.NewReader()
	var last uint64
	for range 100 {
		record, err := r.Next(ctx)
		if errors.Is(err, context.Canceled) {
			break
		}
		if err == nil {
			last = record.Index
		}
	}
	assert.EqualValues(t, 20, last, "the reader gets past the bad sector")
}

type badSector struct {
	*memoryDisk
	name string
	at   int64
}

func (b *badSector) open(name string, create bool) (file, error) {
	f, err := b.memoryDisk.open(name, create)
	if err != nil {
		return nil, err
	}
	return &badFile{f.(*diskFile), b}, nil
}

type badFile struct {
	*diskFile
	of *badSector
}

func (f *badFile) ReadAt(p []byte, at int64) (int, error) {
	if f.of.at > 0 && f.node.name == f.of.name && at <= f.of.at && f.of.at < at+int64(len(p)) {
		return 0, errors.New("input/output error")
	}
	return f.diskFile.ReadAt(p, at)
}

// The log reports lost records even if the damage is in the header of the last
// segment, after a kill.
func TestDamagedHeaderOfTheLastSegmentIsReported(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 10, 100)
	require.NoError(t, os.CopyFS(copied+"/c", os.DirFS(dir))) // the state after kill -9
	files, err := filepath.Glob(copied + "/c/*.wal")
	require.NoError(t, err)
	require.Len(t, files, 1)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	content[30] ^= 1
	require.NoError(t, os.WriteFile(files[0], content, 0o600))
	again := openLog(t, copied+"/c", Options{})
	assert.NotEmpty(t, again.Damages(), "the log must report the ten records that it set aside")
}

// Damaged files are kept, even after several restarts.
func TestDamagedFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		l, err := Open(dir, Options{Segment: small})
		require.NoError(t, err)
		_, err = l.Append(data(1, 100))
		require.NoError(t, err)
		require.NoError(t, l.Close())
		files, err := filepath.Glob(dir + "/*.wal")
		require.NoError(t, err)
		require.Len(t, files, 1)
		content, err := os.ReadFile(files[0])
		require.NoError(t, err)
		for i := range headerSize + 16 {
			if i < headerSize || i >= headerSize+8 { // damage the header and the first index; keep the length and the checksum between them
				content[i] = 1
			}
		}
		require.NoError(t, os.WriteFile(files[0], content, 0o600))
	}
	l := openLog(t, dir, Options{})
	damaged, err := filepath.Glob(dir + "/*" + damagedSuffix)
	require.NoError(t, err)
	assert.Len(t, damaged, 3)
	index, err := l.Append(data(1, 100))
	require.NoError(t, err)
	assert.Less(t, index, uint64(1000), "the log must not trust an index without a valid checksum")
}

// The machine crashes when a released file already has the header of the next
// segment, but still its old name.
func TestFileWithItsOldName(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{Segment: small})
	require.NoError(t, err)
	appendSome(t, l, 1, 10, 1000)
	readSome(t, l.NewReader(), 10)
	require.NoError(t, l.Release(5))
	last := l.current()
	next := header{number: last.number + 1, firstIndex: l.next, salt: 1, before: last.end}
	require.NoError(t, l.Close())

	old := filepath.Join(dir, header{number: 1}.name())
	require.NoFileExists(t, old, "it was released")
	require.NoError(t, os.WriteFile(old, append(next.encode(), make([]byte, small-headerSize)...), 0o600))
	again := openLog(t, dir, Options{})
	assert.NoFileExists(t, old)
	assert.Empty(t, again.Damages())
	appendSome(t, again, 11, 20, 1000)
	_, damages := readSome(t, again.NewReader(), 15)
	assert.Empty(t, damages)
}

// A release that failed can be repeated, and the log takes records again.
func TestFailedReleaseIsTriedAgain(t *testing.T) {
	d := newDisk()
	l, err := Open("", Options{Segment: small, Max: 3 * small, files: d})
	require.NoError(t, err)
	defer l.Close()
	n := uint64(0)
	for {
		if _, err := l.Append(data(n+1, 1000)); err != nil {
			require.ErrorIs(t, err, ErrFull)
			break
		}
		n++
	}
	readSome(t, l.NewReader(), int(n))
	d.failWrites(onlyPosition)
	require.Error(t, l.Release(n))
	d.failWrites(nil)
	assert.NoError(t, l.Release(n), "the caller may retry")
	for range 5 {
		_, err = l.Append(data(n+1, 1000))
	}
	assert.NoError(t, err, "the disk works again, so the log must take records again")
}

// When a failing disk works again, the log takes records again, even if it holds
// no unreleased ones.
func TestFailedSegmentsAreFreed(t *testing.T) {
	d := newDisk()
	l, err := Open("", Options{Segment: small, Max: 10 * small, files: d})
	require.NoError(t, err)
	defer l.Close()
	appendSome(t, l, 1, 1, 100)
	readSome(t, l.NewReader(), 1)
	require.NoError(t, l.Release(1))
	d.failWrites(func(name string) error { // like a full compressing or copy-on-write file system: it takes zeros, but no records
		if strings.HasSuffix(name, segmentName) {
			return errNoSpace
		}
		return nil
	})
	for range 20 {
		_, err := l.Append(data(2, 100))
		require.Error(t, err)
	}
	d.failWrites(nil)
	assert.Zero(t, l.Stats().Waiting)
	for range 5 {
		_, err = l.Append(data(2, 100))
	}
	assert.NoError(t, err, "the disk works again, so the log must take records again")
}

// folderFault is a disk whose folder sometimes can't be synced, for example
// because the process has no free file descriptor (syncFolder opens the folder).
type folderFault struct {
	*memoryDisk
	fail error
}

func (f *folderFault) syncFolder() error {
	if f.fail != nil {
		return f.fail
	}
	return f.memoryDisk.syncFolder()
}

// A rotation that fails after the rename leaves a segment whose header says where
// the segment before ends. If the log then appended to the segment before, those
// acknowledged records would be lost after a kill.
func TestSegmentThatWasNotBegunHidesNoRecords(t *testing.T) {
	d := &folderFault{memoryDisk: newDisk()}
	open := func() *Log {
		l, err := Open("", Options{Segment: small, files: d})
		require.NoError(t, err)
		return l
	}
	l := open()
	appendSome(t, l, 1, 3, 1000)
	d.fail = errors.New("too many open files")
	_, err := l.Append(data(4, 1500)) // needs a new segment
	require.Error(t, err)
	_, err = l.Append(data(4, 100)) // would fit into the old one
	require.Error(t, err)
	d.fail = nil
	index, err := l.Append(data(4, 100))
	require.NoError(t, err, "acknowledged")
	require.EqualValues(t, 4, index)
	// kill -9: nothing is closed, and the disk loses nothing
	again := open()
	assert.Empty(t, again.Damages())
	var read []uint64
	for r := again.NewReader(); ; {
		record, ok, err := r.TryNext()
		require.NoError(t, err)
		if !ok {
			break
		}
		read = append(read, record.Index)
	}
	assert.Equal(t, []uint64{1, 2, 3, 4}, read, "an acknowledged record is lost without a report")
}

// The log reports records missing at its end once; then they can be released.
func TestMissingRecordsAtTheEndAreReleased(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 10, 100)
	require.NoError(t, l.Close())
	files, _ := filepath.Glob(dir + "/*.wal")
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	content[30] ^= 1
	require.NoError(t, os.WriteFile(files[0], content, 0o600))
	l = openLog(t, dir, Options{})
	require.Len(t, l.Damages(), 1)
	r := l.NewReader()
	_, _, err = r.TryNext()
	var damage *DamageError
	require.ErrorAs(t, err, &damage)
	require.True(t, damage.Reported)
	require.NoError(t, l.Release(damage.To))
	_, ok, err := r.TryNext()
	require.NoError(t, err)
	require.False(t, ok)
	assert.Zero(t, l.Stats().Waiting, "missing records must not keep the log from becoming empty")
}
