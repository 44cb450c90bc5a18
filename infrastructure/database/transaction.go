package database

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// transactionTries bounds the attempts at a transaction that collides with other
// writers. Their growing random pauses add up to some seconds.
const transactionTries = 15

// transaction runs work in a transaction. After an error that again accepts, it rolls
// back and runs work once more.
func (db *DB) transaction(session *gorm.DB, again func(error) bool, work func(tx *gorm.DB) error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 5*time.Millisecond, time.Second
	_, err := backoff.Retry(session.Statement.Context, func() (struct{}, error) {
		err := session.Transaction(work, db.dialect.isolation())
		if err != nil && !again(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(transactionTries))
	return err
}

// deadlock reports errors of a server that rolled back, because another transaction
// held or changed the same rows.
func deadlock(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && (e.Number == 1213 || e.Number == 1205 || e.Number == 1020)
}

// collision reports errors that show that another writer was at work between
// reading and writing. A repeated transaction reads what it wrote.
func collision(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) || deadlock(err) }

// locking makes a transaction's reads on a server lock the rows, and the gaps where
// missing ones would be, until the transaction ends: nobody else changes or adds them.
// SQLite's write transaction locks the whole database.
func (db *DB) locking(tx *gorm.DB) *gorm.DB {
	if !db.dialect.writesOfOthers() {
		return tx
	}
	return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Session(&gorm.Session{})
}
