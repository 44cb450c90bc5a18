package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"literank.com/event-books/application"
)

// Main runs the command in the program's arguments, with parts of the shop
// replaced, and exits with its status. SIGINT and SIGTERM ask the command to
// end; a second signal ends the process at once.
func Main(parts application.Parts) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := Run(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, parts)
	os.Exit(Exit(err, os.Stderr))
}
