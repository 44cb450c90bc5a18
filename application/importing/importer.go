// Package importing moves whole catalogues: Importer reads files of books into
// the shop's catalogue, Exporter writes the catalogue to a file. It knows the
// domain alone; formats and databases stay behind the gateways.
package importing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Importer imports files into the catalogue.
type Importer struct {
	books gateway.BookImporter
	log   gateway.ImportLog
	files gateway.BookFiles
}

// NewImporter returns an Importer that stores books in books and its progress
// in log.
func NewImporter(books gateway.BookImporter, log gateway.ImportLog, files gateway.BookFiles) *Importer {
	return &Importer{books: books, log: log, files: files}
}

// Options say how files are imported.
type Options struct {
	gateway.FileOptions
	// Rejected is the path of the file that keeps rejected rows. The default is
	// beside the imported file. The rejected rows of a file that can be read
	// only once are dropped unless Rejected is set.
	Rejected string
	// DryRun stores nothing, neither books nor rejected rows.
	DryRun bool
}

// Import is the import of one file.
type Import struct {
	importer *Importer
	file     gateway.BookFile
	// again opens the file once more.
	again  func() (gateway.BookFile, error)
	dryRun bool
	// rejected is nil if rejected rows are dropped.
	rejected gateway.RejectedRows
	// job identifies the import in the log. It is empty if the import can't
	// resume.
	job string
}

// Open opens a file for its import. The caller closes the Import.
func (i *Importer) Open(path string, o Options) (*Import, error) {
	job, err := jobName(path, o)
	if err != nil {
		return nil, err
	}
	file, err := i.files.Open(path, o.FileOptions)
	if err != nil {
		return nil, err
	}
	again := func() (gateway.BookFile, error) { return i.files.Open(path, o.FileOptions) }
	m := &Import{importer: i, file: file, again: again, dryRun: o.DryRun}
	rejectedPath := o.Rejected
	if file.CanRewind() {
		rejectedPath = cmp.Or(rejectedPath, file.RejectedPath())
	}
	if o.DryRun || rejectedPath == "" {
		return m, nil
	}
	if info, err := os.Stat(rejectedPath); err == nil && !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("rejected rows can't be kept in %s: it is no ordinary file", rejectedPath), file.Close())
	}
	rejected, alone := file.KeepRejected(rejectedPath, job)
	m.rejected = rejected
	if alone && file.CanRewind() {
		m.job = job
	}
	return m, nil
}

// jobName identifies the import of a file with these options. It is stored: an
// interrupted import resumes only if the name is the same.
func jobName(path string, o Options) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s %q %q %q", absolute, o.Source, o.Encoding, o.Map)
	if o.Currency != "" { // version 0.1 knew no currency
		name += fmt.Sprintf(" %q", o.Currency)
	}
	return name, nil
}

// Progress returns how many bytes of the file were read, and its size; 0 if
// that isn't known.
func (m *Import) Progress() (read, size int64) { return m.file.Progress() }

// Close closes the file and the rejected rows.
func (m *Import) Close() error {
	err := m.file.Close()
	if m.rejected != nil {
		err = errors.Join(err, m.rejected.Close())
	}
	return err
}

// Summary tells what became of the rows of a file.
type Summary struct {
	model.ImportCounts
	// Earlier is the number of rows that an interrupted import had finished.
	Earlier int
	// Notes counts the notes on the other rows.
	Notes   int
	Elapsed time.Duration

	// Format, Used and Ignored describe the file: see gateway.BookFile.
	Format  string
	Used    []gateway.Column
	Ignored []string

	// RejectedPath is the path of the file of rejected rows, or empty if there
	// is none. RejectedSource is the source that the import of this file needs,
	// or empty if it needs none.
	RejectedPath, RejectedSource string
	// Dropped is the number of rejected rows that could not be kept because no
	// path was known for them.
	Dropped int
}

// Observer follows an import. The goroutine that imports calls its methods.
type Observer interface {
	// Resumed is called once if an interrupted import had finished some rows.
	Resumed(rows int)
	// Rejected is called for each row that can't be imported.
	Rejected(row *model.RowError)
	// Note is called for each note on a row: see model.ImportRow.
	Note(line int, text string)
	// Progress is called after each batch with the number of finished rows.
	Progress(rows int)
	// Waiting is called before each retry while the catalogue doesn't answer.
	Waiting(err error)
}

// Run imports the file to its end. A rejected row doesn't stop the import.
//
// If the file can't be read to its end, the rows before are stored. If ctx is
// cancelled or the catalogue stays unavailable, the stored rows are kept, and the
// next import of the file resumes after them if it comes within a day and these
// rows are unchanged. The error names the last line up to which all rows are
// finished; the summary counts these rows.
//
// A killed import resumes too. It compares the rows of its last batch again, so
// these may count as unchanged.
func (m *Import) Run(ctx context.Context, observer Observer) (Summary, error) {
	start := time.Now()
	run := &importRun{Import: m, observer: observer}
	err := run.all(ctx)
	s := &run.summary
	s.Elapsed = time.Since(start)
	s.Format = m.file.Format()
	s.Used, s.Ignored = m.file.Columns()
	switch {
	case m.rejected != nil:
		s.RejectedPath, s.RejectedSource = m.rejected.Path(), m.rejected.Source()
	case !m.dryRun:
		s.Dropped = s.Rejected
	}
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("interrupted: %w", err)
	}
	if err != nil && run.done == 0 {
		err = fmt.Errorf("%w; nothing is stored", err)
	} else if err != nil {
		err = fmt.Errorf("%w; all rows up to line %d are done", err, run.done)
	}
	return *s, errors.Join(err, run.unkept)
}
