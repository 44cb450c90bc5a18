package wal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is the size of a segment that holds few records, in bytes.
const small = 4096

const testTimeout, testPause = 30 * time.Second, time.Millisecond

func openLog(t testing.TB, dir string, options Options) *Log {
	t.Helper()
	if options.Segment == 0 {
		options.Segment = small
	}
	options.noteEvery = time.Hour // a noted tail would count as damage instead of as torn
	l, err := Open(dir, options)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

// data returns the content of record n: its number and size further bytes.
func data(n uint64, size int) []byte {
	b := binary.BigEndian.AppendUint64(nil, n)
	for i := range size {
		b = append(b, byte(n)+byte(i))
	}
	return b
}

// readSome reads n records, counting those reported as damaged, and checks each.
func readSome(t testing.TB, r *Reader, n int) (indexes []uint64, damages []*DamageError) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // don't wait for records
	for got := 0; got < n; {
		record, err := r.Next(ctx)
		var damage *DamageError
		if errors.As(err, &damage) {
			require.LessOrEqual(t, damage.From, damage.To)
			damages = append(damages, damage)
			got += int(damage.To - damage.From + 1)
			continue
		}
		require.NoError(t, err, "record %d of %d", got, n)
		require.GreaterOrEqual(t, len(record.Data), 8)
		written := binary.BigEndian.Uint64(record.Data)
		require.Equal(t, data(written, len(record.Data)-8), record.Data, "record %d is unchanged", record.Index)
		indexes = append(indexes, record.Index)
		got++
	}
	_, err := r.Next(ctx)
	if damage, ok := errors.AsType[*DamageError](err); ok && damage.Reported {
		_, err = r.Next(ctx)
	}
	require.ErrorIs(t, err, context.Canceled, "there is no more")
	return indexes, damages
}

func appendSome(t testing.TB, l *Log, from, to uint64, size int) {
	t.Helper()
	for n := from; n <= to; n++ {
		index, err := l.Append(data(n, size))
		require.NoError(t, err)
		require.Equal(t, n, index)
	}
}

func TestRecordsAreReadInTheirOrder(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 100, 200)
	r := l.NewReader()
	indexes, _ := readSome(t, r, 100)
	assert.EqualValues(t, 1, indexes[0])
	assert.EqualValues(t, 100, indexes[99])
	require.NoError(t, l.Release(40))
	assert.EqualValues(t, 60, l.Stats().Waiting)
	require.NoError(t, l.Close())
	_, err := l.Append([]byte("late"))
	assert.ErrorIs(t, err, ErrClosed)
	_, err = r.Next(t.Context())
	assert.ErrorIs(t, err, ErrClosed)

	l = openLog(t, dir, Options{})
	assert.Empty(t, l.Damages())
	indexes, _ = readSome(t, l.NewReader(), 60)
	assert.EqualValues(t, 41, indexes[0], "released records aren't read again")
	appendSome(t, l, 101, 101, 10)
	require.NoError(t, l.Release(101))
	assert.Zero(t, l.Stats().Waiting)
}

func TestReaderWaits(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	r := l.NewReader()
	got := make(chan Record)
	go func() {
		for range 3 {
			record, err := r.Next(t.Context())
			assert.NoError(t, err)
			got <- record
		}
	}()
	for n := uint64(1); n <= 3; n++ {
		appendSome(t, l, n, n, 1000*int(n))
		assert.Equal(t, n, (<-got).Index)
	}
}

func TestManyWritersShareSyncs(t *testing.T) {
	d := newDisk()
	l := openLog(t, "", Options{files: d, Segment: 1 << 20})
	const writers, each = 50, 40
	var wg sync.WaitGroup
	var mu sync.Mutex
	written := map[uint64]uint64{}
	before := d.syncsSoFar()
	for w := range uint64(writers) {
		wg.Go(func() {
			last := uint64(0)
			for i := range uint64(each) {
				index, err := l.Append(data(w*each+i, 50))
				assert.NoError(t, err)
				assert.Greater(t, index, last, "one writer's records keep their order")
				last = index
				mu.Lock()
				written[index] = w*each + i
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	assert.Len(t, written, writers*each)
	assert.Less(t, d.syncsSoFar()-before, writers*each)
	readSome(t, l.NewReader(), writers*each)
}

func TestFilesAreUsedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	r := l.NewReader()
	for n := uint64(1); n <= 400; n++ {
		appendSome(t, l, n, n, 500)
		readSome(t, r, 1)
		require.NoError(t, l.Release(n))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(files), 5, "%v", files)
}

func TestTooLargeAndEmptyRecords(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	for _, size := range []int{0, small, small - headerSize - recordHeader + 1} {
		_, err := l.Append(make([]byte, size))
		assert.ErrorIs(t, err, ErrTooLarge)
	}
	largest := make([]byte, small-headerSize-recordHeader)
	for range 3 {
		_, err := l.Append(largest)
		assert.NoError(t, err)
	}
}

func TestOneProcessOnly(t *testing.T) {
	dir := t.TempDir()
	openLog(t, dir, Options{})
	_, err := Open(dir, Options{Segment: small})
	assert.ErrorIs(t, err, ErrInUse)
}

// copyLog copies the files of a log, as a crash of the process leaves them.
func copyLog(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(to, "log"), os.DirFS(dir)))
	return filepath.Join(to, "log")
}

func TestTornTailIsCutAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 3, 20)
	name := l.segments[0].name()
	start := l.segments[0].end
	appendSome(t, l, 4, 4, 20)
	end := l.segments[0].end
	whole, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	crashed := copyLog(t, dir)
	for cut := start; cut < end; cut++ {
		for _, filler := range []byte{0, 0xFF} {
			torn := bytes.Clone(whole)
			for i := cut; i < end; i++ {
				torn[i] = filler
			}
			if bytes.Equal(torn, whole) {
				continue
			}
			at := copyLog(t, crashed)
			require.NoError(t, os.WriteFile(filepath.Join(at, name), torn, 0o600))
			l, err := Open(at, Options{Segment: small})
			require.NoError(t, err)
			require.Empty(t, l.Damages())
			indexes, damages := readSome(t, l.NewReader(), 3)
			require.Empty(t, damages, "cut at %d", cut)
			require.Equal(t, []uint64{1, 2, 3}, indexes)
			appendSome(t, l, 4, 5, 20)
			require.NoError(t, l.Close())
			l, err = Open(at, Options{Segment: small})
			require.NoError(t, err)
			readSome(t, l.NewReader(), 5)
			require.NoError(t, l.Close())
		}
	}
}

// A record behind a torn one must not become readable again when a new record
// takes the place of the torn one.
func TestWhatIsCutOffStaysAway(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{Unsynced: true})
	appendSome(t, l, 1, 3, 20)
	name, at := l.segments[0].name(), l.segments[0].end
	appendSome(t, l, 4, 5, 20)
	require.NoError(t, l.Close())
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	text[at+recordHeader] ^= 1
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	l = openLog(t, dir, Options{Unsynced: true})
	readSome(t, l.NewReader(), 3)
	appendSome(t, l, 4, 4, 20)
	require.NoError(t, l.Close())
	l = openLog(t, dir, Options{Unsynced: true})
	readSome(t, l.NewReader(), 4)
}

// accounted checks that each record was either read or reported, exactly once.
func accounted(t testing.TB, indexes []uint64, damages []*DamageError, from, to uint64) {
	t.Helper()
	seen := map[uint64]int{}
	for _, index := range indexes {
		seen[index]++
	}
	for _, damage := range damages {
		for index := damage.From; index <= damage.To; index++ {
			seen[index]++
		}
	}
	for index := from; index <= to; index++ {
		require.Equal(t, 1, seen[index], "record %d: read and reported %d times, damages %v", index, seen[index], damages)
	}
	require.Len(t, seen, int(to-from+1))
}

func TestFlippedBitsAreFoundAndNeverPassedOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 60, 150)
	require.Greater(t, len(l.segments), 2)
	require.NoError(t, l.Close())
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(3, 4))
	reported := 0
	for range 400 {
		at := copyLog(t, dir)
		name := filepath.Base(names[random.IntN(len(names))])
		text, err := os.ReadFile(filepath.Join(at, name))
		require.NoError(t, err)
		place := random.IntN(len(text))
		text[place] ^= 1 << random.IntN(8)
		require.NoError(t, os.WriteFile(filepath.Join(at, name), text, 0o600))
		l, err := Open(at, Options{Segment: small})
		require.NoError(t, err)
		missing := 0
		for _, damage := range l.Damages() {
			missing += int(damage.To - damage.From + 1)
		}
		indexes, damages := readSome(t, l.NewReader(), 60-missing)
		damages = append(damages, l.Damages()...)
		accounted(t, indexes, damages, 1, 60)
		if len(damages) > 0 {
			reported++
		}
		appendSome(t, l, 61, 62, 10)
		require.NoError(t, l.Release(62))
		require.NoError(t, l.Close())
	}
	assert.Greater(t, reported, 200, "most places hold records")
}

func TestMissingSegmentIsReported(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 60, 150)
	segments := len(l.segments)
	require.NoError(t, l.Close())
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	require.NoError(t, err)
	require.Len(t, names, segments)
	for _, name := range names {
		at := copyLog(t, dir)
		require.NoError(t, os.Remove(filepath.Join(at, filepath.Base(name))))
		l, err := Open(at, Options{Segment: small})
		require.NoError(t, err)
		require.Len(t, l.Damages(), 1)
		missing := int(l.Damages()[0].To - l.Damages()[0].From + 1)
		indexes, damages := readSome(t, l.NewReader(), 60-missing)
		accounted(t, indexes, append(damages, l.Damages()...), 1, 60)
		appendSome(t, l, 61, 61, 10)
		require.NoError(t, l.Close())
	}
}

// The log reports lost records at its end, where no later segment helps, even
// after a kill.
func TestMissingEndIsReported(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 60, 150)
	l.notePosition()
	last := l.current()
	for name, spoil := range map[string]func(file string) error{
		"removed": os.Remove,
		"empty":   func(file string) error { return os.Truncate(file, 0) },
		"cut off": func(file string) error { return os.Truncate(file, last.end-1) },
	} {
		t.Run(name, func(t *testing.T) {
			at := copyLog(t, dir)
			require.NoError(t, spoil(filepath.Join(at, last.name())))
			stats, _, err := Inspect(at)
			require.NoError(t, err)
			l := openLog(t, at, Options{})
			require.Len(t, l.Damages(), 1)
			damage := l.Damages()[0]
			assert.EqualValues(t, 60, damage.To)
			missing := damage.To - damage.From + 1
			assert.Equal(t, missing, stats.Missing)
			assert.EqualValues(t, 60-missing, stats.Waiting)
			if name == "empty" {
				assert.ErrorContains(t, damage, last.name()+damagedSuffix)
			}
			indexes, _ := readSome(t, l.NewReader(), 60-int(missing))
			accounted(t, indexes, l.Damages(), 1, 60)

			appendSome(t, l, 61, 61, 10)
			stats, _, err = Inspect(at)
			require.NoError(t, err)
			assert.Equal(t, missing, stats.Missing, "Inspect reports them until they are released")
			l = openLog(t, copyLog(t, at), Options{})
			require.Len(t, l.Damages(), 1)
			indexes, damages := readSome(t, l.NewReader(), 61-int(missing))
			assert.Empty(t, damages, "the other files are intact")
			accounted(t, indexes, l.Damages(), 1, 61)
		})
	}
}

func TestBoundIsHeldAndSpaceIsUsedAgain(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{Max: 4 * small})
	n := uint64(1)
	for ; ; n++ {
		if _, err := l.Append(data(n, 500)); err != nil {
			require.ErrorIs(t, err, ErrFull)
			break
		}
	}
	assert.LessOrEqual(t, l.Stats().Bytes, int64(4*small))
	assert.Greater(t, n, uint64(20))
	_, err := l.Append(data(n, 500))
	require.ErrorIs(t, err, ErrFull, "again")
	r := l.NewReader()
	readSome(t, r, int(n-1))
	require.NoError(t, l.Release(n/2))
	require.Eventually(t, func() bool { _, err := l.Append(data(n, 500)); return err == nil }, testTimeout, testPause)
	readSome(t, r, 1)
}

func TestDiskFullAndSpaceAgain(t *testing.T) {
	d := newDisk()
	d.space = 5*small + 2000
	l := openLog(t, "", Options{files: d})
	n := uint64(1)
	for ; ; n++ {
		if _, err := l.Append(data(n, 500)); err != nil {
			require.ErrorIs(t, err, ErrFull)
			require.ErrorIs(t, err, errNoSpace)
			break
		}
	}
	d.mu.Lock()
	d.space = 0
	d.mu.Unlock()
	require.Eventually(t, func() bool { _, err := l.Append(data(n, 500)); return err == nil }, testTimeout, testPause)
	readSome(t, l.NewReader(), int(n))
	require.NoError(t, l.Close())
	l = openLog(t, "", Options{files: d})
	readSome(t, l.NewReader(), int(n))
}

// After a failed sync, a later sync of the same file may succeed although the
// data was never written (known as fsyncgate).
func TestFailedSyncIsNeverTriedOnTheSameFile(t *testing.T) {
	d := newDisk()
	l := openLog(t, "", Options{files: d})
	appendSome(t, l, 1, 2, 100)
	var failed string
	failures := errors.New("input/output error")
	d.failSyncs(func(name string) error {
		if failed == "" || name == failed {
			failed = name
			return failures
		}
		return nil
	})
	_, err := l.Append(data(99, 100))
	require.ErrorIs(t, err, failures)
	appendSome(t, l, 3, 5, 100)
	assert.NotEqual(t, failed, l.current().name())
	indexes, damages := readSome(t, l.NewReader(), 5)
	assert.Empty(t, damages)
	assert.Equal(t, []uint64{1, 2, 3, 4, 5}, indexes)

	d.crash(rand.New(rand.NewPCG(5, 6)))
	d.failSyncs(nil)
	after := openLog(t, "", Options{files: d})
	indexes, damages = readSome(t, after.NewReader(), 5)
	assert.Empty(t, append(damages, after.Damages()...))
	assert.Equal(t, []uint64{1, 2, 3, 4, 5}, indexes)
}

func TestFailedWriteLeavesTheFile(t *testing.T) {
	d := newDisk()
	l := openLog(t, "", Options{files: d})
	appendSome(t, l, 1, 2, 100)
	name := l.current().name()
	d.failWrites(func(to string) error {
		if to == name {
			return errors.New("input/output error")
		}
		return nil
	})
	_, err := l.Append(data(99, 100))
	require.Error(t, err)
	appendSome(t, l, 3, 4, 100)
	readSome(t, l.NewReader(), 4)
}

// Records that were read after a restart survive a crash of the machine, even if
// the process before hadn't synced them.
func TestWhatIsRecoveredStays(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, d *memoryDisk) (records int){
		"a sync has failed": func(t *testing.T, d *memoryDisk) int {
			l := openLog(t, "", Options{files: d})
			appendSome(t, l, 1, 2, 1000)
			d.failSyncs(func(string) error { return errors.New("input/output error") })
			_, err := l.Append(data(3, 1000))
			require.Error(t, err)
			d.failSyncs(nil)
			return 3
		},
		"unsynced": func(t *testing.T, d *memoryDisk) int {
			appendSome(t, openLog(t, "", Options{files: d, Unsynced: true}), 1, 12, 1000)
			return 12
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				d := newDisk()
				records := before(t, d)
				again := openLog(t, "", Options{files: d})
				again.notePosition()
				d.crash(rand.New(rand.NewPCG(seed, 8)))
				after := openLog(t, "", Options{files: d})
				require.Empty(t, after.Damages(), "seed %d", seed)
				_, damages := readSome(t, after.NewReader(), records)
				require.Empty(t, damages, "seed %d", seed)
			}
		})
	}
}

// TestPowerLoss crashes the machine repeatedly, at random moments, while records
// are appended, read and released.
func TestPowerLoss(t *testing.T) {
	t.Run("fsync loses nothing", func(t *testing.T) {
		lost, crashes := powerLosses(t, false)
		assert.Zero(t, lost, "records lost in %d crashes", crashes)
	})
	t.Run("unsynced loses", func(t *testing.T) {
		lost, _ := powerLosses(t, true)
		assert.Positive(t, lost, "otherwise this test couldn't detect a loss")
	})
}

func powerLosses(t *testing.T, unsynced bool) (lost, crashes int) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		d := newDisk()
		acknowledged := map[uint64]uint64{} // number → index of unreleased records
		number := uint64(0)
		for range 6 {
			options := Options{files: d, Segment: small, Unsynced: unsynced, noteEvery: 20 * time.Microsecond}
			l, err := Open("", options)
			require.NoError(t, err, "seed %d", seed)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			r := l.NewReader()
			seen := map[uint64]bool{}
			for {
				record, err := r.Next(ctx)
				var damage *DamageError
				if errors.As(err, &damage) {
					if !unsynced {
						t.Fatalf("seed %d: %v", seed, err)
					}
					continue
				}
				if err != nil {
					break
				}
				seen[binary.BigEndian.Uint64(record.Data)] = true
			}
			for n := range acknowledged {
				if !seen[n] {
					lost++
					delete(acknowledged, n)
				}
			}
			if !unsynced {
				require.Empty(t, l.Damages(), "seed %d", seed)
			}

			var writers sync.WaitGroup
			var mu sync.Mutex
			down := atomic.Bool{}
			released := uint64(0)
			for range 3 {
				size := random.IntN(700)
				writers.Go(func() {
					for range 12 {
						mu.Lock()
						number++
						n := number
						mu.Unlock()
						index, err := l.Append(data(n, size))
						if err != nil || down.Load() {
							return // the power failed before Append returned
						}
						mu.Lock()
						if index > released {
							acknowledged[n] = index
						}
						mu.Unlock()
					}
				})
			}
			if random.IntN(2) == 0 {
				writers.Wait()
			}
			if stats := l.Stats(); random.IntN(2) == 0 && stats.Last > 0 {
				mu.Lock()
				released = random.Uint64N(stats.Last + 1)
				require.NoError(t, l.Release(released))
				for n, index := range acknowledged {
					if index <= released {
						delete(acknowledged, n)
					}
				}
				mu.Unlock()
			}
			// The power fails: from here on nothing reaches the disk.
			d.mu.Lock()
			down.Store(true)
			gone := errors.New("no power")
			d.failSync = func(string) error { return gone }
			d.failWrite = func(string) error { return gone }
			d.mu.Unlock()
			writers.Wait()
			_ = l.Close()
			d.crash(random)
			d.failSync, d.failWrite = nil, nil
			crashes++
		}
	}
	return lost, crashes
}

// Segments of earlier versions have this format. It may change only together
// with its version number.
func TestFormat(t *testing.T) {
	h := header{number: 0x1122, firstIndex: 0x3344, salt: 0x5566778899AABBCC, before: 0x1234}
	text := appendRecord(h.encode(), h.salt, 0x3344, 0x3343, []byte("two "), []byte("parts"))
	golden := filepath.Join("testdata", "segment.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(golden, text, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, want, text)
	read, err := decodeHeader(want)
	require.NoError(t, err)
	assert.Equal(t, h, read)
	record, length, ok := decodeRecord(want[headerSize:], h.salt)
	require.True(t, ok)
	assert.Equal(t, len(want)-headerSize, length)
	assert.Equal(t, recordAt{0x3344, 0x3343, []byte("two parts")}, record)
	_, _, ok = decodeRecord(want[headerSize:], h.salt+1)
	assert.False(t, ok, "a record of the file's earlier use")
}

func TestRecordsHaveTheOrderInWhichTheyWereStarted(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	var started []Pending
	for n := range uint64(50) {
		pending, err := l.Start(data(n, 0)[:3], data(n, 100)[3:])
		require.NoError(t, err)
		started = append(started, pending)
	}
	for n, pending := range started {
		index, err := pending.Wait()
		require.NoError(t, err)
		require.EqualValues(t, n+1, index)
	}
	readSome(t, l.NewReader(), 50)
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	name := l.segments[0].name()
	require.NoError(t, l.Close())
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	h := l.segments[0].header.encode()
	h[5] = version + 1
	binary.BigEndian.PutUint32(h[60:], crc32.Checksum(h[:60], castagnoli))
	copy(text, h)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	_, err = Open(dir, Options{Segment: small})
	assert.ErrorContains(t, err, "version 2 of the format, this program knows 1")
}

func FuzzOpen(f *testing.F) {
	h := header{number: 1, firstIndex: 1, salt: 7}
	f.Add(appendRecord(h.encode(), 7, 1, 0, []byte("data")), []byte("position"))
	f.Fuzz(func(t *testing.T, segment, position []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, h.name()), segment, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, positionName), position, 0o600))
		l, err := Open(dir, Options{Segment: small})
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := l.NewReader()
		for {
			if _, err := r.Next(ctx); errors.Is(err, context.Canceled) {
				break
			}
		}
		if _, err := l.Append([]byte("more")); err != nil {
			t.Error(err)
		}
		require.NoError(t, l.Close())
	})
}

func Example() {
	dir, _ := os.MkdirTemp("", "log-")
	defer os.RemoveAll(dir)
	l, err := Open(dir, Options{})
	if err != nil {
		panic(err)
	}
	defer l.Close()
	_, _ = l.Append([]byte("one"))
	record, _ := l.NewReader().Next(context.Background())
	fmt.Println(record.Index, string(record.Data))
	// Output: 1 one
}

// A segment that is released while the next one begins must not take the name
// of the spare file from it.
func TestSegmentsAreReleasedWhileOthersBegin(t *testing.T) {
	t.Parallel()
	l, err := Open(t.TempDir(), Options{Segment: 4096, Unsynced: true})
	require.NoError(t, err)
	defer l.Close()
	const records = 20_000
	var reading sync.WaitGroup
	reading.Go(func() {
		r := l.NewReader()
		for i := range uint64(records) {
			record, err := r.Next(t.Context())
			if !assert.NoError(t, err) {
				return
			}
			assert.Equal(t, i+1, record.Index)
			assert.NoError(t, l.Release(record.Index))
		}
	})
	for range records {
		_, err := l.Append(make([]byte, 500))
		require.NoError(t, err)
	}
	reading.Wait()
}
