// Event-books is a bookstore's catalogue and search whose every keyword
// search becomes an event on a Kafka topic.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"literank.com/event-books/adapter/cli"
)

func main() {
	err := run(context.Background(), os.Args[1:])
	os.Exit(cli.Exit(err, os.Stderr))
}

// run executes one command until it ends or a signal asks it to. A second
// signal ends the process at once.
func run(ctx context.Context, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, args, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
