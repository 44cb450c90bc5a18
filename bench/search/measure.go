//go:build unix

package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is what was measured of an index.
type outcome struct {
	perSecond float64 // books indexed
	memory    int64   // anonymous memory that the index added, in bytes
	disk      int64   // bytes
	parts     int     // segments
	times     map[string]times
}

// times are those of the queries of a set.
type times struct{ p99, mean time.Duration }

// measure runs all sets. search runs one query.
func (b *bench) measure(ctx context.Context, sets []*set, search func(ctx context.Context, k kind, query string) error) (map[string]times, error) {
	all := map[string][]times{}
	for run := range b.runs {
		for _, s := range sets {
			random := rand.New(rand.NewPCG(uint64(run), 7))
			var took []time.Duration
			queries := slices.Clone(s.queries)
			for pass := range b.passes + 1 {
				random.Shuffle(len(queries), func(i, j int) { queries[i], queries[j] = queries[j], queries[i] })
				for _, query := range queries {
					began := time.Now()
					if err := search(ctx, s.kind, query); err != nil {
						return nil, fmt.Errorf("%s: %q: %w", s.name, query, err)
					}
					if pass > 0 { // the first one warms up
						took = append(took, time.Since(began))
					}
				}
			}
			slices.Sort(took)
			sum := time.Duration(0)
			for _, t := range took {
				sum += t
			}
			t := times{took[len(took)*99/100], sum / time.Duration(len(took))}
			all[s.name] = append(all[s.name], t)
			log.Printf("%s: p99 %.3f ms, mean %.3f ms", s.name, milliseconds(t.p99), milliseconds(t.mean))
		}
	}
	medians := map[string]times{}
	for name, runs := range all {
		slices.SortFunc(runs, func(a, b times) int { return cmp.Compare(a.p99, b.p99) })
		medians[name] = runs[len(runs)/2]
	}
	return medians, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// anonymous returns the anonymous memory of this process after garbage was collected, in bytes; 0
// where the system doesn't tell.
func anonymous() int64 {
	debug.FreeOSMemory()
	status, _ := os.ReadFile("/proc/self/status") // Linux only
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// sizeOf returns the size of all files in a folder.
func sizeOf(folder string) (size int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// table returns the results in Markdown. Without a reference it has no ratios.
func table(sets []*set, ours, theirs *outcome) string {
	var text strings.Builder
	text.WriteString("| set | queries | p99, ms (mean) | stock Bleve, ms (mean) | p99 ÷ Bleve | asked |\n|---|---|---|---|---|---|\n")
	for _, s := range sets {
		us := ours.times[s.name]
		them, ratio := "", ""
		if theirs != nil {
			t := theirs.times[s.name]
			them = fmt.Sprintf("%.2f (%.2f)", milliseconds(t.p99), milliseconds(t.mean))
			ratio = fmt.Sprintf("%.3f", float64(us.p99)/float64(t.p99))
		}
		fmt.Fprintf(&text, "| %s | %s | %.2f (%.2f) | %s | %s | %.3g |\n", s.name, s.what, milliseconds(us.p99), milliseconds(us.mean), them, ratio, s.reach)
	}
	text.WriteString("\n| index | books/s when it is built | anonymous memory that it adds | on disk | segments |\n|---|---|---|---|---|\n")
	for _, o := range []struct {
		name string
		*outcome
	}{{"the search engine", ours}, {"stock Bleve", theirs}} {
		if o.outcome != nil {
			fmt.Fprintf(&text, "| %s | %.0f | %d MB | %d MB | %d |\n", o.name, o.perSecond, o.memory>>20, o.disk>>20, o.parts)
		}
	}
	return text.String()
}
