// Command bypass is the shop without the spool: events wait for Kafka in memory.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/bench/control"
	"literank.com/event-books/infrastructure/mq"
)

func main() {
	cli.Main(application.Parts{Helper: func(brokers []string, topic string) (mq.Helper, error) {
		return control.NewMemory(brokers, topic)
	}})
}
