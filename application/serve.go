package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/config"
)

// Run answers requests and looks after the catalogue until ctx ends. Then it
// finishes the requests under way within half of app.shutdown_timeout. It
// returns an error if the shop can't go on.
func (w *WireHelper) Run(ctx context.Context) (err error) {
	forget, err := w.announce()
	if err != nil {
		// The disk may be full, and the events in the spool must be sent.
		w.log.Warn("the commands health and events tail won't find this shop", "error", err)
	}
	defer func() { err = errors.Join(err, forget()) }()
	web, listener := w.server.HTTPServer(w.listener)
	group, ctx := errgroup.WithContext(ctx)
	answered, stopConsumers := context.WithCancel(context.WithoutCancel(ctx)) // ends after the last request
	defer stopConsumers()
	group.Go(func() error { w.pings.Run(answered); return nil })
	if w.echo != nil {
		group.Go(func() error { w.echo.Run(answered); return nil })
	}
	group.Go(func() error { return w.db.tend(ctx) })
	group.Go(func() error {
		if w.db.awaitMigrated(ctx) {
			w.dayKeys.Run(ctx)
		}
		return nil
	})
	group.Go(func() error { w.changes.run(ctx); return nil })
	group.Go(func() error { w.board.Run(ctx); return nil })
	if w.counted != nil {
		group.Go(func() error { w.counted.run(ctx); return nil })
	}
	if w.indexer != nil {
		group.Go(func() error { w.indexer.Run(ctx); return nil })
	}
	if w.reports != nil {
		group.Go(func() error { w.reports.run(ctx); return nil })
	}
	if w.trims != nil {
		group.Go(func() error { w.trims.Run(ctx); return nil })
	}
	group.Go(func() error { return serve(web, listener) })
	if w.opsListener != nil {
		group.Go(func() error { return serve(w.ops, w.opsListener) })
	}
	group.Go(func() error {
		<-ctx.Done()
		defer stopConsumers()
		w.log.Info("stopping")
		w.pings.Stopping()
		w.live.Stopping()
		return errors.Join(w.shutdown(web), w.ops.Close())
	})
	return group.Wait()
}

// listen opens a port. settings are those that name it, and remedy is what to do if that
// fails.
func listen(address, settings, remedy string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if broker.IsAddressTaken(err) {
		return nil, fmt.Errorf("%w on %s (%s): %s", errTaken, address, settings, remedy)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", settings, err, remedy)
	}
	return listener, nil
}

var errTaken = errors.New("another program listens")

// serveOps serves the metrics of a process that has no web service, until stop is called. If another
// process of the machine has the address, it goes without: both may have one configuration.
func serveOps(c *config.Config, collectors []prometheus.Collector, log *slog.Logger) (address string, stop func(), err error) {
	ops, listener, err := openOps(c.App, collectors)
	if errors.Is(err, errTaken) {
		log.Warn("this process has no metrics", "error", err)
		err = nil
	}
	if err != nil || listener == nil {
		return "", func() {}, err
	}
	go func() {
		if err := serve(ops, listener); err != nil {
			log.Error("the metrics ended", "error", err)
		}
	}()
	return ops.Addr, func() {
		_ = ops.Close()
		_ = listener.Close() // the server doesn't know it yet if it has just begun
	}, nil
}

// serve returns nil when the server is closed.
func serve(server *http.Server, listener net.Listener) error {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve at %s: %w", listener.Addr(), err)
	}
	return nil
}

// shutdown finishes requests, or cuts them off when half of the time is over.
func (w *WireHelper) shutdown(web *http.Server) error {
	w.server.Stopping()
	bounded, cancel := w.stop.half()
	defer cancel()
	if err := web.Shutdown(bounded); err != nil {
		w.log.Warn("requests were cut off", "error", err)
		return web.Close()
	}
	return nil
}

// announce logs where the shop is and writes it into the run file.
func (w *WireHelper) announce() (forget func() error, err error) {
	bound := w.listener.Addr().(*net.TCPAddr)
	host := bound.IP.String()
	if bound.IP.IsUnspecified() {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(bound.Port))
	w.log.Info("listening", "url", url, "ops", w.ops.Addr, "topic", w.config.MQ.SearchTopic(), "brokers", w.brokers)
	return enterRunFile(w.config.App.DataDir, runningProcess{URL: url, Ops: w.ops.Addr, Brokers: w.brokers})
}

// stopwatch bounds all steps of a stop together, from the first one on.
type stopwatch struct {
	timeout time.Duration
	begun   func() time.Time
}

func newStopwatch(timeout time.Duration) *stopwatch {
	return &stopwatch{timeout, sync.OnceValue(time.Now)}
}

func (s *stopwatch) whole() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), s.begun().Add(s.timeout))
}

// half is for requests: a client that trickles must not use up the time that the
// events need.
func (s *stopwatch) half() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), s.begun().Add(s.timeout/2))
}

// beforeTheEnd leaves the last quarter of the time that is left, at most two
// seconds, for the parts that are closed later.
func (s *stopwatch) beforeTheEnd() (context.Context, context.CancelFunc) {
	end := s.begun().Add(s.timeout)
	return context.WithDeadline(context.Background(), end.Add(-min(time.Until(end)/4, 2*time.Second)))
}
