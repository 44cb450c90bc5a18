package database

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// BenchmarkCountSearches counts searches of a million keywords, whose frequency follows
// Zipf's law, in batches of a thousand.
func BenchmarkCountSearches(b *testing.B) {
	onKindsOf(b, func(b *testing.B, db *DB) {
		m := newSearches(b, db)
		const batch = 1000
		at := time.Now()
		counted := 0
		for b.Loop() {
			m.count(b, batch, func() time.Time {
				at = at.Add(time.Millisecond)
				return at
			})
			counted += batch
		}
		b.ReportMetric(float64(counted)/b.Elapsed().Seconds(), "events/s")
	})
}

// searches makes and counts searches.
type searches struct {
	db     *DB
	random *rand.Rand
	zipf   *rand.Zipf
	shard  model.Shard
	claim  model.Checkpoint
}

func newSearches(b *testing.B, db *DB) *searches {
	random := rand.New(rand.NewPCG(1, 1))
	m := &searches{db: db, random: random, zipf: rand.NewZipf(random, 1.1, 1, 1_000_000), shard: model.Shard{Group: "trends", Stream: "searches"}}
	var err error
	m.claim, err = db.Claim(b.Context(), m.shard)
	require.NoError(b, err)
	return m
}

// visitorsOfADay are as many that there are two millions in 35 days.
const visitorsOfADay = 2_000_000 / trend.KeepDays

// count counts n searches, at the times that next returns.
func (m *searches) count(b *testing.B, n int, next func() time.Time) {
	b.Helper()
	list := make([]*trend.Search, n)
	for i := range list {
		at, keyword := next(), fmt.Sprint("keyword ", m.zipf.Uint64())
		visitor := (uint64(trend.DayOf(at))*visitorsOfADay + m.random.Uint64N(visitorsOfADay)) * 0x9e3779b97f4a7c15
		list[i] = &trend.Search{
			ID: uuid.NewString(), At: at, Keyword: keyword, Folded: keyword, Public: keyword,
			Visitor: trend.VisitorOf("", fmt.Sprintf("%016x", visitor)), Surface: model.PageSurface, First: true,
			Facts: trend.Searched | trend.Shown | trend.Hit, Books: []uint{1, 2, 3, 4, 5},
		}
		m.claim.Newest = at
	}
	require.NoError(b, m.db.Advance(b.Context(), m.shard, m.claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: m.claim}, tx.CountSearches(b.Context(), list)
	}))
}

// BenchmarkSizeOf35Days counts as many searches as b.N says, evenly over 35 days, and then those of ten
// more days, after each of which the oldest one is dropped. It reports the size of SQLite's file.
func BenchmarkSizeOf35Days(b *testing.B) {
	file := filepath.Join(b.TempDir(), "books.db")
	db, err := OpenSQLite(file, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	defer db.Close()
	require.NoError(b, db.Migrate(b.Context()))
	m := newSearches(b, db)
	const batch, more = 4000, 10
	at := trend.DayOf(time.Now()).Start().AddDate(0, 0, -trend.KeepDays-more+1)
	step := 24 * time.Hour * trend.KeepDays / time.Duration(b.N)
	next := func() time.Time {
		at = at.Add(step)
		return at
	}
	size := func() float64 {
		require.NoError(b, db.gorm.Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error)
		info, err := os.Stat(file)
		require.NoError(b, err)
		return float64(info.Size()) / (1 << 20)
	}
	for left := b.N; left > 0; left -= batch {
		m.count(b, min(batch, left), next)
	}
	b.ReportMetric(size(), "MB")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	for range more {
		for left := b.N / trend.KeepDays; left > 0; left -= batch {
			m.count(b, min(batch, left), next)
		}
		require.NoError(b, db.DropDays(b.Context(), m.shard.Group, trend.KeepDays))
	}
	b.ReportMetric(size(), "MB-after-10-more-days")
	var totals struct{ Rows, Bytes float64 }
	require.NoError(b, db.gorm.Raw("SELECT COUNT(*) AS `rows`, SUM(LENGTH(buckets) + LENGTH(places) + 60) AS bytes FROM trend_totals WHERE day < ?",
		trend.DayOf(m.claim.Newest)-trend.KeepDays).Scan(&totals).Error)
	b.ReportMetric(totals.Bytes/more, "bytes/dropped-day")
}

// onKindsOf runs a benchmark on SQLite, and on the servers that variables name.
func onKindsOf(b *testing.B, bench func(b *testing.B, db *DB)) {
	run := func(name string, open func(b *testing.B) *DB) {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			defer db.Close()
			require.NoError(b, db.Migrate(b.Context()))
			bench(b, db)
		})
	}
	run("SQLite", func(b *testing.B) *DB {
		db, err := OpenSQLite(filepath.Join(b.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
		require.NoError(b, err)
		return db
	})
	for _, server := range servers {
		dsn := os.Getenv(server.variable)
		if dsn == "" {
			continue
		}
		run(server.name, func(b *testing.B) *DB {
			db, err := OpenMySQL(ownDatabase(b, dsn), slog.New(slog.DiscardHandler))
			require.NoError(b, err)
			return db
		})
	}
}
