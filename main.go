// Event-books is a bookstore's catalogue and search. Each keyword search becomes an
// event on a Kafka topic.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
)

func main() { cli.Main(application.Parts{}) }
