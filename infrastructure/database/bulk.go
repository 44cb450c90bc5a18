package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// table is read and written many rows at a time, by its key.
type table struct {
	name        string
	key, values []string
}

// bulk reads and writes rows of tables in a transaction. It prepares a statement for each
// table once, which GORM wouldn't.
type bulk struct {
	conn     gorm.ConnPool
	dialect  dialect
	prepared map[string]*sql.Stmt
}

func newBulk(tx *gorm.DB, d dialect) *bulk {
	return &bulk{tx.Statement.ConnPool, d, map[string]*sql.Stmt{}}
}

func (b *bulk) close() {
	for _, statement := range b.prepared {
		_ = statement.Close()
	}
}

// statement prepares a statement, once in the transaction.
func (b *bulk) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if statement, ok := b.prepared[query]; ok {
		return statement, nil
	}
	statement, err := b.conn.PrepareContext(ctx, query)
	if err == nil {
		b.prepared[query] = statement
	}
	return statement, err
}

// having is the condition that a row has one of so many keys.
func (t table) having(keys int) string {
	one := "(" + strings.Join(t.key, " = ? AND ") + " = ?)"
	return strings.Repeat(one+" OR ", keys-1) + one
}

// load calls scan for each row that has one of the keys.
func (b *bulk) load(ctx context.Context, t table, keys [][]any, scan func(rows *sql.Rows) error) error {
	query := "SELECT " + strings.Join(slices.Concat(t.key, t.values), ", ") + " FROM " + t.name + " WHERE "
	return b.chunks(keys, func(chunk [][]any) error {
		statement, err := b.statement(ctx, query+t.having(len(chunk)))
		if err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		rows, err := statement.QueryContext(ctx, slices.Concat(chunk...)...)
		if err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return fmt.Errorf("read %s: %w", t.name, err)
			}
		}
		return rows.Err()
	})
}

// store writes rows: the columns of the key, then the values. It replaces rows with the same
// keys.
func (b *bulk) store(ctx context.Context, t table, rows [][]any) error {
	columns := slices.Concat(t.key, t.values)
	marks := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	query := "INSERT INTO " + t.name + " (" + strings.Join(columns, ", ") + ") VALUES "
	return b.execute(ctx, t, rows, func(n int) string {
		return query + strings.Repeat(marks+", ", n-1) + marks + b.dialect.replacing(t.key, t.values)
	})
}

// remove deletes rows by their keys.
func (b *bulk) remove(ctx context.Context, t table, keys [][]any) error {
	return b.execute(ctx, t, keys, func(n int) string { return "DELETE FROM " + t.name + " WHERE " + t.having(n) })
}

// execute runs the query for some rows at a time.
func (b *bulk) execute(ctx context.Context, t table, rows [][]any, query func(n int) string) error {
	return b.chunks(rows, func(chunk [][]any) error {
		statement, err := b.statement(ctx, query(len(chunk)))
		if err == nil {
			_, err = statement.ExecContext(ctx, slices.Concat(chunk...)...)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", t.name, err)
		}
		return nil
	})
}

// chunks cuts rows into those of one statement. The last ones go one by one, so that few
// different statements are prepared.
func (b *bulk) chunks(rows [][]any, each func(chunk [][]any) error) error {
	for n := b.dialect.rowsPerStatement(); len(rows) > 0; {
		chunk := rows[:min(n, len(rows))]
		if len(chunk) < n && n > 1 {
			n = max(1, n/4)
			continue
		}
		if err := each(chunk); err != nil {
			return err
		}
		rows = rows[len(chunk):]
	}
	return nil
}
