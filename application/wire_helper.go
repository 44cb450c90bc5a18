// Package application is the composition root: it opens what the configuration
// names, puts the parts together, runs them and closes them. It is the only
// package that knows every other one, apart from the command line above it. It
// decides nothing that a part can decide.
package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/adapter"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/application/orders"
	"literank.com/event-books/application/recommending"
	"literank.com/event-books/application/trends"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/daykey"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/highlight"
	"literank.com/event-books/infrastructure/index/indexer"
	"literank.com/event-books/infrastructure/live"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/ping"
	"literank.com/event-books/infrastructure/spool"
	"literank.com/event-books/infrastructure/tracing"
)

// Parts replaces parts of a shop. The zero value is the shop that users run.
// Benches leave out what they don't measure, and negative controls put in
// something weaker.
type Parts struct {
	// Index replaces the index of books, given the real one.
	Index func(gateway.BookIndex) gateway.BookIndex
	// Books replaces the catalogue, given the real one with its cache.
	Books func(gateway.BookManager) gateway.BookManager
	// Outbox replaces what relay and feed read changes from, given the real one. Books
	// write to the real one.
	Outbox func(gateway.Outbox) gateway.Outbox
	// Progress replaces what the consumers store their work in, given the real one.
	Progress func(gateway.Progress) gateway.Progress
	// Broker replaces the broker of a spool's events, given the real one.
	Broker func(events spool.Broker, brokers []string, topic string) spool.Broker
	// Helper replaces the spool of searches and its brokers as a whole. There are no clicks
	// then.
	Helper func(brokers []string, topic string) (mq.Helper, error)
}

// WireHelper holds the parts of a running shop.
type WireHelper struct {
	config  *config.Config
	log     *slog.Logger
	parts   Parts
	db      *catalogue
	index   *index.Gate
	indexer *indexer.Indexer // nil if the database searches
	helper  mq.Helper
	events  *Events       // nil if Parts replace it
	clicks  *Events       // nil likewise
	trims   *mq.TrimWatch // nil likewise
	reports *reporter     // nil likewise
	dayKeys *daykey.Keeper
	changes *changes
	counted *consumers // nil if other processes count
	board   *trends.Board
	orders  *orders.List
	live    *live.Searches
	tracing *tracing.Tracing // nil if nobody collects traces
	pings   *ping.Pinger
	echo    *ping.Echo // nil if it isn't in this process
	books   gateway.BookManager
	broker  *broker.Supervisor // nil if another process or Kafka is the broker
	brokers []string

	server      *adapter.Server
	listener    net.Listener
	ops         *http.Server           // for metrics
	opsListener net.Listener           // nil if nobody wants metrics
	unlock      func() error           // the data folder
	visitors    atomic.Pointer[[]byte] // the key of visitorKey, once it is known
	stop        *stopwatch
}

// NewWireHelper opens the parts and listens, but answers no request before Run.
// It does not wait for a database server or Kafka. If the configuration names no
// brokers, whole starts the embedded broker; otherwise NewWireHelper uses
// the broker of another process on this data folder. whole also starts the consumers.
func NewWireHelper(ctx context.Context, c *config.Config, whole bool, log *slog.Logger, parts Parts) (*WireHelper, error) {
	w := &WireHelper{config: c, log: log, parts: parts, stop: newStopwatch(c.App.ShutdownTimeout)}
	if err := w.open(ctx, whole); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *WireHelper) open(ctx context.Context, whole bool) (err error) {
	if w.tracing, err = openTracing(ctx, w.log); err != nil {
		return err
	}
	if err := makeDataDir(w.config); err != nil {
		return err
	}
	if w.unlock, err = lockDataDir(w.config.App.DataDir); err != nil {
		return err
	}
	token, err := adminToken(w.config.App, w.log)
	if err != nil {
		return err
	}
	// Listen before anything else: early requests wait instead of failing.
	address := net.JoinHostPort(w.config.App.Listen, strconv.Itoa(w.config.App.Port))
	if w.listener, err = listen(address, "app.listen, app.port", "set app.port to a free port, or to 0 for any"); err != nil {
		return err
	}
	if w.db, err = openCatalogue(w.config, w.log); err != nil {
		return err
	}
	w.dayKeys = daykey.New(w.db, w.log)
	var engine gateway.BookIndex = w.db
	if w.indexer = newIndexer(w.config, w.db, w.log); w.indexer != nil {
		engine = w.indexer
	}
	if w.parts.Index != nil {
		engine = w.parts.Index(engine)
	}
	w.index = index.NewGate(engine, w.db.Searches(), w.log)
	if err := w.openBroker(ctx, whole); err != nil {
		return err
	}
	if err := w.openHelper(); err != nil {
		return err
	}
	if w.changes, err = openChanges(w.config, w.db, w.indexer, w.brokers, w.log, w.parts); err != nil {
		return err
	}
	if err := w.openPings(whole); err != nil {
		return err
	}
	w.books = w.changes.books
	if w.parts.Books != nil {
		w.books = w.parts.Books(w.books)
	}
	if err := w.openTrends(whole); err != nil {
		return err
	}
	return w.openServers(token)
}

func (w *WireHelper) openBroker(ctx context.Context, withBroker bool) (err error) {
	if withBroker && len(w.config.MQ.Brokers) == 0 {
		var address string
		w.broker, address, err = startBroker(ctx, w.config, w.log)
		w.brokers = []string{address}
		return err
	}
	w.brokers = Brokers(w.config)
	if len(w.config.MQ.Brokers) == 0 {
		w.log.Info("mq.brokers is empty: events go to the embedded broker of another process", "brokers", w.brokers)
	}
	return nil
}

func (w *WireHelper) openHelper() (err error) {
	if w.parts.Helper != nil {
		w.helper, err = w.parts.Helper(w.brokers, w.config.MQ.SearchTopic())
		return err
	}
	for _, of := range []struct {
		stream
		events **Events
	}{{searchStream(w.config), &w.events}, {clickStream(w.config), &w.clicks}} {
		*of.events, err = openEvents(of.stream, w.config, w.brokers, w.log, w.parts.Broker)
		if errors.Is(err, spool.ErrInUse) {
			return fmt.Errorf("%w: each shop needs an app.data_dir of its own", err)
		}
		if err != nil {
			return err
		}
	}
	w.helper = w.events
	if w.reports, err = openReporter(w.config.App.DataDir, w.db, w.log, w.events.Report, w.clicks.Report); err != nil {
		return err
	}
	w.trims, err = trimWatch(w.config, w.brokers, w.log)
	return err
}

// openTrends prepares what counts searches, if this process does, and what lists them.
func (w *WireHelper) openTrends(counting bool) (err error) {
	w.board = trends.NewBoard(w.db, w.db, w.db, w.books, highlight.Highlighter{}, trends.Options{
		Group: trendGroup(w.config), Stream: w.config.MQ.SearchTopic(), MinVisitors: w.config.Trends.MinVisitors, Log: w.log,
	})
	kafka, err := kafkaAt(w.config, w.brokers)
	if err != nil {
		return err
	}
	w.orders = orders.New(orders.Options{
		Reader: w.db, Board: w.board, Books: w.books, Index: w.index, CatalogueVersion: w.db.catalogueVersion, Key: w.requestKey, Log: w.log,
	})
	w.live = live.New(kafka, w.config.MQ.SearchTopic(), w.log)
	if counting {
		w.counted, err = newConsumers(w.config, w.db, consumedTopics(w.config), w.brokers, w.log, w.parts)
	}
	return err
}

// recommender chooses books from what the consumers count.
func (w *WireHelper) recommender() *recommending.Recommender {
	return recommending.New(w.db, w.books, recommending.NewContents(w.books, w.index, w.log))
}

// openServers prepares the web service and that of metrics.
func (w *WireHelper) openServers(token string) (err error) {
	c := w.config.App
	pipeline, err := newPipeline(w.config, w.db, w.brokers, w.log)
	if err != nil {
		return err
	}
	var clicks *executor.ClickOperator
	if w.clicks != nil {
		clicks = executor.NewClickOperator(w.clicks, w.log)
	}
	w.server, err = adapter.New(adapter.Options{
		Books:            executor.NewBookOperator(w.BookManager(), w.MessageQueueHelper(), w.BookIndex(), highlight.Highlighter{}, w.log),
		Trends:           executor.NewTrendOperator(w.board, w.BookManager()),
		Recommendations:  executor.NewRecommendationOperator(w.recommender(), w.exportKey),
		Live:             w.live,
		Sessions:         w.db,
		Pipeline:         pipeline,
		Insights:         insights.NewDesk(w.db, w.db, w.board, w.BookManager()),
		Orders:           w.orders,
		Clicks:           clicks,
		Health:           w,
		Demo:             w.db,
		Pings:            w.pings,
		Tracer:           w.tracing.Provider(),
		Log:              w.log,
		PageSize:         c.PageSize,
		TemplatesPattern: c.TemplatesPattern,
		BaseURL:          c.BaseURL,
		ImageHosts:       c.ImageHosts,
		AdminToken:       token,
		VisitorCookie:    adapter.VisitorCookie(c.VisitorCookie),
		VisitorKey:       w.visitorKey,
		DailyVisitor:     c.DailyVisitor,
		DayKey:           w.dayKeys.Key,
		Retention:        w.config.MQ.Retention,
		TrustedProxies:   c.TrustedProxies,
		MaxConnections:   maxConnections(),
		RateLimit:        c.RateLimit,
		Contact:          c.Contact,
		Imprint:          c.Imprint,
	})
	if err != nil {
		return err
	}
	collectors := append(w.changes.collectors(), w.index, w.pings, w.server.Metrics(), completenessMetrics{w.board})
	if w.events != nil {
		collectors = append(collectors, w.events, w.clicks, trimmedRecords(w.trims))
	}
	if w.counted != nil {
		collectors = append(collectors, w.counted.collectors()...)
	}
	if w.echo != nil {
		collectors = append(collectors, w.echo)
	}
	if w.indexer != nil {
		collectors = append(collectors, indexCollectors(w.indexer)...)
	}
	w.ops, w.opsListener, err = openOps(c, collectors)
	return err
}

// openOps prepares the service of metrics. The listener is nil if nobody wants any.
func openOps(c config.AppConfig, collectors []prometheus.Collector) (ops *http.Server, listener net.Listener, err error) {
	if ops, err = adapter.OpsServer(collectors...); err != nil || c.OpsListen == "" {
		return ops, nil, err
	}
	if listener, err = listen(c.OpsListen, "app.ops_listen", `name another address, or "" for no metrics`); err != nil {
		return nil, nil, err
	}
	ops.Addr = listener.Addr().String()
	return ops, listener, nil
}

// The names of these three are the tutorial's.

// BookManager returns the catalogue, with a cache in front of its reads.
func (w *WireHelper) BookManager() gateway.BookManager { return w.books }

// BookIndex returns what finds books.
func (w *WireHelper) BookIndex() gateway.BookIndex { return w.index }

// MessageQueueHelper returns what sends events.
func (w *WireHelper) MessageQueueHelper() mq.Helper { return w.helper }

// Ping fails if searches can't be answered.
func (w *WireHelper) Ping(ctx context.Context) error {
	return errors.Join(w.db.Ping(ctx), w.index.Ping(ctx))
}

// IndexAnswers reports whether the configured engine answers searches.
func (w *WireHelper) IndexAnswers() bool {
	return w.indexer == nil || w.indexer.Status().Answering
}

// EventStats counts what became of the events of searches.
func (w *WireHelper) EventStats() model.EventStats { return statsOf(w.events) }

// ClickStats counts what became of clicks and erasures.
func (w *WireHelper) ClickStats() model.EventStats { return statsOf(w.clicks) }

func statsOf(e *Events) model.EventStats {
	if e == nil {
		return model.EventStats{}
	}
	return e.EventStats()
}

// Close ends the parts in the reverse order of their start, even if one of them
// fails. It sends events that wait until app.shutdown_timeout is over, counted
// from the beginning of the stop; the next start sends the rest.
func (w *WireHelper) Close() error {
	ctx, cancel := w.stop.whole()
	defer cancel()
	var errs []error
	if w.listener != nil {
		_ = w.listener.Close() // Run has closed it if it ran
	}
	if w.opsListener != nil {
		_ = w.opsListener.Close() // likewise
	}
	if w.events != nil {
		flush, cancel := w.stop.beforeTheEnd()
		defer cancel()
		errs = append(errs, closeAll(flush, w.events, w.clicks))
	}
	if w.reports != nil {
		last, cancel := w.stop.beforeTheEnd()
		defer cancel()
		w.reports.end(last)
	}
	if w.changes != nil {
		w.changes.close()
	}
	errs = append(errs, closeTracing(ctx, w.tracing))
	if w.broker != nil {
		errs = append(errs, w.broker.Close(ctx))
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	if w.unlock != nil {
		errs = append(errs, w.unlock())
	}
	return errors.Join(errs...)
}
