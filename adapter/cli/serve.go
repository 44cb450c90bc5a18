package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"literank.com/event-books/adapter"
	"literank.com/event-books/application"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/infrastructure/config"
)

type allCommand struct{}

func (allCommand) Run(sh *shell) error { return sh.serve(true) }

type webCommand struct{}

func (webCommand) Run(sh *shell) error { return sh.serve(false) }

type brokerCommand struct{}

func (brokerCommand) Run(sh *shell) (err error) {
	c, err := sh.load()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.App.DataDir, 0o700); err != nil {
		return fmt.Errorf("app.data_dir: %w", err)
	}
	supervisor, address, err := application.StartBroker(sh.ctx, c, sh.log)
	if err != nil {
		return err
	}
	forget, err := announce(c.App.DataDir, runningProcess{Brokers: []string{address}})
	if err == nil {
		<-sh.ctx.Done()
		sh.log.Info("stopping")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(sh.ctx), c.App.ShutdownTimeout)
	defer cancel()
	return errors.Join(err, forget(), supervisor.Close(ctx))
}

// serve runs the web service until the context ends, then stops gracefully:
// requests under way are finished, events under way are waited for.
func (sh *shell) serve(withBroker bool) (err error) {
	application.TuneRuntime()
	c, err := sh.load()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.App.DataDir, 0o700); err != nil {
		return fmt.Errorf("app.data_dir: %w", err)
	}
	token, err := adminToken(c.App, sh.log)
	if err != nil {
		return err
	}
	if !withBroker && len(c.MQ.Brokers) == 0 {
		c.MQ.Brokers = brokersOf(c)
		sh.log.Info("mq.brokers is empty: events go to the embedded broker of another process", "brokers", c.MQ.Brokers)
	}
	// Listen first: whoever asks early waits instead of being refused.
	address := net.JoinHostPort(c.App.Listen, strconv.Itoa(c.App.Port))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("app.listen, app.port: %w", err)
	}
	defer listener.Close()

	wire, err := application.NewWireHelper(sh.ctx, c, withBroker, sh.log)
	if err != nil {
		return err
	}
	stop := newStopwatch(c.App.ShutdownTimeout)
	defer func() {
		ctx, cancel := stop.context()
		defer cancel()
		if err = errors.Join(err, wire.Close(ctx)); err == nil {
			sh.log.Info("stopped")
		}
	}()
	server, err := adapter.New(adapter.Options{
		Books:            executor.NewBookOperator(wire.BookManager(), wire.MessageQueueHelper(), wire.BookIndex(), sh.log),
		Health:           wire,
		Log:              sh.log,
		PageSize:         c.App.PageSize,
		TemplatesPattern: c.App.TemplatesPattern,
		BaseURL:          c.App.BaseURL,
		ImageHosts:       c.App.ImageHosts,
		AdminToken:       token,
		VisitorCookie:    adapter.VisitorCookie(c.App.VisitorCookie),
		TrustedProxies:   c.App.TrustedProxies,
	})
	if err != nil {
		return err
	}
	ops, err := startOps(c.App.OpsListen, wire)
	if err != nil {
		return err
	}
	defer ops.Close()
	forget, err := sh.announce(c, listener.Addr().(*net.TCPAddr), ops.Addr, wire.Brokers())
	if err != nil {
		// The disk may be full, and what waits in the spool has to be sent.
		sh.log.Warn("health and events tail won't find this shop", "error", err)
	}
	defer func() { err = errors.Join(err, forget()) }()
	return sh.serveUntilStopped(stop, server, listener, wire)
}

// startOps serves metrics until it is closed; nowhere without an address.
func startOps(address string, wire *application.WireHelper) (*http.Server, error) {
	server, err := adapter.OpsServer(wire.Metrics())
	if err != nil || address == "" {
		return server, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("app.ops_listen: %w; name another address, or \"\" for no metrics", err)
	}
	server.Addr = listener.Addr().String()
	go func() { _ = server.Serve(listener) }()
	return server, nil
}

func (sh *shell) serveUntilStopped(stop *stopwatch, server *adapter.Server, listener net.Listener, wire *application.WireHelper) error {
	web := server.HTTPServer()
	group, ctx := errgroup.WithContext(sh.ctx)
	group.Go(func() error { return wire.Run(ctx) })
	group.Go(func() error {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		sh.log.Info("stopping")
		server.Stopping()
		bounded, cancel := stop.half()
		defer cancel()
		if err := web.Shutdown(bounded); err != nil {
			sh.log.Warn("requests were cut off", "error", err)
			return web.Close()
		}
		return nil
	})
	return group.Wait()
}

// stopwatch bounds all steps of a stop together, from the first one on.
type stopwatch struct {
	timeout time.Duration
	begun   func() time.Time
}

func newStopwatch(timeout time.Duration) *stopwatch {
	return &stopwatch{timeout, sync.OnceValue(time.Now)}
}

func (s *stopwatch) context() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), s.begun().Add(s.timeout))
}

// half is for the requests: a client that trickles must not use up the time
// that the events need.
func (s *stopwatch) half() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), s.begun().Add(s.timeout/2))
}

// announce tells people and programs where the shop is.
func (sh *shell) announce(c *config.Config, bound *net.TCPAddr, ops string, brokers []string) (forget func() error, err error) {
	host := bound.IP.String()
	if bound.IP.IsUnspecified() {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(bound.Port))
	sh.log.Info("listening", "url", url, "ops", ops, "topic", c.MQ.SearchTopic(), "brokers", brokers)
	return announce(c.App.DataDir, runningProcess{URL: url, Ops: ops, Brokers: brokers})
}
