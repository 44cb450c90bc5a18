package trends

import (
	"context"
	"slices"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// text is what is known of a keyword's text.
type text struct {
	text  string
	books []uint
	// public says for each window whether the public may see the keyword, and read when that
	// was found out.
	public [windows]bool
	read   [windows]time.Time
	stale  bool // the keyword has changed since
}

const (
	// staleAfter is how long a keyword stays public without another look while it changes,
	// and oldAfter while it doesn't.
	staleAfter, oldAfter = 2 * time.Second, time.Minute
	// textsAtOnce is the number of texts that are read at once.
	textsAtOnce = 200
	// maxKept bounds the texts in memory.
	maxKept = 100_000
)

// current reports whether what is known needs no other look.
func (t *text) current(now time.Time, window int) bool {
	age := now.Sub(t.read[window])
	switch {
	case t.read[window].IsZero():
		return false
	case t.stale && !t.public[window]:
		return false
	case t.stale:
		return age < staleAfter
	}
	return age < oldAfter
}

// entries returns those of the candidates that the public may see, as many as are listed.
// budget is how many texts may still be read.
func (b *Board) entries(ctx context.Context, now time.Time, l list, best []candidate, budget *int) (entries []Entry, err error) {
	for part := range slices.Chunk(best, textsAtOnce) {
		if err := b.readTexts(ctx, now, l.window, part, budget); err != nil {
			return nil, err
		}
		for _, c := range part {
			row := &b.sums.rows[c.at]
			t := b.texts[row.keyword]
			if t == nil || !t.public[l.window] || b.isHidden(t.text) {
				continue
			}
			sum := row.byWindow[l.window]
			entries = append(entries, Entry{
				Query: t.text, Books: t.books,
				Searches: int64(sum.searches), Requests: int64(sum.requests), Before: int64(sum.before),
			})
			if len(entries) == listed {
				return entries, nil
			}
		}
	}
	return entries, nil
}

// isHidden reports whether staff have hidden a keyword.
func (b *Board) isHidden(text string) bool {
	_, hidden := slices.BinarySearch(b.hidden, model.Fold(text))
	return hidden
}

// readTexts reads the texts of candidates that aren't current.
func (b *Board) readTexts(ctx context.Context, now time.Time, window int, part []candidate, budget *int) error {
	var ids []int64
	for _, c := range part {
		id := b.sums.rows[c.at].keyword
		if t := b.texts[id]; (t == nil || !t.current(now, window)) && len(ids) < *budget {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	*budget -= len(ids)
	span, _ := trend.Windows[window].At(now)
	first, last := span.Days()
	found, err := b.reader.PublicKeywords(ctx, ids, first, last, b.options.MinVisitors)
	if err != nil {
		return err
	}
	if len(b.texts)+len(ids) > maxKept {
		clear(b.texts)
	}
	for _, id := range ids {
		if b.texts[id] == nil {
			b.texts[id] = &text{}
		}
		t := b.texts[id]
		if t.stale { // other windows must be looked at again, too
			*t = text{text: t.text, books: t.books}
		}
		t.public[window], t.read[window] = false, now
	}
	for _, k := range found {
		t := b.texts[k.Keyword]
		t.text, t.books = k.Text, k.Books
		if k.Crowd < b.options.MinVisitors || personal(k.Text) {
			continue
		}
		if t.public[window], err = b.words.known(ctx, k.Text, k.Books); err != nil {
			return err
		}
	}
	return nil
}
