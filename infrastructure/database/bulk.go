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
	err := b.each(ctx, keys, func(n int) string { return query + t.having(n) }, func(statement *sql.Stmt, values []any) error {
		rows, err := statement.QueryContext(ctx, values...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	return nil
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
	err := b.each(ctx, rows, query, func(statement *sql.Stmt, values []any) error {
		_, err := statement.ExecContext(ctx, values...)
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", t.name, err)
	}
	return nil
}

// each calls do for some rows at a time, with the statement that query returns for so many. The
// last rows go in smaller and smaller parts, so that few different statements are prepared.
func (b *bulk) each(ctx context.Context, rows [][]any, query func(n int) string, do func(statement *sql.Stmt, values []any) error) error {
	var statement *sql.Stmt
	prepared := 0
	for n := b.dialect.rowsPerStatement(); len(rows) > 0; {
		if len(rows) < n && n > 1 {
			n = max(1, n/4)
			continue
		}
		if n != prepared {
			var err error
			if statement, err = b.statement(ctx, query(n)); err != nil {
				return err
			}
			prepared = n
		}
		values := rows[0]
		if n > 1 {
			values = slices.Concat(rows[:n]...)
		}
		if err := do(statement, values); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
