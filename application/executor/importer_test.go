package executor_test

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

	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// source gives out what it holds: *model.ImportRow or error.
type source []any

func (s *source) Next() (*model.ImportRow, error) {
	if len(*s) == 0 {
		return nil, io.EOF
	}
	next := (*s)[0]
	*s = (*s)[1:]
	if err, ok := next.(error); ok {
		return nil, err
	}
	return next.(*model.ImportRow), nil
}

func (s *source) Close() error { return nil }

// importer keeps what it is given, after failing with each of fails.
type importer struct {
	fails   []error
	reject  map[int]string // by line
	batches [][]model.ImportRow
	calls   int
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
			result = model.ImportResult{Outcome: model.Rejected, Reason: reason}
		}
		results = append(results, result)
	}
	i.batches = append(i.batches, batch)
	return results, nil
}

// log is an observer that writes down what it is told.
type log []string

func (l *log) add(format string, args ...any)   { *l = append(*l, fmt.Sprintf(format, args...)) }
func (l *log) Rejected(line int, reason string) { l.add("%d rejected: %s", line, reason) }
func (l *log) Note(line int, text string)       { l.add("%d note: %s", line, text) }
func (l *log) Progress(rows int)                { l.add("%d rows", rows) }
func (l *log) Waiting(err error)                { l.add("waiting: %v", err) }

func row(line int, change func(*model.ImportRow)) *model.ImportRow {
	r := &model.ImportRow{Line: line, Book: model.Book{Title: fmt.Sprintf("Book %d", line)}}
	if change != nil {
		change(r)
	}
	return r
}

// rowsUpTo returns rows on the lines 1 to n.
func rowsUpTo(n int) *source {
	var s source
	for line := 1; line <= n; line++ {
		s = append(s, row(line, nil))
	}
	return &s
}

func checkSum(t *testing.T, s executor.ImportSummary) {
	t.Helper()
	assert.Equal(t, s.Rows, s.Created+s.Updated+s.Unchanged+s.Rejected)
}

func TestImportCountsEveryRow(t *testing.T) {
	books := &importer{reject: map[int]string{2: "taken"}}
	var seen log
	summary, err := executor.NewImporter(books).Import(t.Context(), &source{
		row(1, nil),
		row(2, nil),
		&model.RowError{Line: 3, Reason: "broken"},
		row(4, func(r *model.ImportRow) { r.Notes = []string{"price dropped: x", "stock dropped: y"} }),
		row(5, nil),
	}, &seen)
	require.NoError(t, err)
	summary.Elapsed = 0
	assert.Equal(t, executor.ImportSummary{Rows: 5, Created: 2, Unchanged: 1, Rejected: 2, Notes: 2}, summary)
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
	summary, err := executor.NewImporter(books).Import(t.Context(), &source{
		row(2, isbn("9780306406157")),
		row(3, isbn("9780439023481")),
		row(4, isbn("9780306406157")),
		row(5, id("a.csv", "7", "")),
		row(6, id("b.csv", "7", "")),
		row(7, id("a.csv", "7", "9781861972712")),
		row(8, id("a.csv", "8", "9780306406157")),
		row(9, id("a.csv", "8", "9781861972712")), // neither was taken by a rejected row
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

func TestImportNumbersEqualBooks(t *testing.T) {
	books := &importer{}
	same := func(title string) func(*model.ImportRow) {
		return func(r *model.ImportRow) { r.Book.Title = title }
	}
	_, err := executor.NewImporter(books).Import(t.Context(), &source{
		row(1, same("Poems")), row(2, same("POEMS")), row(3, same("Prose")), row(4, same("Poëms")),
		row(5, func(r *model.ImportRow) { r.Book.ISBN = "9780306406157" }),
		row(6, func(r *model.ImportRow) { r.Source, r.ExternalID = "a", "1" }),
	}, new(log))
	require.NoError(t, err)
	require.Len(t, books.batches, 1)
	for n, ordinal := range []int{0, 1, 0, 2} {
		got := books.batches[0][n]
		want := got
		want.SetFingerprint(ordinal)
		assert.Equal(t, want.Fingerprint, got.Fingerprint, "line %d", got.Line)
	}
	assert.Zero(t, books.batches[0][4].Fingerprint)
	assert.Zero(t, books.batches[0][5].Fingerprint)
}

func TestImportStoresInBatches(t *testing.T) {
	t.Run("of rows", func(t *testing.T) {
		books := &importer{}
		summary, err := executor.NewImporter(books).Import(t.Context(), rowsUpTo(2*model.MaxImportBatch+1), new(log))
		require.NoError(t, err)
		checkSum(t, summary)
		require.Len(t, books.batches, 3)
		assert.Len(t, books.batches[0], model.MaxImportBatch)
		assert.Len(t, books.batches[2], 1)
	})
	t.Run("of text", func(t *testing.T) {
		books := &importer{}
		rows := rowsUpTo(30)
		for _, r := range *rows {
			r.(*model.ImportRow).Book.Description = strings.Repeat("x", 1<<20)
		}
		_, err := executor.NewImporter(books).Import(t.Context(), rows, new(log))
		require.NoError(t, err)
		assert.Len(t, books.batches, 4)
	})
}

func TestImportKeepsWhatCameBeforeABreak(t *testing.T) {
	books := &importer{}
	rows := append(*rowsUpTo(1500), io.ErrUnexpectedEOF)
	summary, err := executor.NewImporter(books).Import(t.Context(), &rows, new(log))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "all rows up to line 1500 are done")
	assert.Equal(t, 1500, summary.Rows)
	checkSum(t, summary)

	// The catalogue breaks too.
	books = &importer{fails: []error{nil, errors.New("disk full")}}
	rows = append(*rowsUpTo(1500), io.ErrUnexpectedEOF)
	summary, err = executor.NewImporter(books).Import(t.Context(), &rows, new(log))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "disk full")
	assert.ErrorContains(t, err, "all rows up to line 1000 are done")
	assert.Equal(t, 1000, summary.Rows)
	checkSum(t, summary)
}

func TestImportEndsWithAFailure(t *testing.T) {
	books := &importer{fails: []error{errors.New("disk full")}}
	summary, err := executor.NewImporter(books).Import(t.Context(), rowsUpTo(5000), new(log))
	assert.ErrorContains(t, err, "nothing is stored")
	assert.ErrorContains(t, err, "disk full")
	assert.Equal(t, 1, books.calls, "only an absent catalogue is tried again")
	assert.Zero(t, summary.Rows)
}

func TestImportWaitsForTheCatalogue(t *testing.T) {
	away := model.Errorf(model.UnavailableNow, "", "the database does not answer")
	t.Run("that comes back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			books := &importer{fails: []error{nil, away, fmt.Errorf("store: %w", away)}}
			var seen log
			summary, err := executor.NewImporter(books).Import(t.Context(), rowsUpTo(1200), &seen)
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
			summary, err := executor.NewImporter(books).Import(t.Context(), rowsUpTo(1200), new(log))
			require.ErrorIs(t, err, away)
			assert.ErrorContains(t, err, "all rows up to line 1000 are done")
			assert.Equal(t, 1000, summary.Rows)
			checkSum(t, summary)
			assert.LessOrEqual(t, summary.Elapsed, 2*time.Minute)
		})
	})
	t.Run("until it is told to stop", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			books := &importer{}
			for range 1000 {
				books.fails = append(books.fails, away)
			}
			_, err := executor.NewImporter(books).Import(ctx, rowsUpTo(1200), new(log))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Empty(t, books.batches)
		})
	})
}

// stopping cancels the import when it is told of progress.
type stopping struct {
	log
	cancel context.CancelFunc
}

func (s *stopping) Progress(int) { s.cancel() }

func TestImportStoresNothingMoreWhenStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	books := &importer{}
	summary, err := executor.NewImporter(books).Import(ctx, rowsUpTo(5000), &stopping{cancel: cancel})
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, books.batches, 1)
	assert.Equal(t, model.MaxImportBatch, summary.Rows)
	checkSum(t, summary)
}
