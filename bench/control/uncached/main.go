// Command uncached is the shop that reads every book from the database.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/bench/control"
	"literank.com/event-books/domain/gateway"
)

func main() {
	cli.Main(application.Parts{Outbox: func(outbox gateway.Outbox) gateway.Outbox {
		return control.Blind{Outbox: outbox}
	}})
}
