// Command outside is the shop whose changes enter the outbox after the transaction of the
// book. It needs a MySQL or MariaDB database in EVENT_BOOKS_DB_DSN.
package main

import (
	"log"
	"os"

	"literank.com/event-books/adapter/cli"
	"literank.com/event-books/application"
	"literank.com/event-books/bench/control"
	"literank.com/event-books/domain/gateway"
)

func main() {
	cli.Main(application.Parts{Books: func(books gateway.BookManager) gateway.BookManager {
		outside, err := control.NewOutside(books, os.Getenv("EVENT_BOOKS_DB_DSN"))
		if err != nil {
			log.Fatal("outside: ", err)
		}
		return outside
	}})
}
