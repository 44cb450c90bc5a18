//go:build unix

// Command interests measures what recommendations cost when a million pairs of books are counted: a
// click, and an answer of /api/recommendations while clicks arrive. It writes the table into
// docs/recommendations.md, which explains it. It runs in the root of the repository: make interests.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/recommendations.md", "interests")

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal("interests: ", err)
	}
}

// bench has what all measurements share.
type bench struct {
	program, dir string
	crowd        *crowd
	rows         []string
}

func run(ctx context.Context) (err error) {
	b := &bench{crowd: newCrowd()}
	if b.dir, err = os.MkdirTemp("", "event-books-interests-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.program = filepath.Join(b.dir, "event-books")
	if err := testbed.Build(ctx, b.program, ""); err != nil {
		return err
	}
	if err := b.importBooks(ctx); err != nil {
		return err
	}
	if err := b.measureClicks(ctx); err != nil {
		return err
	}
	if err := b.measureAnswers(ctx); err != nil {
		return err
	}
	head := fmt.Sprintf("Measured on %s on %s; %s; SQLite; %d books in %d groups, of which visitors open those of one; the shop, its broker and the clients share the machine.",
		time.Now().UTC().Format(time.DateOnly), testbed.Machine(), testbed.GoVersion(), books, groups)
	return page.Report(head, "| figure | asked | reached |\n|---|---|---|\n"+strings.Join(b.rows, "\n"))
}

func (b *bench) row(figure, asked, reached string, values ...any) {
	row := fmt.Sprintf("| %s | %s | %s |", figure, asked, fmt.Sprintf(reached, values...))
	log.Print(row)
	b.rows = append(b.rows, row)
}

// importBooks makes the catalogue.
func (b *bench) importBooks(ctx context.Context) error {
	var rows strings.Builder
	rows.WriteString("title,author,subjects,language,description\n")
	for i := range books {
		fmt.Fprintf(&rows, "Book %d of many,Author %d,Subject %d,en,It is about number %d.\n", i, i/5, i%groups, i)
	}
	file := filepath.Join(b.dir, "books.csv")
	if err := os.WriteFile(file, []byte(rows.String()), 0o600); err != nil {
		return err
	}
	_, err := testbed.Import(ctx, b.program, b.dir, "", file)
	return err
}
