//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"literank.com/event-books/bench/testbed"
)

// The queries with which the sweep compares books with known ones. A test compares them
// with those of package database.
const (
	sumsQuery = `SELECT b.n = k.n AND b.s = k.s FROM
			(SELECT COUNT(*) n, COALESCE(SUM(id), 0) s FROM books) b,
			(SELECT COUNT(*) n, COALESCE(SUM(book_id), 0) s FROM known_books) k`
	deletedQuery = `SELECT k.book_id FROM known_books k LEFT JOIN books b ON b.id = k.book_id
		WHERE b.id IS NULL AND k.book_id > ? ORDER BY k.book_id LIMIT ?`
	addedQuery = `SELECT b.id FROM books b LEFT JOIN known_books k ON k.book_id = b.id
		WHERE k.book_id IS NULL AND b.search_hash IS NOT NULL AND b.id > ? ORDER BY b.id LIMIT ?`
	compareRows = 1000
)

// measureSweep measures what a pass of the sweep costs in a large catalogue.
func (s *station) measureSweep(ctx context.Context, set settings, _ string) (figures []figure, err error) {
	rows := int(1_000_000 * set.scale)
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	program, err := s.build(ctx, "")
	if err != nil {
		return nil, err
	}
	dsn, db, drop, err := testbed.NewDatabase(ctx, s.server, "changes")
	if err != nil {
		return nil, err
	}
	closers.Add(drop)
	if err := s.fill(ctx, program, dsn, db, rows); err != nil {
		return nil, err
	}
	add := func(name string, deleted int, query string, arguments ...any) error {
		took, found, err := timeQuery(ctx, db, query, arguments...)
		figures = append(figures, figure{
			name: fmt.Sprintf("sweep of %d books, %d of them deleted: %s", rows, deleted, name), asked: "stated",
			reached: fmt.Sprintf("%d ms (%d rows)", took.Milliseconds(), found),
		})
		return err
	}
	for _, deleted := range []int{0, compareRows} {
		if deleted > 0 {
			if _, err := db.ExecContext(ctx, "DELETE FROM books ORDER BY RAND() LIMIT ?", deleted); err != nil {
				return nil, err
			}
		}
		err = errors.Join(add("counts and sums", deleted, sumsQuery),
			add("find deleted books", deleted, deletedQuery, 0, compareRows),
			add("find added books", deleted, addedQuery, 0, compareRows))
		if err != nil {
			return nil, err
		}
	}
	return figures, nil
}

// fill makes the tables and fills them with books that the sweep knows. Their texts are as
// long as usual ones.
func (s *station) fill(ctx context.Context, program, dsn string, db *sql.DB, rows int) error {
	file := filepath.Join(s.dir, "one.csv")
	if err := os.WriteFile(file, []byte("title\nOne\n"), 0o600); err != nil {
		return err
	}
	if _, err := testbed.Import(ctx, program, s.dir, dsn, file); err != nil {
		return err
	}
	for _, statement := range []string{
		"DELETE FROM books", "DELETE FROM known_books", "DELETE FROM outbox",
		fmt.Sprintf(`INSERT INTO books (title, author, published_at, description, created_at, search_text, title_folded, authors_folded, search_hash, touched_at, version)
			SELECT CONCAT('A title of some length, number ', seq), CONCAT('Author ', seq MOD 100000), '1900', REPEAT('A description. ', 20), NOW(3),
			REPEAT('a description. ', 25), CONCAT('a title of some length, number ', seq), CONCAT('author ', seq MOD 100000),
			UNHEX(SHA2(seq, 256)), NOW() - INTERVAL 1 DAY, seq FROM seq_1_to_%d`, rows),
		"INSERT INTO known_books SELECT id FROM books",
		"ANALYZE TABLE books, known_books",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.40s: %w", statement, err)
		}
	}
	return nil
}

// timeQuery returns the median time of a query, and the number of rows that it finds.
func timeQuery(ctx context.Context, db *sql.DB, query string, arguments ...any) (took time.Duration, found int, err error) {
	var times []time.Duration
	for range 5 {
		begun := time.Now()
		rows, err := db.QueryContext(ctx, query, arguments...)
		if err != nil {
			return 0, 0, err
		}
		for found = 0; rows.Next(); found++ {
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return 0, 0, err
		}
		times = append(times, time.Since(begun))
	}
	return median(times), found, nil
}

// someBooks returns the ids of shownBooks books.
func someBooks(ctx context.Context, db *sql.DB) (ids []uint, err error) {
	rows, err := db.QueryContext(ctx, "SELECT id FROM books ORDER BY RAND() LIMIT ?", shownBooks)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id uint
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
