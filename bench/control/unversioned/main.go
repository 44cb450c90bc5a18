// Command unversioned is the shop whose relay doesn't compare versions when it removes
// changes from the outbox.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/bench/control"
	"literank.com/event-books/domain/gateway"
)

func main() {
	cli.Main(application.Parts{Outbox: func(outbox gateway.Outbox) gateway.Outbox {
		return control.Unversioned{Outbox: outbox}
	}})
}
