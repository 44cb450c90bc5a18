// Command forgetful is the shop whose consumers don't recognise copies of events.
package main

import (
	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/bench/control"
	"literank.com/event-books/domain/gateway"
)

func main() {
	cli.Main(application.Parts{Progress: func(progress gateway.Progress) gateway.Progress {
		return control.Forgetful{Progress: progress}
	}})
}
