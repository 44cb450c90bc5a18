// Command bypass is the shop without the spool. It sends each event to Kafka before it
// answers, as the tutorial does, and loses the events that Kafka doesn't acknowledge.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/mq"
)

func main() {
	cli.Main(application.Parts{Helper: func(brokers []string, topic string) (mq.Helper, error) {
		return mq.NewKafkaQueue(brokers, topic)
	}})
}
