package executor

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

const (
	// importPatience is how long one batch waits for a database that doesn't
	// answer.
	importPatience = time.Minute
	// resumeWithin is how long an interrupted import can go on: later the
	// catalogue may have changed too much.
	resumeWithin = 24 * time.Hour
	// maxBatchText bounds a batch of rows with long texts, in bytes.
	maxBatchText = 8 << 20
)

// Importer brings the books of a file into the catalogue.
type Importer struct {
	books gateway.BookImporter
	log   gateway.ImportLog
}

func NewImporter(books gateway.BookImporter, log gateway.ImportLog) *Importer {
	return &Importer{books: books, log: log}
}

// ImportSource gives out the rows of a file.
type ImportSource = gateway.BookSource

// ImportFile is a file to import.
type ImportFile struct {
	// Name tells the file from others when an interrupted import is to go on.
	// A file without a name begins anew.
	Name string
	// Open opens the file at its beginning.
	Open func() (ImportSource, error)
	// Rejected keeps the rows that can't be taken; nil drops them.
	Rejected gateway.RejectedRows
	// DryRun stores nothing, in the catalogue or elsewhere.
	DryRun bool
}

// ImportSummary counts what became of the rows of a file.
type ImportSummary struct {
	model.ImportCounts
	// Earlier is how many of the rows an interrupted import has seen to.
	Earlier int
	// Notes counts what was dropped or mended in the other rows.
	Notes   int
	Elapsed time.Duration
}

// ImportObserver is told how an import goes on. Its methods are called by
// the goroutine that imports.
type ImportObserver interface {
	// Resumed tells how many rows are done with already.
	Resumed(rows int)
	// Rejected tells why the row that begins at line is not in the catalogue.
	Rejected(line int, reason string)
	// Note tells what of a row was dropped or mended: see model.ImportRow.
	Note(line int, text string)
	// Progress tells how many rows are done with.
	Progress(rows int)
	// Waiting tells that the catalogue doesn't answer and is tried again.
	Waiting(err error)
}

// Import reads the file to its end. A row that can't be taken doesn't stop
// the others. When the file breaks off, what came before is stored; when ctx
// is done or the catalogue stays away, what is stored is kept and nothing more
// is, and the next import of the file goes on from there, if that is within a
// day and the rows before are the same. The error then says up to which line
// all rows are done with, and the summary holds for these.
//
// An import that is killed goes on as well. The batch that it was about to note
// is then compared again, and its rows count as unchanged.
func (i *Importer) Import(ctx context.Context, file ImportFile, observer ImportObserver) (ImportSummary, error) {
	start := time.Now()
	if file.DryRun { // which leaves nothing to go on with
		file.Name, file.Rejected = "", nil
	}
	run := &importRun{importer: i, file: file, observer: observer}
	err := run.all(ctx)
	run.summary.Elapsed = time.Since(start)
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("interrupted: %w", err)
	}
	if err != nil && run.done == 0 {
		err = fmt.Errorf("%w; nothing is stored", err)
	} else if err != nil {
		err = fmt.Errorf("%w; all rows up to line %d are done", err, run.done)
	}
	return run.summary, errors.Join(err, run.unkept)
}

// importRun is one import.
type importRun struct {
	importer *Importer
	file     ImportFile
	observer ImportObserver
	source   gateway.BookSource
	// digest is of all rows read.
	digest  hash.Hash
	summary ImportSummary
	batch   []*model.ImportRow
	// text is the length of the batch's texts.
	text int
	// rejected are rows to be kept with the batch.
	rejected []*model.RowError
	// unkept is why rejected rows can't be kept.
	unkept error
	// last is the last line read, done the last one before which no row is
	// pending.
	last, done int

	// The lines on which the file has an ISBN, and a source's id, and how many
	// rows have the same fingerprint. Keys are the first 8 bytes of a SHA-256:
	// in a file of ten million rows two different ones meet by chance once in
	// hundreds of thousands of imports.
	isbns, ids, ordinals *spillMap
}

func keyOf(sum [sha256.Size]byte) uint64 { return binary.BigEndian.Uint64(sum[:]) }

func (r *importRun) all(ctx context.Context) (err error) {
	if err := r.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.resume(ctx); err != nil {
		return err
	}
	err = r.read(ctx)
	if r.interrupted(err) {
		return err
	}
	if r.file.Rejected != nil && r.unkept == nil {
		r.unkept = r.file.Rejected.Finish(err == nil)
	}
	if r.file.Name != "" {
		err = errors.Join(err, r.importer.log.EndImport(ctx, r.file.Name))
	}
	return err
}

// open begins at the beginning.
func (r *importRun) open() (err error) {
	if r.source != nil {
		if err := r.close(); err != nil {
			return err
		}
	}
	r.digest = sha256.New()
	r.isbns, r.ids, r.ordinals = newSpillMap(spillEntries), newSpillMap(spillEntries), newSpillMap(spillEntries)
	r.source, err = r.file.Open()
	return err
}

func (r *importRun) close() error {
	if r.source == nil { // it could not be opened again
		return nil
	}
	return errors.Join(r.source.Close(), r.isbns.close(), r.ids.close(), r.ordinals.close())
}

// resume passes over the rows that an interrupted import is done with.
func (r *importRun) resume(ctx context.Context) error {
	var earlier *model.ImportProgress
	if r.file.Name != "" {
		var err error
		earlier, err = patiently(ctx, r.observer, func() (*model.ImportProgress, error) {
			return r.importer.log.InterruptedImport(ctx, r.file.Name)
		})
		if err != nil {
			return err
		}
	}
	if earlier != nil && time.Since(earlier.SavedAt) < resumeWithin && r.keptBy(earlier) {
		same, err := r.skip(ctx, earlier)
		if err != nil {
			return err
		}
		if same {
			r.summary.ImportCounts, r.summary.Earlier = earlier.ImportCounts, earlier.Rows
			r.done = r.last
			r.observer.Resumed(earlier.Rows)
			return nil
		}
		if err := r.open(); err != nil {
			return err
		}
	}
	if r.file.Rejected != nil {
		_, r.unkept = r.file.Rejected.Resume(0)
	}
	return nil
}

// keptBy reports whether the rows that the earlier import rejected are there.
func (r *importRun) keptBy(earlier *model.ImportProgress) bool {
	if r.file.Rejected == nil {
		return earlier.Kept == 0
	}
	ok, err := r.file.Rejected.Resume(earlier.Kept)
	return ok && err == nil
}

// skip reads the rows of the earlier import and reports whether they are still
// the same.
func (r *importRun) skip(ctx context.Context, earlier *model.ImportProgress) (same bool, err error) {
	for range earlier.Rows {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		row, err := r.next()
		var rejected *model.RowError
		if errors.As(err, &rejected) {
			continue
		}
		if err != nil {
			return false, nil // shorter than it was
		}
		if _, err := r.identify(row); err != nil {
			return false, err
		}
	}
	return [sha256.Size]byte(r.digest.Sum(nil)) == earlier.Digest, nil
}

// next reads a row.
func (r *importRun) next() (*model.ImportRow, error) {
	row, err := r.source.Next()
	var rejected *model.RowError
	switch {
	case errors.As(err, &rejected):
		r.last = rejected.Line
		r.write(rejected.Text)
	case err == nil:
		r.last = row.Line
		r.write(row.Text)
	}
	return row, err
}

func (r *importRun) write(text []byte) {
	fmt.Fprintf(r.digest, "%d:", len(text))
	r.digest.Write(text)
}

// interrupted reports errors after which an import can go on.
func (r *importRun) interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || model.ErrorCode(err) == model.UnavailableNow
}

func (r *importRun) read(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row, err := r.next()
		var rejected *model.RowError
		switch {
		case errors.As(err, &rejected):
			r.reject(rejected)
		case err == io.EOF:
			return r.flush(ctx)
		case err != nil:
			if lost := r.flush(ctx); lost != nil {
				return fmt.Errorf("%w; then: %w", err, lost)
			}
			return err
		default:
			if err := r.take(row); err != nil {
				return err
			}
		}
		if len(r.batch)+len(r.rejected) >= model.MaxImportBatch || r.text >= maxBatchText {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// take puts a row into the batch, or rejects it.
func (r *importRun) take(row *model.ImportRow) error {
	for _, note := range row.Notes {
		r.summary.Notes++
		r.observer.Note(row.Line, note)
	}
	reason, err := r.identify(row)
	if err != nil {
		return err
	}
	if reason != "" {
		r.reject(&model.RowError{Line: row.Line, Text: row.Text, Reason: reason})
		return nil
	}
	r.batch = append(r.batch, row)
	r.text += len(row.Book.Title) + len(row.Book.Author) + len(row.Book.Description) + len(row.Text)
	return nil
}

// identify gives a row that has nothing else its fingerprint. It returns the
// reason if the row is the same book as one before it.
func (r *importRun) identify(row *model.ImportRow) (repeated string, err error) {
	var isbn uint64
	if row.Book.ISBN != "" && !row.Delete { // the book that takes its place may follow
		isbn = keyOf(sha256.Sum256([]byte(row.Book.ISBN)))
		if line, ok, err := r.isbns.get(isbn); ok || err != nil {
			return fmt.Sprintf("lines %d and %d have the same ISBN %s", line, row.Line, row.Book.ISBN), err
		}
	}
	if row.ExternalID != "" {
		id := keyOf(sha256.Sum256([]byte(row.Source + "\x00" + row.ExternalID)))
		if line, ok, err := r.ids.get(id); ok || err != nil {
			return fmt.Sprintf("lines %d and %d have the same id %q", line, row.Line, row.ExternalID), err
		}
		if err := r.ids.put(id, uint32(row.Line)); err != nil {
			return "", err
		}
	}
	switch {
	case row.Delete:
	case row.Book.ISBN != "":
		if err := r.isbns.put(isbn, uint32(row.Line)); err != nil {
			return "", err
		}
	case row.ExternalID == "" && row.Fingerprint == model.Fingerprint{}:
		row.Fingerprint = model.NewFingerprint(&row.Book)
	}
	if row.Fingerprint == (model.Fingerprint{}) {
		return "", nil
	}
	fingerprint := keyOf(row.Fingerprint)
	ordinal, _, err := r.ordinals.get(fingerprint)
	if err != nil {
		return "", err
	}
	row.Ordinal = int(ordinal)
	return "", r.ordinals.put(fingerprint, ordinal+1)
}

func (r *importRun) reject(row *model.RowError) {
	r.observer.Rejected(row.Line, row.Reason)
	r.rejected = append(r.rejected, row)
	r.text += len(row.Text)
}

// flush stores the batch, waiting for a catalogue that is away.
func (r *importRun) flush(ctx context.Context) error {
	store := r.importer.books.ImportBooks
	if r.file.DryRun {
		store = r.importer.books.PreviewBooks
	}
	if len(r.batch) > 0 {
		results, err := patiently(ctx, r.observer, func() ([]model.ImportResult, error) { return store(ctx, r.batch) })
		if err != nil {
			return err
		}
		for n, result := range results {
			if result.Outcome == model.Rejected {
				row := r.batch[n]
				r.reject(&model.RowError{Line: row.Line, Text: row.Text, Reason: result.Reason})
				continue
			}
			r.summary.Count(result.Outcome)
		}
	}
	for _, row := range r.rejected {
		r.summary.Count(model.Rejected)
		r.keep(row)
	}
	clear(r.batch)
	clear(r.rejected)
	r.batch, r.rejected, r.text = r.batch[:0], r.rejected[:0], 0
	r.done = r.last
	r.observer.Progress(r.summary.Rows)
	return r.save(ctx)
}

// keep stops at the first failure: the others would leave a gap.
func (r *importRun) keep(row *model.RowError) {
	if r.file.Rejected != nil && r.unkept == nil {
		r.unkept = r.file.Rejected.Keep(row)
	}
}

// save notes how far the import has come. Where rejected rows can't be kept
// nothing is noted: the next import begins anew, so that it can keep them.
func (r *importRun) save(ctx context.Context) error {
	if r.file.Name == "" || r.unkept != nil {
		return nil
	}
	progress := &model.ImportProgress{
		File: r.file.Name, ImportCounts: r.summary.ImportCounts, Digest: [sha256.Size]byte(r.digest.Sum(nil)),
	}
	if r.file.Rejected != nil {
		if progress.Kept, r.unkept = r.file.Rejected.Sync(); r.unkept != nil {
			return nil
		}
	}
	_, err := patiently(ctx, r.observer, func() (struct{}, error) { return struct{}{}, r.importer.log.SaveImport(ctx, progress) })
	return err
}

// patiently tries for a minute while the catalogue is away.
func patiently[T any](ctx context.Context, observer ImportObserver, operation func() (T, error)) (T, error) {
	return backoff.Retry(ctx, func() (T, error) {
		result, err := operation()
		if err != nil && model.ErrorCode(err) != model.UnavailableNow {
			err = backoff.Permanent(err)
		}
		return result, err
	},
		backoff.WithMaxElapsedTime(importPatience),
		backoff.WithNotify(func(err error, _ time.Duration) { observer.Waiting(err) }))
}
