package database

import (
	"bytes"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// cutter forwards connections to a server, and cuts one when it sees a COMMIT: before the server
// gets it, or after.
type cutter struct {
	net.Listener
	target string
	before atomic.Bool // cut the next COMMIT before the server gets it
	after  atomic.Bool // cut the next one after the server has answered
	cuts   atomic.Int64
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	c := &cutter{Listener: listener, target: target}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			answered := make(chan struct{})
			go c.requests(client, server, answered)
			go c.answers(client, server, answered)
		}
	}()
	return c
}

// commit is the driver's request (COM_QUERY).
var commit = []byte("\x07\x00\x00\x00\x03COMMIT")

func (c *cutter) requests(client, server net.Conn, cut chan struct{}) {
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.HasSuffix(buffer[:n], commit) {
			if c.before.Swap(false) {
				c.cuts.Add(1)
				return
			}
			if c.after.Swap(false) {
				c.cuts.Add(1)
				close(cut)
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (c *cutter) answers(client, server net.Conn, cut chan struct{}) {
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil && n == 0 {
			return
		}
		select {
		case <-cut: // the answer to COMMIT: the client never gets it
			return
		default:
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// oneSearch is a search of a visitor of its own.
func oneSearch(keyword string) *trend.Search {
	return &trend.Search{
		ID: uuid.NewString(), At: time.Now(), Keyword: keyword, Folded: keyword, Public: keyword, First: true,
		Visitor: trend.VisitorOf(uuid.NewString(), ""), Surface: model.PageSurface, Facts: trend.Searched | trend.Shown,
	}
}

// requests returns the sum over all keywords.
func requests(t *testing.T, db *DB) (n int64) {
	t.Helper()
	require.NoError(t, db.gorm.Raw("SELECT COALESCE(SUM(requests), 0) FROM trend_totals").Scan(&n).Error)
	return n
}

var aShard = model.Shard{Group: "trends", Stream: "searches"}

// handle does as a consumer does: after an error it reads the position again, and repeats the
// batch unless it is stored.
func handle(t *testing.T, db *DB, epoch, next int64, list ...*trend.Search) (failures int) {
	t.Helper()
	for {
		at, err := db.Checkpoint(t.Context(), aShard, epoch)
		if err == nil && at.Next >= next {
			return failures
		}
		if err == nil {
			err = db.Advance(t.Context(), aShard, epoch, func(tx gateway.Transaction) (gateway.Step, error) {
				return gateway.Step{Checkpoint: model.Checkpoint{Next: next, Last: "x"}}, tx.CountSearches(t.Context(), list)
			})
		}
		if err != nil {
			failures++
			require.Equal(t, model.UnavailableNow, model.ErrorCode(err), err)
			require.Less(t, failures, 20)
		}
	}
}

// Nobody knows whether a transaction is committed whose connection is cut at COMMIT.
func TestPromise3AConnectionCutAtCommit(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		c := newCutter(t, cfg.Addr)
		cfg.Addr = c.Addr().String()
		db, err := OpenMySQL(cfg.FormatDSN(), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		claim, err := db.Claim(t.Context(), aShard)
		require.NoError(t, err)
		for i, cut := range []*atomic.Bool{&c.before, &c.after, &c.before, &c.after} {
			cut.Store(true)
			next := int64(i) + 1
			assert.Positive(t, handle(t, db, claim.Epoch, next, oneSearch("moon"), oneSearch("sun")))
			assert.Equal(t, next, c.cuts.Load())
			assert.Equal(t, 2*next, requests(t, db), "each search counts once")
		}
	})
}

// A lock that doesn't come in time ends one statement, and not the transaction: a server would
// commit the rest.
func TestPromise3ALockWaitTimeout(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		cfg.Params = map[string]string{"innodb_lock_wait_timeout": "1"}
		db, err := OpenMySQL(cfg.FormatDSN(), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		claim, err := db.Claim(t.Context(), aShard)
		require.NoError(t, err)
		handle(t, db, claim.Epoch, 1, oneSearch("moon"))

		holder := db.gorm.Begin() // another program
		var one int
		require.NoError(t, holder.Raw("SELECT requests FROM trend_counts WHERE keyword_id > 0 FOR UPDATE").Scan(&one).Error)
		err = db.Advance(t.Context(), aShard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			return gateway.Step{Checkpoint: model.Checkpoint{Next: 2, Last: "x"}}, tx.CountSearches(t.Context(), []*trend.Search{oneSearch("moon")})
		})
		require.Equal(t, model.UnavailableNow, model.ErrorCode(err), err)
		for _, table := range []string{"trend_visits", "trend_spellings"} {
			var rows int
			require.NoError(t, db.gorm.Raw("SELECT COUNT(*) FROM "+table).Scan(&rows).Error)
			assert.Equal(t, 1, rows, "%s: nothing is left of the batch", table)
		}
		require.NoError(t, holder.Rollback().Error)
		handle(t, db, claim.Epoch, 2, oneSearch("moon"))
		assert.Equal(t, int64(2), requests(t, db))
	})
}

// Windows are kept for 400 days after the last record of their source.
func TestPromise3WindowsAreKeptFor400Days(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		claim, err := db.Claim(t.Context(), aShard)
		require.NoError(t, err)
		claim.Newest = time.Now()
		known := func() (names []string) {
			sources, err := db.Sources(t.Context(), aShard, []string{"/shop/1", "/shop/2"})
			require.NoError(t, err)
			return slices.Sorted(maps.Keys(sources))
		}
		window := &model.Window{}
		window.First(1)
		require.NoError(t, db.Advance(t.Context(), aShard, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) {
			return gateway.Step{Checkpoint: claim, Sources: map[string]model.SourceCount{"/shop/1": {Window: window, Arrived: 1}, "/shop/2": {Window: window, Arrived: 1}}}, nil
		}))
		for name, days := range map[string]int{"/shop/1": 399, "/shop/2": 401} {
			require.NoError(t, db.gorm.Exec("UPDATE consumer_sources SET last_at = ? WHERE name = ?", time.Now().AddDate(0, 0, -days).UnixMilli(), name).Error)
		}
		assert.Equal(t, []string{"/shop/1", "/shop/2"}, known())
		require.NoError(t, db.DropDays(t.Context(), aShard.Group, trend.KeepDays))
		assert.Equal(t, []string{"/shop/1"}, known())
	})
}

// A rebuild that was killed has left rows of visitors.
func TestWhatAKilledRebuildLeftIsDroppedWithItsDay(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		session := db.gorm.WithContext(t.Context())
		require.NoError(t, session.Exec("INSERT INTO trend_visits_rebuilt (day, keyword_id, visitor, surface, tag, facts) VALUES (99, 7, 'v', 1, '', ''), (100, 7, 'v', 1, '', '')").Error)
		require.NoError(t, session.Exec("INSERT INTO trend_clicks_rebuilt (day, search_id, book_id, keyword_id, visitor, surface, tag, bucket, ordinal, clicked_at) VALUES (99, 's', 1, 7, 'v', 1, '', 0, 1, 1)").Error)
		require.NoError(t, db.dropBefore(session, 100))
		var visits, clicks int64
		require.NoError(t, session.Raw("SELECT COUNT(*) FROM trend_visits_rebuilt").Scan(&visits).Error)
		require.NoError(t, session.Raw("SELECT COUNT(*) FROM trend_clicks_rebuilt").Scan(&clicks).Error)
		assert.Equal(t, []int64{1, 0}, []int64{visits, clicks})
	})
}
