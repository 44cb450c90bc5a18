package application

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// Kafka returns where a command that starts no broker finds Kafka, and how it
// connects. See Brokers.
func Kafka(c *config.Config) (mq.Kafka, error) { return kafkaAt(c, Brokers(c)) }

func kafkaAt(c *config.Config, brokers []string) (mq.Kafka, error) {
	security, err := kafkaSecurity(c)
	return mq.Kafka{Brokers: brokers, Security: security}, err
}

// BrokerHint tells a person which broker a command uses if the configuration names
// none; otherwise it is empty.
func BrokerHint(c *config.Config) string {
	if len(c.MQ.Brokers) > 0 {
		return ""
	}
	return "mq.brokers is empty: is the shop running? Its broker would be at " + Brokers(c)[0]
}

// ErrReported is an error of RunBrokerChild that its parent reports.
var ErrReported = broker.ErrReported

// RunBrokerChild is the process of the embedded broker, which RunBroker and a shop
// start. in and out belong to the parent.
func RunBrokerChild(ctx context.Context, dir, listen, advertise string, maxBytes int, in io.Reader, out io.Writer, log *slog.Logger) error {
	return broker.Child(ctx, broker.Options{Dir: dir, Listen: listen, Advertise: advertise, MaxBytes: maxBytes}, in, out, log)
}

// kafkaSecurity is the zero value for the embedded broker.
func kafkaSecurity(c *config.Config) (mq.Security, error) {
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

// RunBroker runs the embedded broker alone until ctx ends.
func RunBroker(ctx context.Context, c *config.Config, log *slog.Logger) error {
	if err := makeDataDir(c); err != nil {
		return err
	}
	supervisor, address, err := startBroker(ctx, c, log)
	if err != nil {
		return err
	}
	forget, err := enterRunFile(c.App.DataDir, runningProcess{Brokers: []string{address}})
	if err == nil {
		<-ctx.Done()
		log.Info("stopping")
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.App.ShutdownTimeout)
	defer cancel()
	return errors.Join(err, forget(), supervisor.Close(bounded))
}

// startBroker starts the embedded broker as a supervised child and returns its
// real address.
func startBroker(ctx context.Context, c *config.Config, log *slog.Logger) (*broker.Supervisor, string, error) {
	supervisor := broker.NewSupervisor(broker.Options{
		Dir:       filepath.Join(c.App.DataDir, "broker"),
		Listen:    c.MQ.Listen,
		Advertise: c.MQ.Advertise,
		MaxBytes:  c.MQ.BrokerMaxBytes,
	}, log)
	address, err := supervisor.Start(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("start embedded broker: %w", err)
	}
	return supervisor, address, nil
}
