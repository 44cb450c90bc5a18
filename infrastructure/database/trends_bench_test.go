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
		random := rand.New(rand.NewPCG(1, 1))
		zipf := rand.NewZipf(random, 1.1, 1, 1_000_000)
		shard := model.Shard{Group: "trends", Stream: "searches"}
		claim, err := db.Claim(b.Context(), shard)
		require.NoError(b, err)
		const batch = 1000
		at := time.Now()
		counted := 0
		for b.Loop() {
			searches := make([]*trend.Search, batch)
			for i := range searches {
				at = at.Add(time.Millisecond)
				keyword := fmt.Sprint("keyword ", zipf.Uint64())
				searches[i] = &trend.Search{
					ID: uuid.NewString(), At: at, Keyword: keyword, Folded: keyword, Public: keyword,
					Visitor: trend.VisitorOf("", fmt.Sprintf("%016x", random.Uint64N(2_000_000)*0x9e3779b97f4a7c15)), Surface: model.PageSurface, First: true,
					Facts: trend.Searched | trend.Shown | trend.Hit, Books: []uint{1, 2, 3, 4, 5},
				}
			}
			require.NoError(b, db.Advance(b.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
				return gateway.Step{Checkpoint: claim}, tx.CountSearches(b.Context(), searches)
			}))
			counted += batch
		}
		b.ReportMetric(float64(counted)/b.Elapsed().Seconds(), "events/s")
	})
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
