package index

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// engine takes some time for a search, like a real one.
type engine struct {
	gateway.NoCapabilities
	takes   time.Duration
	err     error
	running atomic.Int64
	most    atomic.Int64
	calls   atomic.Int64
}

func (e *engine) SearchBooks(ctx context.Context, _ model.Search) (*model.SearchResult, error) {
	e.calls.Add(1)
	now := e.running.Add(1)
	defer e.running.Add(-1)
	for most := e.most.Load(); now > most && !e.most.CompareAndSwap(most, now); most = e.most.Load() {
	}
	select {
	case <-time.After(e.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &model.SearchResult{}, e.err
}

func newGate(e *engine, size int, log io.Writer) *Gate {
	return NewGate(e, size, slog.New(slog.NewTextHandler(log, nil)))
}

func TestGateBoundsSearches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{takes: 100 * time.Millisecond}
		var log strings.Builder
		g := newGate(e, 2, &log)
		// For the estimate of the waiting time, the gate has to know the engine.
		for range 30 {
			_, err := g.SearchBooks(t.Context(), model.Search{})
			require.NoError(t, err)
		}
		outcomes := make(chan error, 100)
		for range 100 {
			go func() {
				begun := time.Now()
				_, err := g.SearchBooks(t.Context(), model.Search{Keyword: "x"})
				assert.LessOrEqual(t, time.Since(begun), maxWait+e.takes)
				outcomes <- err
			}()
		}
		answered, refused := 0, 0
		for range 100 {
			if err := <-outcomes; err == nil {
				answered++
			} else {
				var overload *model.Error
				require.ErrorAs(t, err, &overload)
				assert.Equal(t, model.Overloaded, overload.Code)
				assert.Equal(t, retryAfter, overload.RetryAfter)
				refused++
			}
		}
		assert.EqualValues(t, 2, e.most.Load())
		assert.InDelta(t, 22, answered, 2, "two at once, and two every 100 ms for a second")
		assert.Equal(t, 1, strings.Count(log.String(), "more searches than"), log.String())
		assert.EqualValues(t, refused, testutil.ToFloat64(g.metrics.refused))
		assert.EqualValues(t, answered, testutil.ToFloat64(g.metrics.foundNothing))
		assert.Zero(t, testutil.ToFloat64(g.metrics.waiting))
		assert.Zero(t, testutil.ToFloat64(g.metrics.running))

		_, err := g.SearchBooks(t.Context(), model.Search{})
		assert.NoError(t, err, "as soon as the rush is over")
		_, err = g.SearchBooks(t.Context(), model.Search{Keyword: "x", WithoutTotal: true})
		assert.NoError(t, err)
		assert.EqualValues(t, answered, testutil.ToFloat64(g.metrics.foundNothing), "no shopper's search")
	})
}

func TestGateRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&engine{takes: time.Second}, 1, io.Discard)
		for range 30 {
			_, err := g.SearchBooks(t.Context(), model.Search{})
			require.NoError(t, err)
		}
		for range 3 {
			go g.SearchBooks(t.Context(), model.Search{})
			synctest.Wait()
		}
		begun := time.Now()
		_, err := g.SearchBooks(t.Context(), model.Search{})
		assert.Equal(t, model.Overloaded, model.ErrorCode(err))
		assert.Zero(t, time.Since(begun), "its turn would come too late")
		time.Sleep(time.Minute)
	})
}

func TestGateForgetsClientsThatLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{takes: time.Second}
		g := newGate(e, 1, io.Discard)
		go g.SearchBooks(t.Context(), model.Search{})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error)
		go func() {
			_, err := g.SearchBooks(ctx, model.Search{})
			waiting <- err
		}()
		synctest.Wait()
		cancel()
		assert.ErrorIs(t, <-waiting, context.Canceled)
		time.Sleep(2 * time.Second)
		assert.EqualValues(t, 1, e.calls.Load())
		assert.Zero(t, testutil.ToFloat64(g.metrics.failed))
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{}
		var log strings.Builder
		g := newGate(e, 1, &log)
		search := func(n int) {
			for range n {
				_, _ = g.SearchBooks(t.Context(), model.Search{Keyword: "x"})
			}
		}
		search(1)
		e.err = errors.New("broken")
		search(20)
		assert.NoError(t, g.Ping(t.Context()), "one succeeded within the last seconds")
		time.Sleep(window * time.Second)
		search(enough - 1)
		assert.NoError(t, g.Ping(t.Context()), "too few")
		search(1)

		calls := e.calls.Load()
		for range 3 {
			assert.ErrorContains(t, g.Ping(t.Context()), "broken")
		}
		assert.EqualValues(t, 1, e.calls.Load()-calls, "one probe a second")
		time.Sleep(time.Minute)
		assert.Error(t, g.Ping(t.Context()), "no searches: the probe decides")
		e.err = nil
		assert.Error(t, g.Ping(t.Context()))
		time.Sleep(probeEvery)
		assert.NoError(t, g.Ping(t.Context()))
		assert.Equal(t, 1, strings.Count(log.String(), "all searches fail"), log.String())
		assert.Equal(t, 1, strings.Count(log.String(), "succeed again"), log.String())
	})
}

// A client that goes away, and a refused search, say nothing about the engine.
func TestPingIgnoresClientsAndOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&engine{takes: time.Minute}, 1, io.Discard)
		for range 2 * enough {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			_, err := g.SearchBooks(ctx, model.Search{})
			require.ErrorIs(t, err, context.Canceled)
		}
		assert.NoError(t, g.Ping(t.Context()))
	})
}
