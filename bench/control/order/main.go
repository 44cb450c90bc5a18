// Command order is the shop without its protection of the order of events.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/bench/control"
	"literank.com/event-books/infrastructure/spool"
)

func main() {
	cli.Main(application.Parts{Broker: func(events spool.Broker, brokers []string, topic string) spool.Broker {
		return &control.Overtaking{Broker: events, Brokers: brokers, Topic: topic}
	}})
}
