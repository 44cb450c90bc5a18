package application

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/ping"
)

// openPings prepares what sends pings and, with an echo, what answers them.
func (w *WireHelper) openPings(withEcho bool) (err error) {
	kafka, err := kafkaAt(w.config, w.brokers)
	if err != nil {
		return err
	}
	w.pings = ping.New(kafka, pingTopics(w.config), ping.TopicConfig(topicConfig(w.config)), w.log)
	if withEcho {
		w.echo, err = newEcho(w.config, w.brokers, w.log)
	}
	return err
}

func pingTopics(c *config.Config) ping.Topics {
	return ping.Topics{Ping: c.MQ.PingTopic(), Pong: c.MQ.PongTopic()}
}

func newEcho(c *config.Config, brokers []string, log *slog.Logger) (*ping.Echo, error) {
	kafka, err := kafkaAt(c, brokers)
	if err != nil {
		return nil, err
	}
	return ping.NewEcho(kafka, c.MQ.EchoGroup(), pingTopics(c), ping.TopicConfig(topicConfig(c)), log), nil
}

// RunEcho answers pings until ctx ends. It needs no database and no data folder.
func RunEcho(ctx context.Context, c *config.Config, log *slog.Logger) error {
	brokers := Brokers(c)
	echo, err := newEcho(c, brokers, log)
	if err != nil {
		return err
	}
	if hint := BrokerHint(c); hint != "" {
		log.Info(hint)
	}
	ops, stop, err := serveOps(c, []prometheus.Collector{echo}, log)
	if err != nil {
		return err
	}
	defer stop()
	log.Info("answering pings", "brokers", brokers, "ops", ops)
	echo.Run(ctx)
	log.Info("stopped")
	return nil
}
