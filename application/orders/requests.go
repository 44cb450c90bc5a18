package orders

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
)

// Ask stores a visitor's wish for a book, once for each visitor and keyword; of all visitors who are
// unknown, once a day. It stores nothing if the shop has a book for the keyword. The error has the code
// UnavailableNow if that isn't possible at the moment.
func (l *List) Ask(ctx context.Context, keyword model.Keyword, visitor string) error {
	if book, err := l.findExactly(ctx, keyword); err != nil || book != 0 {
		return err
	}
	key := l.Key()
	if key == nil {
		return &model.Error{Code: model.UnavailableNow, Message: "requests can't be taken at the moment", RetryAfter: time.Second}
	}
	now := l.now()
	_, err := l.Reader.RequestOrder(ctx, demand.Request{Keyword: keyword, Once: once(key, keyword, visitor, now), At: now})
	return err
}

// once stands for a visitor and a keyword. Nobody finds out either of them without the key.
func once(key []byte, keyword model.Keyword, visitor string, now time.Time) [sha256.Size]byte {
	if visitor == "" {
		visitor = now.UTC().Format(time.DateOnly)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(visitor + "\n" + model.Fold(string(keyword))))
	return [sha256.Size]byte(mac.Sum(nil))
}

// Decide gives an entry a state and a note. Its errors have the codes NotFound and Invalid.
func (l *List) Decide(ctx context.Context, id string, state demand.State, note string) error {
	if !slices.Contains(demand.States[:], state) {
		return model.Errorf(model.Invalid, "state", "must be one of open, ordered, ignored, done")
	}
	if utf8.RuneCountInString(note) > demand.MaxNote {
		return model.Errorf(model.Invalid, "note", "is longer than %d characters", demand.MaxNote)
	}
	if !utf8.ValidString(note) || slices.ContainsFunc([]rune(note), unicode.IsControl) {
		return model.Errorf(model.Invalid, "note", "must be one line of readable text")
	}
	name, err := l.find(ctx, id)
	if err != nil {
		return err
	}
	return l.Reader.DecideOrder(ctx, demand.Stored{Keyword: name, State: state, Note: note, DecidedAt: l.now()})
}

// find returns the name of an entry.
func (l *List) find(ctx context.Context, id string) (string, error) {
	entries := l.entries.Load()
	if entries == nil {
		return "", errNotReady
	}
	for _, e := range *entries {
		if e.ID == id {
			return l.nameOf(ctx, e)
		}
	}
	return "", errUnknown
}

var errUnknown = model.Errorf(model.NotFound, "id", "belongs to no entry of the order list")
