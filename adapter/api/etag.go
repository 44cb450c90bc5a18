package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"literank.com/event-books/domain/model"
)

// encode returns a book as the body of an answer, with its strong entity tag (RFC 9110).
func encode(b *model.Book) (body []byte, etag string, err error) {
	if body, err = json.Marshal(b); err != nil {
		return nil, "", err
	}
	hash := sha256.Sum256(body)
	return body, `"` + hex.EncodeToString(hash[:16]) + `"`, nil
}

// checkState returns an error of code PreconditionFailed unless the current book meets a
// write's If-Match and If-None-Match.
func checkState(header http.Header, current *model.Book) error {
	match, noneMatch := header["If-Match"], header["If-None-Match"]
	if match == nil && noneMatch == nil {
		return nil
	}
	_, tag, err := encode(current)
	if err != nil {
		return err
	}
	switch {
	case match != nil && !matches(match, tag, strongly):
		return model.Errorf(model.PreconditionFailed, "If-Match", "names no present state of the book: it has changed, so read it again")
	case noneMatch != nil && matches(noneMatch, tag, weakly):
		return model.Errorf(model.PreconditionFailed, "If-None-Match", "names the present state of the book")
	}
	return nil
}

// comparison is how two entity tags are compared: only the weak comparison takes W/"x"
// for "x".
type comparison bool

const (
	strongly comparison = false
	weakly   comparison = true
)

// matches reports whether a list of entity tags is * or has tag. A tag of another server
// may contain commas, but no part of it looks like a tag of the shop.
func matches(lists []string, tag string, how comparison) bool {
	list := strings.Join(lists, ",")
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for named := range strings.SplitSeq(list, ",") {
		named = strings.TrimSpace(named)
		if how == weakly {
			named = strings.TrimPrefix(named, "W/")
		}
		if named == tag {
			return true
		}
	}
	return false
}
