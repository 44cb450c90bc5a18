package importing

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// knownAuthors has the names of authors of several words. It is empty until the
// first doubt: then it gets those of the catalogue and of the whole file, so that the
// order of the rows doesn't matter. A file that can be read only once adds its names
// batch by batch.
type knownAuthors struct {
	names  *spillMap
	filled bool
}

func newKnownAuthors() *knownAuthors { return &knownAuthors{names: newSpillMap(spillEntries / 4)} }

func authorKey(name string) uint64 { return keyOf(sha256.Sum256([]byte(model.Fold(name)))) }

// add adds each name of an author line.
func (k *knownAuthors) add(line string) error {
	for name := range strings.SplitSeq(line, model.AuthorSeparator) {
		if name = strings.TrimSpace(name); !strings.Contains(name, " ") {
			continue
		}
		if err := k.names.put(authorKey(name), 1); err != nil {
			return err
		}
	}
	return nil
}

// hasFirst reports whether the first name of an author line is known. That is the
// one in doubt.
func (k *knownAuthors) hasFirst(line string) (bool, error) {
	name, _, _ := strings.Cut(line, model.AuthorSeparator)
	_, ok, err := k.names.get(authorKey(name))
	return ok, err
}

// settleAuthors decides about each "A, B" in the batch: it is one author if "B A"
// is known.
func (r *importRun) settleAuthors(ctx context.Context, rows []readRow) error {
	doubtful := slices.ContainsFunc(rows, func(read readRow) bool { return read.row != nil && read.row.Turned != "" })
	if !doubtful && !r.authors.filled && !r.dryRun {
		return nil
	}
	for _, read := range rows {
		if read.row != nil && read.row.Turned == "" {
			if err := r.authors.add(read.row.Book.Author); err != nil {
				return err
			}
		}
	}
	if !doubtful {
		return nil
	}
	if !r.authors.filled {
		if err := r.addCatalogue(ctx); err != nil {
			return err
		}
		if err := r.addFile(ctx); err != nil {
			return err
		}
	}
	for _, read := range rows {
		if read.row == nil || read.row.Turned == "" {
			continue
		}
		known, err := r.authors.hasFirst(read.row.Turned)
		if err != nil {
			return err
		}
		if known {
			read.row.Book.Author, read.row.Turned = read.row.Turned, read.row.Book.Author
		}
	}
	return nil
}

// addCatalogue adds the authors of the whole catalogue.
func (r *importRun) addCatalogue(ctx context.Context) error {
	for after := uint(0); ; {
		type page struct {
			authors []string
			last    uint
		}
		p, err := retry(ctx, r.observer, func() (p page, err error) {
			p.authors, p.last, err = r.importer.books.Authors(ctx, after)
			return p, err
		})
		if err != nil {
			return err
		}
		if len(p.authors) == 0 {
			r.authors.filled = true
			return nil
		}
		for _, line := range p.authors {
			if err := r.authors.add(line); err != nil {
				return err
			}
		}
		after = p.last
	}
}

// addFile adds the authors of the whole file if it can be read once more. It stops where
// the file can't be read: the import stops there, too.
func (r *importRun) addFile(ctx context.Context) error {
	if !r.file.CanRewind() {
		return nil
	}
	file, err := r.again()
	if err != nil {
		return err
	}
	return errors.Join(r.addRows(ctx, file), file.Close())
}

func (r *importRun) addRows(ctx context.Context, file gateway.BookFile) error {
	for ctx.Err() == nil {
		row, err := file.Next()
		if _, rejected := errors.AsType[*model.RowError](err); rejected {
			continue
		}
		if err != nil {
			return nil
		}
		if row.Turned != "" {
			continue
		}
		if err := r.authors.add(row.Book.Author); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
