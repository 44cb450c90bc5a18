package control

import (
	"context"
	"database/sql"
	"sync"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Outside is a BookManager that writes the outbox after the transaction of the book, as a
// program without an outbox in the transaction would: after each write it takes the row
// away, and puts it back a moment later. What waits is lost with the process.
type Outside struct {
	gateway.BookManager
	db      *sql.DB
	waiting sync.WaitGroup
}

// outsideFor is how long a row is away. A kill should meet some.
const outsideFor = 500 * time.Millisecond

// NewOutside returns an Outside in front of books. dsn names their database, on MySQL or
// MariaDB.
func NewOutside(books gateway.BookManager, dsn string) (*Outside, error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	return &Outside{BookManager: books, db: db}, nil
}

func (o *Outside) CreateBook(ctx context.Context, b *model.Book) (uint, error) {
	id, err := o.BookManager.CreateBook(ctx, b)
	if err == nil {
		err = o.postpone(id)
	}
	return id, err
}

func (o *Outside) ChangeBook(ctx context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	stored, err := o.BookManager.ChangeBook(ctx, id, change)
	if err == nil {
		err = o.postpone(id)
	}
	return stored, err
}

// postpone takes the row of a book out of the outbox, if the relay hasn't been faster.
func (o *Outside) postpone(id uint) error {
	tx, err := o.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	var version, changedAt int64
	var kind string
	err = tx.QueryRow("SELECT version, kind, changed_at FROM outbox WHERE book_id = ? FOR UPDATE", id).Scan(&version, &kind, &changedAt)
	if err == sql.ErrNoRows {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM outbox WHERE book_id = ?", id); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	o.waiting.Go(func() {
		time.Sleep(outsideFor)
		// A newer change of the book may have a row by now.
		_, _ = o.db.Exec("INSERT IGNORE INTO outbox (book_id, version, kind, changed_at) VALUES (?, ?, ?, ?)", id, version, kind, changedAt)
	})
	return nil
}
