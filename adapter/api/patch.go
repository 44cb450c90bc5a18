package api

import (
	"bytes"
	"io"
	"mime"
	"net/http"

	"literank.com/event-books/domain/model"
)

// patchType is the media type of a JSON Merge Patch (RFC 7396).
const patchType = "application/merge-patch+json"

// patch is a JSON Merge Patch of a book.
type patch []byte

// readPatch reads a patch as strictly as readBook reads a book. A request without a media
// type counts as a patch.
func readPatch(r *http.Request) (patch, error) {
	if given := r.Header.Get("Content-Type"); given != "" {
		if kind, _, err := mime.ParseMediaType(given); err != nil || kind != patchType && kind != "application/json" {
			return nil, model.Errorf(model.Unsupported, "Content-Type", "must be %s or application/json", patchType)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	p := patch(body)
	return p, p.applyTo(&model.Book{})
}

// apply returns the patched book. It modifies its argument.
func (p patch) apply(b *model.Book) (*model.Book, error) {
	id, created := b.ID, b.CreatedAt
	if err := p.applyTo(b); err != nil {
		return nil, err
	}
	switch {
	case b.ID != id:
		return nil, model.Errorf(model.Invalid, "id", "can't be changed")
	case !b.CreatedAt.Equal(created):
		return nil, model.Errorf(model.Invalid, "created_at", "can't be changed")
	}
	return b, nil
}

// applyTo relies on how decodeBook treats a book with values: an absent member keeps its
// field, null empties it, and an array replaces the one before. No field of a book is an
// object, so this is the whole of RFC 7396.
func (p patch) applyTo(b *model.Book) error { return decodeBook(bytes.NewReader(p), b) }
