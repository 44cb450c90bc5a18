package executor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

const (
	// importPatience is how long one batch waits for a database that doesn't
	// answer.
	importPatience = time.Minute
	// maxBatchText bounds a batch of rows with long texts, in bytes.
	maxBatchText = 8 << 20
)

// Importer brings the books of a file into the catalogue.
type Importer struct {
	books gateway.BookImporter
}

func NewImporter(books gateway.BookImporter) *Importer {
	return &Importer{books: books}
}

// ImportSummary counts what became of the rows of a file.
type ImportSummary struct {
	// Rows = Created + Updated + Unchanged + Rejected, always.
	Rows, Created, Updated, Unchanged, Rejected int
	// Notes counts what was dropped or mended in rows.
	Notes   int
	Elapsed time.Duration
}

// ImportObserver is told how an import goes on. Its methods are called by
// the goroutine that imports.
type ImportObserver interface {
	// Rejected tells why the row that begins at line is not in the catalogue.
	Rejected(line int, reason string)
	// Note tells what of a row was dropped or mended: see model.ImportRow.
	Note(line int, text string)
	// Progress tells how many rows are done with.
	Progress(rows int)
	// Waiting tells that the catalogue doesn't answer and is tried again.
	Waiting(err error)
}

// Import reads the source to its end. A row that can't be taken doesn't stop
// the others. When the source breaks off, what came before is stored; when
// ctx is done or the catalogue stays away, what is stored is kept and nothing
// more is. The error then says up to which line all rows are done with, and
// the summary holds for these.
func (i *Importer) Import(ctx context.Context, source gateway.BookSource, observer ImportObserver) (ImportSummary, error) {
	start := time.Now()
	run := &importRun{
		books:    i.books,
		observer: observer,
		isbns:    map[uint64]int{},
		ids:      map[identity]int{},
		ordinals: map[identity]int{},
	}
	err := run.read(ctx, source)
	run.summary.Elapsed = time.Since(start)
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("interrupted: %w", err)
	}
	if err != nil && run.done == 0 {
		err = fmt.Errorf("%w; nothing is stored", err)
	} else if err != nil {
		err = fmt.Errorf("%w; all rows up to line %d are done", err, run.done)
	}
	return run.summary, err
}

// An identity is the first half of a SHA-256: two different ones out of
// billions don't meet.
type identity [sha256.Size / 2]byte

func newIdentity(sum [sha256.Size]byte) identity { return identity(sum[:len(identity{})]) }

// importRun is one import.
type importRun struct {
	books    gateway.BookImporter
	observer ImportObserver
	summary  ImportSummary
	batch    []*model.ImportRow
	// text is the length of the batch's texts.
	text int
	// last is the last line read, done the last one before which no row is
	// pending.
	last, done int

	// The lines on which the file has an ISBN, and a source's id.
	isbns map[uint64]int
	ids   map[identity]int
	// ordinals counts the rows that are equal in title, authors and year.
	ordinals map[identity]int
}

func (r *importRun) read(ctx context.Context, source gateway.BookSource) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row, err := source.Next()
		var rejected *model.RowError
		switch {
		case errors.As(err, &rejected):
			r.last = rejected.Line
			r.reject(rejected.Line, rejected.Reason)
			continue
		case err == io.EOF:
			return r.flush(ctx)
		case err != nil:
			if lost := r.flush(ctx); lost != nil {
				return fmt.Errorf("%w; then: %w", err, lost)
			}
			return err
		}
		r.last = row.Line
		for _, note := range row.Notes {
			r.summary.Notes++
			r.observer.Note(row.Line, note)
		}
		if reason := r.identify(row); reason != "" {
			r.reject(row.Line, reason)
			continue
		}
		r.batch = append(r.batch, row)
		r.text += len(row.Book.Title) + len(row.Book.Author) + len(row.Book.Description)
		if len(r.batch) == model.MaxImportBatch || r.text >= maxBatchText {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// identify gives a row that has nothing else its fingerprint. It returns the
// reason if the row is the same book as one before it.
func (r *importRun) identify(row *model.ImportRow) (repeated string) {
	isbn, _ := strconv.ParseUint(row.Book.ISBN, 10, 64) // 0 if there is none
	if line, ok := r.isbns[isbn]; ok {
		return fmt.Sprintf("lines %d and %d have the same ISBN %s", line, row.Line, row.Book.ISBN)
	}
	var id identity
	if row.ExternalID != "" {
		id = newIdentity(sha256.Sum256([]byte(row.Source + "\x00" + row.ExternalID)))
		if line, ok := r.ids[id]; ok {
			return fmt.Sprintf("lines %d and %d have the same id %q", line, row.Line, row.ExternalID)
		}
		r.ids[id] = row.Line
	}
	switch {
	case isbn != 0:
		r.isbns[isbn] = row.Line
	case row.ExternalID == "":
		row.SetFingerprint(0)
		id = newIdentity(row.Fingerprint)
		if ordinal := r.ordinals[id]; ordinal > 0 {
			row.SetFingerprint(ordinal)
		}
		r.ordinals[id]++
	}
	return ""
}

func (r *importRun) reject(line int, reason string) {
	r.summary.Rows++
	r.summary.Rejected++
	r.observer.Rejected(line, reason)
}

// flush stores the batch, waiting for a catalogue that is away.
func (r *importRun) flush(ctx context.Context) error {
	if len(r.batch) > 0 {
		results, err := r.store(ctx)
		if err != nil {
			return err
		}
		for n, result := range results {
			switch result.Outcome {
			case model.Created:
				r.summary.Created++
			case model.Updated:
				r.summary.Updated++
			case model.Unchanged:
				r.summary.Unchanged++
			default:
				r.reject(r.batch[n].Line, result.Reason)
				continue
			}
			r.summary.Rows++
		}
	}
	clear(r.batch)
	r.batch, r.text = r.batch[:0], 0
	r.done = r.last
	r.observer.Progress(r.summary.Rows)
	return nil
}

func (r *importRun) store(ctx context.Context) ([]model.ImportResult, error) {
	return backoff.Retry(ctx, func() ([]model.ImportResult, error) {
		results, err := r.books.ImportBooks(ctx, r.batch)
		if err != nil && model.ErrorCode(err) != model.UnavailableNow {
			return nil, backoff.Permanent(err)
		}
		return results, err
	},
		backoff.WithMaxElapsedTime(importPatience),
		backoff.WithNotify(func(err error, _ time.Duration) { r.observer.Waiting(err) }))
}
