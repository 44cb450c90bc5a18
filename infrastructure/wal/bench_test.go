package wal

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkAppend compares 64 writers of records of 2.1 kB with the best that the
// disk can do: the same groups of bytes, written to a file of zeros and synced.
// Rounds of both alternate, because the machine's speed varies. The median of
// their ratios counts.
func BenchmarkAppend(b *testing.B) {
	const writers, each, rounds, size = 64, 200, 40, 2100
	for b.Loop() {
		dir := b.TempDir()
		var ours, bare time.Duration
		var ratios []float64
		groups := &groupSizes{}
		for round := range rounds {
			counted := &countingFolder{folder: folder(filepath.Join(dir, "log")), groups: groups}
			require.NoError(b, os.MkdirAll(string(counted.folder), 0o700))
			l, err := Open("", Options{files: counted})
			require.NoError(b, err)
			l.mu.Lock()
			for l.spare.file == nil { // don't measure the writing of the spare
				l.ready.Wait()
			}
			l.mu.Unlock()
			groups.reset()
			begun := time.Now()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					record := make([]byte, size)
					for range each {
						if _, err := l.Append(record); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			took := time.Since(begun)
			require.NoError(b, l.Close())
			require.NoError(b, os.RemoveAll(string(counted.folder)))
			written := writeBare(b, filepath.Join(dir, "bare"), groups.sizes)
			if round > 0 { // the first round warms up
				ours, bare = ours+took, bare+written
				ratios = append(ratios, written.Seconds()/took.Seconds())
			}
		}
		n := float64(writers * each * (rounds - 1))
		b.ReportMetric(n/ours.Seconds(), "append/s")
		b.ReportMetric(n/bare.Seconds(), "bare/s")
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "append/bare")
		b.ReportMetric(float64(len(groups.sizes))/float64(writers*each), "syncs/record")
		b.ReportMetric(0, "ns/op")
	}
	b.ReportMetric(float64(runtime.NumCPU()), "cores")
}

// writeBare writes the groups to a file of zeros and syncs each.
func writeBare(b *testing.B, path string, sizes []int) time.Duration {
	f, err := os.Create(path)
	require.NoError(b, err)
	defer os.Remove(path)
	defer f.Close()
	total := 0
	for _, size := range sizes {
		total += size
	}
	_, err = f.WriteAt(make([]byte, total), 0)
	require.NoError(b, err)
	require.NoError(b, f.Sync())
	bare, at := osFile{f}, int64(0)
	text := make([]byte, total)
	begun := time.Now()
	for _, size := range sizes {
		if _, err := bare.WriteAt(text[:size], at); err != nil {
			b.Fatal(err)
		}
		if err := bare.sync(); err != nil {
			b.Fatal(err)
		}
		at += int64(size)
	}
	return time.Since(begun)
}

// countingFolder records the size of each group that is written.
type countingFolder struct {
	folder
	groups *groupSizes
}

type groupSizes struct {
	mu    sync.Mutex
	sizes []int
}

func (g *groupSizes) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sizes = nil
}

func (f *countingFolder) open(name string, create bool) (file, error) {
	opened, err := f.folder.open(name, create)
	if err != nil {
		return nil, err
	}
	return &countingFile{opened, f.groups}, nil
}

type countingFile struct {
	file
	groups *groupSizes
}

func (f *countingFile) WriteAt(p []byte, at int64) (int, error) {
	if len(p) < 1<<20 { // larger writes make the spare
		f.groups.mu.Lock()
		f.groups.sizes = append(f.groups.sizes, len(p))
		f.groups.mu.Unlock()
	}
	return f.file.WriteAt(p, at)
}
