package importing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/model"
)

const (
	// unavailableFor is how long the import retries a batch while the catalogue
	// is unavailable.
	unavailableFor = time.Minute
	// resumeWithin is how long an interrupted import can resume. Later the
	// catalogue may have changed too much.
	resumeWithin = 24 * time.Hour
	// maxBatchText bounds the texts of a batch, in bytes.
	maxBatchText = 8 << 20
)

// importRun is the state of a running import.
type importRun struct {
	*Import
	observer Observer
	// digest covers the text of all rows read, last is the line of the last one. They belong
	// to whoever calls readBatch.
	digest  hash.Hash
	last    int
	summary Summary
	batch   []*model.ImportRow
	// bad are the rejected rows that are kept together with the batch.
	bad []*model.RowError
	// unkept is the error that prevents keeping rejected rows.
	unkept error
	// All rows up to line done are finished. doneDigest covers them.
	done       int
	doneDigest [sha256.Size]byte

	// isbns and ids map to the line of the file that has the ISBN, or the
	// source's id. ordinals counts the rows with the same fingerprint. The keys
	// are the first 8 bytes of a SHA-256. In a file of ten million rows two
	// different values share a key by chance once in hundreds of thousands of
	// imports.
	isbns, ids, ordinals *spillMap
	authors              *knownAuthors
}

func keyOf(sum [sha256.Size]byte) uint64 { return binary.BigEndian.Uint64(sum[:]) }

// all imports the file.
func (r *importRun) all(ctx context.Context) (err error) {
	r.begin()
	defer func() { err = errors.Join(err, r.end()) }()
	if err := r.resume(ctx); err != nil {
		return err
	}
	err = r.read(ctx)
	if canResume(err) {
		return err
	}
	if r.rejected != nil && r.unkept == nil {
		r.unkept = r.rejected.Finish(err == nil)
	}
	if r.job != "" {
		err = errors.Join(err, r.importer.log.EndImport(ctx, r.job))
	}
	return err
}

// begin forgets all rows.
func (r *importRun) begin() {
	r.digest = sha256.New()
	r.isbns, r.ids, r.ordinals = newSpillMap(spillEntries), newSpillMap(spillEntries), newSpillMap(spillEntries)
	r.authors = newKnownAuthors()
}

// end removes the temporary files of the maps.
func (r *importRun) end() error {
	return errors.Join(r.isbns.close(), r.ids.close(), r.ordinals.close(), r.authors.names.close())
}

// resume skips the rows that an interrupted import has finished. If there are
// none, or if they have changed, the import begins with the first row.
func (r *importRun) resume(ctx context.Context) error {
	earlier, err := r.interrupted(ctx)
	if err != nil {
		return err
	}
	if earlier != nil {
		same, err := r.skip(ctx, earlier)
		if err != nil {
			return err
		}
		if same {
			r.summary.ImportCounts, r.summary.Earlier = earlier.ImportCounts, earlier.Rows
			r.done, r.doneDigest = r.last, earlier.Digest
			r.observer.Resumed(earlier.Rows)
			return nil
		}
		if err := errors.Join(r.end(), r.file.Rewind()); err != nil {
			return err
		}
		r.begin()
	}
	if r.rejected != nil {
		_, r.unkept = r.rejected.Resume(0)
	}
	return nil
}

// interrupted returns the progress of an interrupted import of the same job, or
// nil if there is none that can resume.
func (r *importRun) interrupted(ctx context.Context) (*model.ImportProgress, error) {
	if r.job == "" {
		return nil, nil
	}
	earlier, err := retry(ctx, r.observer, func() (*model.ImportProgress, error) {
		return r.importer.log.InterruptedImport(ctx, r.job)
	})
	if err != nil || earlier == nil || time.Since(earlier.SavedAt) >= resumeWithin {
		return nil, err
	}
	if ok, err := r.rejected.Resume(earlier.Kept); !ok || err != nil {
		return nil, nil // begin anew; if the rejected rows can't be kept, Resume(0) reports it
	}
	return earlier, nil
}

// skip reads the rows of the earlier import and reports whether they are still
// the same.
func (r *importRun) skip(ctx context.Context, earlier *model.ImportProgress) (same bool, err error) {
	for left := earlier.Rows; left > 0; {
		b := r.readBatch(ctx, left)
		if len(b.rows) == 0 {
			if ctx.Err() != nil {
				return false, b.err
			}
			return false, nil // the file is shorter than it was
		}
		left -= len(b.rows)
		if err := r.settleAuthors(ctx, b.rows); err != nil {
			return false, err
		}
		for _, read := range b.rows {
			if read.row == nil {
				continue
			}
			if _, err := r.identify(read.row); err != nil {
				return false, err
			}
		}
	}
	return [sha256.Size]byte(r.digest.Sum(nil)) == earlier.Digest, nil
}

// next reads a row and adds its text to the digest.
func (r *importRun) next() (*model.ImportRow, error) {
	row, err := r.file.Next()
	var rejected *model.RowError
	switch {
	case errors.As(err, &rejected):
		r.last = rejected.Line
		r.digestText(rejected.Text)
	case err == nil:
		r.last = row.Line
		r.digestText(row.Text)
	}
	return row, err
}

func (r *importRun) digestText(text []byte) {
	fmt.Fprintf(r.digest, "%d:", len(text))
	r.digest.Write(text)
}

// canResume reports whether a later import can resume after this error.
func canResume(err error) bool {
	return errors.Is(err, context.Canceled) || model.ErrorCode(err) == model.UnavailableNow
}

// readRow is a row of the file: a valid or a rejected one.
type readRow struct {
	row      *model.ImportRow
	rejected *model.RowError
}

// readRows is what was read of the file for one transaction.
type readRows struct {
	rows []readRow
	// err is what ended the batch, if it isn't full. io.EOF is the end of the file.
	err error
	// last and digest are those of importRun behind the last row.
	last   int
	digest [sha256.Size]byte
}

// readBatch reads the rows of one batch, at most limit.
func (r *importRun) readBatch(ctx context.Context, limit int) (b readRows) {
	for size := 0; b.err == nil && len(b.rows) < min(limit, model.MaxImportBatch) && size < maxBatchText; {
		if ctx.Err() != nil {
			return readRows{err: context.Cause(ctx)}
		}
		row, err := r.next()
		var rejected *model.RowError
		switch {
		case errors.As(err, &rejected):
			b.rows = append(b.rows, readRow{rejected: rejected})
			size += len(rejected.Text)
		case err != nil:
			b.err = err
		default:
			b.rows = append(b.rows, readRow{row: row})
			size += len(row.Book.Title) + len(row.Book.Author) + len(row.Book.Description) + len(row.Text)
		}
	}
	b.last, b.digest = r.last, [sha256.Size]byte(r.digest.Sum(nil))
	return b
}

// read imports the rows from the current one to the end of the file. While the database stores
// a batch, the next one is read.
func (r *importRun) read(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	batches := make(chan readRows)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(batches)
		for {
			b := r.readBatch(ctx, model.MaxImportBatch)
			select {
			case batches <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	})
	defer reading.Wait()
	defer stop()
	for b := range batches {
		if ctx.Err() != nil {
			break
		}
		switch lost := r.store(ctx, b); {
		case lost != nil && b.err != nil && b.err != io.EOF:
			return fmt.Errorf("%w; then: %w", b.err, lost)
		case lost != nil:
			return lost
		case b.err == io.EOF:
			return nil
		case b.err != nil:
			return b.err
		}
	}
	return context.Cause(ctx)
}

// store imports the rows of one batch.
func (r *importRun) store(ctx context.Context, b readRows) error {
	if err := r.settleAuthors(ctx, b.rows); err != nil {
		return err
	}
	for _, read := range b.rows {
		if read.rejected != nil {
			r.reject(read.rejected)
		} else if err := r.take(read.row); err != nil {
			return err
		}
	}
	return r.flush(ctx, b)
}

// take adds a row to the batch, or rejects it.
func (r *importRun) take(row *model.ImportRow) error {
	for _, note := range row.Notes {
		r.summary.Notes++
		r.observer.Note(row.Line, note)
	}
	repeated, err := r.identify(row)
	if err != nil {
		return err
	}
	if repeated != nil {
		r.reject(repeated)
		return nil
	}
	r.batch = append(r.batch, row)
	return nil
}

// identify rejects a row that has the ISBN or the id of a row before it. It sets
// a fingerprint on rows without ISBN or id, and counts the rows that share one.
func (r *importRun) identify(row *model.ImportRow) (repeated *model.RowError, err error) {
	var isbn uint64
	if row.Book.ISBN != "" && !row.Delete { // a later row may reuse the ISBN of a deleted book
		isbn = keyOf(sha256.Sum256([]byte(row.Book.ISBN)))
		if line, ok, err := r.isbns.get(isbn); ok || err != nil {
			repeated = row.Reject(model.RowSameISBN)
			repeated.OtherLine, repeated.Value = int(line), row.Book.ISBN
			return repeated, err
		}
	}
	if row.ExternalID != "" {
		id := keyOf(sha256.Sum256([]byte(row.Source + "\x00" + row.ExternalID)))
		if line, ok, err := r.ids.get(id); ok || err != nil {
			repeated = row.Reject(model.RowSameID)
			repeated.OtherLine, repeated.Value = int(line), row.ExternalID
			return repeated, err
		}
		if err := r.ids.put(id, uint32(row.Line)); err != nil {
			return nil, err
		}
	}
	switch {
	case row.Delete:
	case row.Book.ISBN != "":
		if err := r.isbns.put(isbn, uint32(row.Line)); err != nil {
			return nil, err
		}
	case row.ExternalID == "" && row.Fingerprint == model.Fingerprint{}:
		row.Fingerprint = model.NewFingerprint(&row.Book)
		if row.Turned != "" {
			other := row.Book
			other.Author = row.Turned
			row.Alternatives = append(row.Alternatives, model.Alternative{Fingerprint: model.NewFingerprint(&other)})
		}
	}
	return nil, r.count(row)
}

// count sets the ordinals of a row: the numbers of earlier rows whose books have
// its fingerprints by now.
func (r *importRun) count(row *model.ImportRow) error {
	row.Alternatives = slices.DeleteFunc(row.Alternatives, func(c model.Alternative) bool { return c.Fingerprint == row.Fingerprint })
	for i := range row.Alternatives {
		ordinal, _, err := r.ordinals.get(keyOf(row.Alternatives[i].Fingerprint))
		if err != nil {
			return err
		}
		row.Alternatives[i].Ordinal = int(ordinal)
	}
	if row.Fingerprint == (model.Fingerprint{}) {
		return nil
	}
	fingerprint := keyOf(row.Fingerprint)
	ordinal, _, err := r.ordinals.get(fingerprint)
	if err != nil {
		return err
	}
	row.Ordinal = int(ordinal)
	return r.ordinals.put(fingerprint, ordinal+1)
}

func (r *importRun) reject(row *model.RowError) {
	r.observer.Rejected(row)
	r.bad = append(r.bad, row)
}

// flush stores the rows taken of a batch, and keeps its rejected ones. It retries while the
// catalogue is unavailable.
func (r *importRun) flush(ctx context.Context, b readRows) error {
	store := r.importer.books.ImportBooks
	if r.dryRun {
		store = r.importer.books.PreviewBooks
	}
	if len(r.batch) > 0 {
		results, err := retry(ctx, r.observer, func() ([]model.ImportResult, error) { return store(ctx, r.batch) })
		if err != nil {
			return err
		}
		for _, result := range results {
			if result.Outcome == model.Rejected {
				r.reject(result.Error)
				continue
			}
			r.summary.Count(result.Outcome)
		}
	}
	for _, row := range r.bad {
		r.summary.Count(model.Rejected)
		r.keep(row)
	}
	clear(r.batch)
	clear(r.bad)
	r.batch, r.bad = r.batch[:0], r.bad[:0]
	r.done, r.doneDigest = b.last, b.digest
	r.observer.Progress(r.summary.Rows)
	return r.save(ctx)
}

// keep keeps a rejected row. After a failure it keeps no more, so that the file
// of rejected rows has no gap.
func (r *importRun) keep(row *model.RowError) {
	if r.rejected != nil && r.unkept == nil {
		r.unkept = r.rejected.Keep(row)
	}
}

// save stores the progress of the import. If rejected rows can't be kept it
// stores nothing: the next import then begins with the first row and keeps them.
func (r *importRun) save(ctx context.Context) error {
	if r.job == "" || r.unkept != nil {
		return nil
	}
	progress := &model.ImportProgress{
		File: r.job, ImportCounts: r.summary.ImportCounts, Digest: r.doneDigest,
	}
	if progress.Kept, r.unkept = r.rejected.Sync(); r.unkept != nil {
		return nil
	}
	_, err := retry(ctx, r.observer, func() (struct{}, error) { return struct{}{}, r.importer.log.SaveImport(ctx, progress) })
	return err
}

// retry repeats an operation for up to a minute while the catalogue is
// unavailable.
func retry[T any](ctx context.Context, observer Observer, operation func() (T, error)) (T, error) {
	return backoff.Retry(ctx, func() (T, error) {
		result, err := operation()
		if err != nil && model.ErrorCode(err) != model.UnavailableNow {
			err = backoff.Permanent(err)
		}
		return result, err
	},
		backoff.WithMaxElapsedTime(unavailableFor),
		backoff.WithNotify(func(err error, _ time.Duration) { observer.Waiting(err) }))
}
