package importing

import (
	"context"
	"crypto/sha256"
	"strings"

	"literank.com/event-books/domain/model"
)

// knownAuthors remembers the names of authors of several words: those in the
// file so far and, once there is a doubt, those in the catalogue.
type knownAuthors struct {
	names *spillMap
	// complete is set if the names of the catalogue were added.
	complete bool
}

func newKnownAuthors() *knownAuthors { return &knownAuthors{names: newSpillMap(spillEntries)} }

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

func (k *knownAuthors) has(line string) (bool, error) {
	for name := range strings.SplitSeq(line, model.AuthorSeparator) {
		if _, ok, err := k.names.get(authorKey(name)); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// settleAuthors decides about each "A, B" in the batch: it is one author if "B A"
// is known.
func (r *importRun) settleAuthors(ctx context.Context, rows []readRow) error {
	var doubtful []*model.ImportRow
	for _, read := range rows {
		switch {
		case read.row == nil:
		case read.row.Turned != "":
			doubtful = append(doubtful, read.row)
		default:
			if err := r.authors.add(read.row.Book.Author); err != nil {
				return err
			}
		}
	}
	if len(doubtful) > 0 && !r.authors.complete {
		if err := r.addCatalogue(ctx); err != nil {
			return err
		}
	}
	for _, row := range doubtful {
		known, err := r.authors.has(row.Turned)
		if err != nil {
			return err
		}
		if known {
			row.Book.Author, row.Turned = row.Turned, row.Book.Author
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
			r.authors.complete = true
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
