// Package application wires the parts of the program together: it decides,
// from the configuration alone, which database and which broker are used.
package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/spool"
)

// WireHelper holds the parts behind a running shop.
type WireHelper struct {
	db      *database.DB
	events  *Events
	broker  *broker.Supervisor // nil where Kafka is used
	brokers []string
	// seed fills an empty embedded database.
	seed bool
	log  *slog.Logger
}

// openDatabase opens the catalogue that the configuration names: MySQL or
// MariaDB by its DSN, else SQLite. It doesn't wait for a server.
func openDatabase(c *config.Config, log *slog.Logger) (*database.DB, error) {
	if c.DB.DSN != "" {
		return database.OpenMySQL(c.DB.DSN, log)
	}
	return database.OpenSQLite(filepath.Join(c.App.DataDir, "books.db"), log)
}

// Brokers returns the addresses to find Kafka at: those configured, else the
// embedded broker's.
func Brokers(c *config.Config) []string {
	if len(c.MQ.Brokers) > 0 {
		return c.MQ.Brokers
	}
	return []string{c.MQ.Listen}
}

// KafkaSecurity returns how Kafka is reached as configured; the embedded
// broker is reached by its zero value.
func KafkaSecurity(c *config.Config) (mq.Security, error) {
	encryption, err := c.KafkaTLS()
	if err != nil {
		return mq.Security{}, err
	}
	security := mq.Security{TLS: encryption}
	if sasl := c.MQ.SASL; sasl.Mechanism != "" {
		security.SASL = &mq.SASL{Mechanism: sasl.Mechanism, Username: sasl.Username, Password: sasl.Password}
	}
	return security, nil
}

// StartBroker starts the embedded broker as a supervised child and returns
// its real address.
func StartBroker(ctx context.Context, c *config.Config, log *slog.Logger) (*broker.Supervisor, string, error) {
	supervisor := broker.NewSupervisor(broker.Options{
		Dir:       filepath.Join(c.App.DataDir, "broker"),
		Listen:    c.MQ.Listen,
		Advertise: c.MQ.Advertise,
	}, log)
	address, err := supervisor.Start(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("start embedded broker: %w", err)
	}
	return supervisor, address, nil
}

// NewWireHelper opens the parts. withBroker allows it to start the embedded
// broker where no other is configured.
func NewWireHelper(ctx context.Context, c *config.Config, withBroker bool, log *slog.Logger) (*WireHelper, error) {
	w := &WireHelper{brokers: Brokers(c), seed: c.DB.DSN == "", log: log}
	if err := w.open(ctx, c, withBroker); err != nil {
		return nil, errors.Join(err, w.Close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

func (w *WireHelper) open(ctx context.Context, c *config.Config, withBroker bool) (err error) {
	if w.db, err = openDatabase(c, w.log); err != nil {
		return err
	}
	if withBroker && len(c.MQ.Brokers) == 0 {
		var address string
		if w.broker, address, err = StartBroker(ctx, c, w.log); err != nil {
			return err
		}
		w.brokers = []string{address}
	}
	w.events, err = OpenEvents(SpoolDir(c), c, w.brokers, w.log)
	if errors.Is(err, spool.ErrInUse) {
		return fmt.Errorf("%w: each shop needs an app.data_dir of its own", err)
	}
	return err
}

// BookManager keeps the catalogue.
func (w *WireHelper) BookManager() gateway.BookManager { return w.db }

// BookIndex finds books.
func (w *WireHelper) BookIndex() gateway.BookIndex { return w.db }

// MessageQueueHelper sends events.
func (w *WireHelper) MessageQueueHelper() mq.Helper { return w.events }

// Brokers returns the addresses that events are sent to.
func (w *WireHelper) Brokers() []string { return w.brokers }

// Ping fails when searches can't be answered.
func (w *WireHelper) Ping(ctx context.Context) error { return w.db.Ping(ctx) }

// EventStats counts what became of the events.
func (w *WireHelper) EventStats() model.EventStats { return w.events.EventStats() }

// Metrics tells the same to Prometheus, and more.
func (w *WireHelper) Metrics() prometheus.Collector { return w.events }

// Run brings the database up to date as soon as it answers, and looks after it
// until ctx ends. It returns an error when waiting can't help.
func (w *WireHelper) Run(ctx context.Context) error {
	if err := w.migrate(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if w.seed {
		if err := w.plantStarter(ctx); err != nil {
			w.log.Warn("starter catalogue not loaded", "error", err)
		}
	}
	w.db.Sweep(ctx)
	return nil
}

// migrate tries until the database answers.
func (w *WireHelper) migrate(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = 5 * time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := w.db.Migrate(ctx)
		if err != nil && model.ErrorCode(err) != model.UnavailableNow {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	return err
}

func (w *WireHelper) plantStarter(ctx context.Context) error {
	books, err := catalog.Starter()
	if err != nil {
		return err
	}
	planted, err := w.db.SeedOnce(ctx, "starter", books)
	if err != nil {
		return err
	}
	if planted > 0 {
		w.log.Info("starter catalogue loaded", "books", planted)
	}
	return nil
}

// earlier leaves the last quarter of the time, at most two seconds, for what
// comes after.
func earlier(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/4, 2*time.Second)))
}

// Close ends the parts in the reverse order of their start, each even if
// another fails. Events that wait are sent until ctx ends; the next start sends
// the rest.
func (w *WireHelper) Close(ctx context.Context) error {
	var errs []error
	if w.events != nil {
		flush, cancel := earlier(ctx)
		defer cancel()
		errs = append(errs, w.events.Close(flush))
	}
	if w.broker != nil {
		errs = append(errs, w.broker.Close(ctx))
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	return errors.Join(errs...)
}
