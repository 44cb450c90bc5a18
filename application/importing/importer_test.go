package importing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// file is a file of rows: *model.ImportRow or error. Rewind opens it again.
type file struct {
	rows []any
	open func() []any
	// pipe: it can be read only once.
	pipe     bool
	rejected *rejected
	keptAt   string
	busy     bool // another process has the same job
	closed   int
}

func (f *file) Next() (*model.ImportRow, error) {
	if len(f.rows) == 0 {
		return nil, io.EOF
	}
	next := f.rows[0]
	f.rows = f.rows[1:]
	if err, ok := next.(error); ok {
		return nil, err
	}
	return next.(*model.ImportRow), nil
}

func (f *file) CanRewind() bool { return !f.pipe }

func (f *file) Rewind() error {
	f.rows = f.open()
	return nil
}

func (f *file) KeepRejected(path, _ string) (gateway.RejectedRows, bool) {
	f.keptAt = path
	if f.rejected == nil {
		f.rejected = &rejected{}
	}
	return f.rejected, !f.busy
}

func (f *file) RejectedPath() string                  { return "file.rejected" }
func (f *file) Format() string                        { return "rows" }
func (f *file) Source() string                        { return "test" }
func (f *file) Columns() ([]gateway.Column, []string) { return nil, nil }
func (f *file) Progress() (int64, int64)              { return 0, 0 }
func (f *file) Close() error                          { f.closed++; return nil }

// files opens one file, whatever the path.
type files struct{ *file }

func (f files) Open(string, gateway.FileOptions) (gateway.BookFile, error) { return f.file, nil }

func (f files) CheckOptions(string, gateway.FileOptions) error { return nil }

// importer keeps the batches that it gets, after it has returned each error of
// fails.
type importer struct {
	fails   []error
	reject  map[int]string // by line
	batches [][]model.ImportRow
	calls   int
	// previews counts the previewed batches.
	previews int
	// authors are the author lines of the catalogue.
	authors []string
}

func (i *importer) Authors(_ context.Context, after uint) (authors []string, last uint, err error) {
	if after > 0 {
		return nil, after, nil
	}
	return i.authors, 1, nil
}

// importLog keeps the progress of one file.
type importLog struct{ saved *model.ImportProgress }

func (l *importLog) SaveImport(_ context.Context, p *model.ImportProgress) error {
	saved := *p
	saved.SavedAt = time.Now()
	l.saved = &saved
	return nil
}

func (l *importLog) InterruptedImport(_ context.Context, file string) (*model.ImportProgress, error) {
	if l.saved == nil || l.saved.File != file {
		return nil, nil
	}
	return l.saved, nil
}

func (l *importLog) EndImport(context.Context, string) error {
	l.saved = nil
	return nil
}

// run imports f, which must be closed at the end.
func run(t *testing.T, ctx context.Context, books *importer, progress *importLog, f *file, o importing.Options, observer importing.Observer) (importing.Summary, error) {
	t.Helper()
	m, err := importing.NewImporter(books, progress, files{f}).Open("file", o)
	require.NoError(t, err)
	summary, err := m.Run(ctx, observer)
	require.NoError(t, m.Close())
	assert.Equal(t, 1, f.closed)
	f.closed = 0
	return summary, err
}

// importOf imports rows that can be read only once.
func importOf(t *testing.T, ctx context.Context, books *importer, rows []any, observer importing.Observer) (importing.Summary, error) {
	t.Helper()
	return run(t, ctx, books, &importLog{}, &file{rows: rows, pipe: true}, importing.Options{}, observer)
}

func (i *importer) PreviewBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error) {
	i.previews++
	return make([]model.ImportResult, len(rows)), nil
}

func (i *importer) ImportBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error) {
	i.calls++
	if len(i.fails) > 0 {
		err := i.fails[0]
		i.fails = i.fails[1:]
		if err != nil {
			return nil, err
		}
	}
	var batch []model.ImportRow
	var results []model.ImportResult
	for n, row := range rows {
		batch = append(batch, *row)
		result := model.ImportResult{Outcome: model.ImportOutcome(n % 3)} // created, updated, unchanged
		if reason, ok := i.reject[row.Line]; ok {
			rejected := row.Reject(model.RowInvalid)
			rejected.Detail = reason
			result = model.ImportResult{Outcome: model.Rejected, Error: rejected}
		}
		results = append(results, result)
	}
	i.batches = append(i.batches, batch)
	return results, nil
}

// log is an observer that records every call.
type log []string

func (l *log) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }
func (l *log) Resumed(rows int)               { l.add("resumed after %d rows", rows) }
func (l *log) Rejected(row *model.RowError)   { l.add("%d rejected: %s", row.Line, row.Reason()) }
func (l *log) Note(line int, text string)     { l.add("%d note: %s", line, text) }
func (l *log) Progress(rows int)              { l.add("%d rows", rows) }
func (l *log) Waiting(err error)              { l.add("waiting: %v", err) }

func row(line int, change func(*model.ImportRow)) *model.ImportRow {
	r := &model.ImportRow{Line: line, Book: model.Book{Title: fmt.Sprintf("Book %d", line)}}
	if change != nil {
		change(r)
	}
	return r
}

// rowsUpTo returns rows on the lines 1 to n.
func rowsUpTo(n int) (rows []any) {
	for line := 1; line <= n; line++ {
		rows = append(rows, row(line, nil))
	}
	return rows
}

func checkSum(t *testing.T, s importing.Summary) {
	t.Helper()
	assert.Equal(t, s.Rows, s.Created+s.Updated+s.Unchanged+s.Deleted+s.Rejected)
}

func TestImportCountsEveryRow(t *testing.T) {
	books := &importer{reject: map[int]string{2: "taken"}}
	var seen log
	summary, err := importOf(t, t.Context(), books, []any{
		row(1, nil),
		row(2, nil),
		&model.RowError{Line: 3, Code: model.RowMalformed, Detail: "broken"},
		row(4, func(r *model.ImportRow) { r.Notes = []string{"price dropped: x", "stock dropped: y"} }),
		row(5, nil),
	}, &seen)
	require.NoError(t, err)
	summary.Elapsed = 0
	assert.Equal(t, importing.Summary{
		ImportCounts: model.ImportCounts{Rows: 5, Created: 2, Unchanged: 1, Rejected: 2}, Notes: 2, Format: "rows", Dropped: 2,
	}, summary)
	assert.Equal(t, log{
		"3 rejected: broken",
		"4 note: price dropped: x",
		"4 note: stock dropped: y",
		"2 rejected: taken",
		"5 rows",
	}, seen)
}

func TestImportRejectsRepeatedBooks(t *testing.T) {
	isbn := func(isbn string) func(*model.ImportRow) {
		return func(r *model.ImportRow) { r.Book.ISBN = isbn }
	}
	id := func(source, id, isbn string) func(*model.ImportRow) {
		return func(r *model.ImportRow) { r.Source, r.ExternalID, r.Book.ISBN = source, id, isbn }
	}
	var seen log
	books := &importer{}
	summary, err := importOf(t, t.Context(), books, []any{
		row(2, isbn("9780306406157")),
		row(3, isbn("9780439023481")),
		row(4, isbn("9780306406157")),
		row(5, id("a.csv", "7", "")),
		row(6, id("b.csv", "7", "")),
		row(7, id("a.csv", "7", "9781861972712")),
		row(8, id("a.csv", "8", "9780306406157")),
		row(9, id("a.csv", "8", "9781861972712")), // a rejected row reserves neither
	}, &seen)
	require.NoError(t, err)
	checkSum(t, summary)
	assert.Equal(t, 3, summary.Rejected)
	assert.Equal(t, log{
		"4 rejected: lines 2 and 4 have the same ISBN 9780306406157",
		`7 rejected: lines 5 and 7 have the same id "7"`,
		"8 rejected: lines 2 and 8 have the same ISBN 9780306406157",
		"8 rows",
	}, seen)
}

func TestABookTakesTheISBNOfADeletedOne(t *testing.T) {
	books := &importer{}
	summary, err := importOf(t, t.Context(), books, []any{
		row(2, func(r *model.ImportRow) {
			r.Source, r.ExternalID, r.Book.ISBN, r.Delete = "s", "1", "9780306406157", true
		}),
		row(3, func(r *model.ImportRow) { r.Source, r.ExternalID, r.Book.ISBN = "s", "9", "9780306406157" }),
	}, new(log))
	require.NoError(t, err)
	assert.Zero(t, summary.Rejected)
}

func TestImportNumbersEqualBooks(t *testing.T) {
	books := &importer{}
	same := func(title string) func(*model.ImportRow) {
		return func(r *model.ImportRow) { r.Book.Title = title }
	}
	_, err := importOf(t, t.Context(), books, []any{
		row(1, same("Poems")), row(2, same("POEMS")), row(3, same("Prose")), row(4, same("Poëms")),
		row(5, func(r *model.ImportRow) { r.Book.ISBN = "9780306406157" }),
		row(6, func(r *model.ImportRow) { r.Source, r.ExternalID = "a", "1" }),
	}, new(log))
	require.NoError(t, err)
	require.Len(t, books.batches, 1)
	for n, ordinal := range []int{0, 1, 0, 2} {
		got := books.batches[0][n]
		assert.Equal(t, model.NewFingerprint(&got.Book), got.Fingerprint, "line %d", got.Line)
		assert.Equal(t, ordinal, got.Ordinal, "line %d", got.Line)
	}
	assert.Zero(t, books.batches[0][4].Fingerprint)
	assert.Zero(t, books.batches[0][5].Fingerprint)
}

func TestImportStoresInBatches(t *testing.T) {
	t.Run("of rows", func(t *testing.T) {
		books := &importer{}
		summary, err := importOf(t, t.Context(), books, rowsUpTo(2*model.MaxImportBatch+1), new(log))
		require.NoError(t, err)
		checkSum(t, summary)
		require.Len(t, books.batches, 3)
		assert.Len(t, books.batches[0], model.MaxImportBatch)
		assert.Len(t, books.batches[2], 1)
	})
	t.Run("of text", func(t *testing.T) {
		books := &importer{}
		rows := rowsUpTo(30)
		for _, r := range rows {
			r.(*model.ImportRow).Book.Description = strings.Repeat("x", 1<<20)
		}
		_, err := importOf(t, t.Context(), books, rows, new(log))
		require.NoError(t, err)
		assert.Len(t, books.batches, 4)
	})
}

func TestImportKeepsWhatCameBeforeABreak(t *testing.T) {
	books := &importer{}
	rows := append(rowsUpTo(1500), io.ErrUnexpectedEOF)
	summary, err := importOf(t, t.Context(), books, rows, new(log))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "all rows up to line 1500 are done")
	assert.Equal(t, 1500, summary.Rows)
	checkSum(t, summary)

	// The catalogue fails too.
	books = &importer{fails: []error{nil, errors.New("disk full")}}
	rows = append(rowsUpTo(1500), io.ErrUnexpectedEOF)
	summary, err = importOf(t, t.Context(), books, rows, new(log))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "disk full")
	assert.ErrorContains(t, err, "all rows up to line 1000 are done")
	assert.Equal(t, 1000, summary.Rows)
	checkSum(t, summary)
}

func TestImportEndsWithAFailure(t *testing.T) {
	books := &importer{fails: []error{errors.New("disk full")}}
	summary, err := importOf(t, t.Context(), books, rowsUpTo(5000), new(log))
	assert.ErrorContains(t, err, "nothing is stored")
	assert.ErrorContains(t, err, "disk full")
	assert.Equal(t, 1, books.calls, "only an unavailable catalogue is retried")
	assert.Zero(t, summary.Rows)
}

func TestImportWaitsForTheCatalogue(t *testing.T) {
	away := model.Errorf(model.UnavailableNow, "", "the database does not answer")
	t.Run("that comes back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			books := &importer{fails: []error{nil, away, fmt.Errorf("store: %w", away)}}
			var seen log
			summary, err := importOf(t, t.Context(), books, rowsUpTo(1200), &seen)
			require.NoError(t, err)
			assert.Equal(t, 1200, summary.Rows)
			assert.Equal(t, 4, books.calls)
			assert.Equal(t, log{
				"1000 rows",
				"waiting: the database does not answer",
				"waiting: store: the database does not answer",
				"1200 rows",
			}, seen)
			assert.Positive(t, summary.Elapsed)
		})
	})
	t.Run("that stays away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			books := &importer{fails: []error{nil}}
			for range 1000 {
				books.fails = append(books.fails, away)
			}
			summary, err := importOf(t, t.Context(), books, rowsUpTo(1200), new(log))
			require.ErrorIs(t, err, away)
			assert.ErrorContains(t, err, "all rows up to line 1000 are done")
			assert.Equal(t, 1000, summary.Rows)
			checkSum(t, summary)
			assert.LessOrEqual(t, summary.Elapsed, 2*time.Minute)
		})
	})
	t.Run("until the context ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			books := &importer{}
			for range 1000 {
				books.fails = append(books.fails, away)
			}
			_, err := importOf(t, ctx, books, rowsUpTo(1200), new(log))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Empty(t, books.batches)
		})
	})
}

// rejected keeps rows in memory. A row counts as one byte.
type rejected struct {
	lines    []string
	fails    error
	finished bool
	closed   bool
}

func (r *rejected) Keep(row *model.RowError) error {
	if r.fails != nil {
		return r.fails
	}
	r.lines = append(r.lines, fmt.Sprintf("%d %s: %s", row.Line, row.Text, row.Reason()))
	return nil
}

func (r *rejected) Sync() (int64, error) { return int64(len(r.lines)), nil }

func (r *rejected) Resume(size int64) (bool, error) {
	if int64(len(r.lines)) < size {
		return false, nil
	}
	r.lines = r.lines[:size]
	return true, nil
}

func (r *rejected) Finish(bool) error { r.finished = true; return nil }
func (r *rejected) Path() string      { return "kept" }
func (r *rejected) Source() string    { return "their source" }
func (r *rejected) Close() error      { r.closed = true; return nil }

// aFile has 3,500 rows and three bad ones: line 5 is broken, line 1500 repeats an
// id, and the catalogue refuses line 2500.
func aFile(change func(*[]any)) *file {
	open := func() []any {
		rows := rowsUpTo(3500)
		for n, r := range rows {
			r := r.(*model.ImportRow)
			r.Text = fmt.Appendf(nil, "text %d", r.Line)
			r.Source, r.ExternalID = "file", fmt.Sprint(n)
		}
		rows[4] = &model.RowError{Line: 5, Text: []byte("text 5"), Code: model.RowMalformed, Detail: "broken"}
		rows[1499].(*model.ImportRow).ExternalID = "7"
		if change != nil {
			change(&rows)
		}
		return rows
	}
	return &file{rows: open(), open: open}
}

var allRejected = []string{"5 text 5: broken", `1500 text 1500: lines 8 and 1500 have the same id "7"`, "2500 text 2500: taken"}

// interruptedImport imports the first 2,000 rows of aFile.
func interruptedImport(t *testing.T) (*importer, *importLog, *rejected) {
	t.Helper()
	books := &importer{reject: map[int]string{2500: "taken"}}
	progress, kept := &importLog{}, &rejected{}
	ctx, cancel := context.WithCancel(t.Context())
	observer := &stopping{cancel: func() {
		if len(books.batches) == 2 {
			cancel()
		}
	}}
	f := aFile(nil)
	f.rejected = kept
	summary, err := run(t, ctx, books, progress, f, importing.Options{}, observer)
	require.ErrorIs(t, err, context.Canceled)
	checkSum(t, summary)
	require.Equal(t, 2000, summary.Rows)
	require.False(t, kept.finished)
	kept.lines = append(kept.lines, "written after the progress was saved")
	return books, progress, kept
}

func TestInterruptedImportResumes(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*[]any) // of the file, before the second import
		spoil   func(*importLog, *rejected)
		resumed bool
	}{
		"where it was": {resumed: true},
		"where it was, though the file has grown": {
			change: func(rows *[]any) { *rows = append(*rows, row(3501, nil)) }, resumed: true,
		},
		"from the beginning if the rows before have changed": {
			change: func(rows *[]any) { (*rows)[3].(*model.ImportRow).Text = []byte("another") },
		},
		"from the beginning if the file is shorter": {
			change: func(rows *[]any) { *rows = (*rows)[:1200] },
		},
		"from the beginning if the rejected rows are gone": {
			spoil: func(_ *importLog, r *rejected) { r.lines = nil },
		},
		"from the beginning after a long time": {
			spoil: func(l *importLog, _ *rejected) { l.saved.SavedAt = time.Now().Add(-25 * time.Hour) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			books, progress, kept := interruptedImport(t)
			if c.spoil != nil {
				c.spoil(progress, kept)
			}

			var seen log
			f := aFile(c.change)
			f.rejected = kept
			total := len(f.rows)
			second, err := run(t, t.Context(), books, progress, f, importing.Options{}, &seen)
			require.NoError(t, err)
			checkSum(t, second)
			assert.Equal(t, total, second.Rows, "the summary covers the whole file")
			assert.Equal(t, c.resumed, second.Earlier == 2000)
			assert.Equal(t, c.resumed, strings.HasPrefix(seen[0], "resumed after 2000 rows"), "%s", seen[0])
			if total > 2500 {
				assert.Equal(t, allRejected, kept.lines)
			}
			assert.True(t, kept.finished)
			assert.True(t, kept.closed)
			assert.Nil(t, progress.saved, "no progress is left")
		})
	}
}

func TestAnImportThatCannotResumeBeginsAnew(t *testing.T) {
	for name, f := range map[string]*file{"a pipe": {pipe: true}, "another process has the job": {busy: true}} {
		t.Run(name, func(t *testing.T) {
			whole := aFile(nil)
			f.rows, f.open = whole.rows, whole.open
			progress := &importLog{saved: &model.ImportProgress{SavedAt: time.Now()}}
			summary, err := run(t, t.Context(), &importer{}, progress, f, importing.Options{}, new(log))
			require.NoError(t, err)
			assert.Zero(t, summary.Earlier)
			assert.NotNil(t, progress.saved)
		})
	}
}

func TestRejectedRowsHaveAPath(t *testing.T) {
	for name, c := range map[string]struct {
		file    file
		options importing.Options
		path    string
	}{
		"beside the file": {path: "file.rejected"},
		"as given":        {options: importing.Options{Rejected: "elsewhere"}, path: "elsewhere"},
		"a pipe has none": {file: file{pipe: true}},
		"a pipe, given":   {file: file{pipe: true}, options: importing.Options{Rejected: "elsewhere"}, path: "elsewhere"},
		"a dry run":       {options: importing.Options{Rejected: "elsewhere", DryRun: true}},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.file
			f.rows = []any{&model.RowError{Line: 1, Code: model.RowMalformed, Detail: "broken"}}
			summary, err := run(t, t.Context(), &importer{}, &importLog{}, &f, c.options, new(log))
			require.NoError(t, err)
			assert.Equal(t, c.path, f.keptAt)
			if c.path != "" {
				assert.Equal(t, "kept", summary.RejectedPath)
				assert.Equal(t, "their source", summary.RejectedSource)
				assert.Zero(t, summary.Dropped)
			} else {
				assert.Empty(t, summary.RejectedPath)
				assert.Equal(t, !c.options.DryRun, summary.Dropped == 1)
			}
		})
	}
}

func TestDryRunStoresNothing(t *testing.T) {
	books, progress, f := &importer{}, &importLog{}, aFile(nil)
	summary, err := run(t, t.Context(), books, progress, f, importing.Options{DryRun: true}, new(log))
	require.NoError(t, err)
	checkSum(t, summary)
	assert.Equal(t, 3500, summary.Rows)
	assert.Equal(t, 2, summary.Rejected)
	assert.Zero(t, books.calls)
	assert.Equal(t, 4, books.previews)
	assert.Nil(t, progress.saved)
	assert.Nil(t, f.rejected)
}

func TestImportContinuesIfRejectedRowsCannotBeKept(t *testing.T) {
	progress, f := &importLog{}, aFile(nil)
	f.rejected = &rejected{fails: errors.New("disk full")}
	summary, err := run(t, t.Context(), &importer{}, progress, f, importing.Options{}, new(log))
	assert.ErrorContains(t, err, "disk full")
	checkSum(t, summary)
	assert.Equal(t, 3500, summary.Rows)
	assert.Nil(t, progress.saved, "the next import begins anew and can keep them")
}

// stopping cancels the import at the first progress.
type stopping struct {
	log
	cancel context.CancelFunc
}

func (s *stopping) Progress(int) { s.cancel() }

func TestImportStoresNothingMoreWhenStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	books := &importer{}
	summary, err := importOf(t, ctx, books, rowsUpTo(5000), &stopping{cancel: cancel})
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, books.batches, 1)
	assert.Equal(t, model.MaxImportBatch, summary.Rows)
	checkSum(t, summary)
}

func TestDoubtfulAuthorsAreSettledByTheFileAndTheCatalogue(t *testing.T) {
	author := func(author, turned string) func(*model.ImportRow) {
		return func(r *model.ImportRow) { r.Book.Author, r.Turned = author, turned }
	}
	books := &importer{authors: []string{"Odd Lindqvist, Una Marsh", "", "Plato"}}
	_, err := importOf(t, t.Context(), books, []any{
		row(1, author("Quillon, Xandrine", "Xandrine Quillon")),
		row(2, author("Lindqvist, Odd", "Odd Lindqvist")),
		row(3, author("Homerus, Xanthe", "Xanthe Homerus")),
		row(4, author("XANDRINE Quillon, Ada Ray", "")),
		&model.RowError{Line: 5, Code: model.RowMalformed},
		row(6, author("Lindqvist, Odd, Bob Ray", "Odd Lindqvist, Bob Ray")),
	}, new(log))
	require.NoError(t, err)
	require.Len(t, books.batches, 1)
	rows := books.batches[0]
	assert.Equal(t, "Xandrine Quillon", rows[0].Book.Author, "a later row has the name")
	assert.Equal(t, "Odd Lindqvist", rows[1].Book.Author, "the catalogue has the name")
	assert.Equal(t, "Homerus, Xanthe", rows[2].Book.Author)
	assert.Equal(t, "Odd Lindqvist, Bob Ray", rows[4].Book.Author, "nobody else needs to be known")
	for i, other := range []string{"Quillon, Xandrine", "Lindqvist, Odd", "Xanthe Homerus"} {
		book := rows[i].Book
		assert.Equal(t, model.NewFingerprint(&book), rows[i].Fingerprint)
		book.Author = other
		assert.Equal(t, []model.Alternative{{Fingerprint: model.NewFingerprint(&book)}}, rows[i].Alternatives, "the row is found under its other reading")
	}
}

func TestAlternativesCountTheRowsBefore(t *testing.T) {
	poems := func(author, formerly string) func(*model.ImportRow) {
		return func(r *model.ImportRow) {
			r.Book.Title, r.Book.Author = "Poems", author
			if formerly != "" {
				r.Alternatives = []model.Alternative{{Fingerprint: model.NewFingerprint(&model.Book{Title: "Poems", Author: formerly})}}
			}
		}
	}
	books := &importer{}
	_, err := importOf(t, t.Context(), books, []any{
		row(1, poems("Franz Kafka", "Kafka, Franz")),
		row(2, poems("Franz Kafka", "Franz Kafka")),
		row(3, poems("Kafka, Franz", "")),
		row(4, poems("Franz Kafka", "Kafka, Franz")),
	}, new(log))
	require.NoError(t, err)
	rows := books.batches[0]
	assert.Equal(t, []int{0, 1, 0, 2}, []int{rows[0].Ordinal, rows[1].Ordinal, rows[2].Ordinal, rows[3].Ordinal})
	assert.Equal(t, 0, rows[0].Alternatives[0].Ordinal)
	assert.Empty(t, rows[1].Alternatives, "it is read as before")
	assert.Equal(t, 1, rows[3].Alternatives[0].Ordinal)
}
