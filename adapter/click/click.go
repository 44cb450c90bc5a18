// Package click signs the links from results to books, so that opening one can be told from
// a made-up address. It must not know gin or the application.
package click

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/model"
)

const (
	// validity is how long after its search a link counts. ahead is how far the clock of the
	// instance that answered the search may be ahead.
	validity = 24 * time.Hour
	ahead    = 5 * time.Minute
	// macBytes is the length of a signature.
	macBytes = 16
	// maxToken is far longer than any token, in bytes.
	maxToken = 1000
)

// version is the first byte of a token.
const version = 1

// Signer signs links with the key of the day of their search.
type Signer struct {
	// DayKey returns the key of the UTC day of a time, or nil if it isn't known.
	DayKey func(at time.Time) []byte
}

// Token returns what a link to a book must carry, so that opening it makes that click. It is
// "" while the day's key isn't known. The token has what the rest of the link doesn't say:
// search, time, surface, offset, place and tag. Its signature covers book, keyword and visitor,
// too.
func (s Signer) Token(c *model.ClickEvent) string {
	key := s.DayKey(c.SearchTime)
	id, err := uuid.Parse(c.SearchID)
	if key == nil || err != nil {
		return ""
	}
	token := append([]byte{version}, id[:]...)
	token = binary.BigEndian.AppendUint64(token, uint64(c.SearchTime.UnixNano()))
	token = binary.AppendUvarint(token, uint64(c.Offset))
	token = binary.AppendUvarint(token, uint64(c.Ordinal))
	token = appendText(token, string(c.Surface))
	token = append(token, c.Tag...)
	return base64.RawURLEncoding.EncodeToString(append(token, sign(key, token, c)...))
}

// Open returns the click on a link with that token. complete adds what the token doesn't say:
// book, keyword and visitor. It is called only if the link may still count. ok is false if the
// link is forged, changed, of another visitor or too old.
func (s Signer) Open(token string, now time.Time, complete func(c *model.ClickEvent)) (c *model.ClickEvent, ok bool) {
	c, content, mac := parse(token)
	if c == nil {
		return nil, false
	}
	if age := now.Sub(c.SearchTime); age < -ahead || age > validity {
		return nil, false
	}
	key := s.DayKey(c.SearchTime)
	if key == nil {
		return nil, false
	}
	complete(c)
	return c, hmac.Equal(mac, sign(key, content, c))
}

// parse takes a token apart. It returns nil if the text is no token.
func parse(token string) (c *model.ClickEvent, content, mac []byte) {
	const fixed = 1 + 16 + 8
	data, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(token) > maxToken || len(data) < fixed+macBytes || data[0] != version {
		return nil, nil, nil
	}
	content, mac = data[:len(data)-macBytes], data[len(data)-macBytes:]
	c = &model.ClickEvent{
		SearchID:   uuid.UUID(content[1:17]).String(),
		SearchTime: time.Unix(0, int64(binary.BigEndian.Uint64(content[17:]))).UTC(),
	}
	rest := content[fixed:]
	number := func() (n uint64) {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > model.MaxOffset {
			c = nil
			return 0
		}
		rest = rest[size:]
		return n
	}
	offset, ordinal, length := number(), number(), number()
	if c == nil || length > uint64(len(rest)) {
		return nil, nil, nil
	}
	c.Offset, c.Ordinal = int(offset), int(ordinal)
	c.Surface, c.Tag = model.Surface(rest[:length]), string(rest[length:])
	return c, content, mac
}

// sign returns the signature of a token without it, for the rest of a click.
func sign(key, token []byte, c *model.ClickEvent) []byte {
	mac := hmac.New(sha256.New, key)
	signed := appendText([]byte("click\n"), string(token))
	signed = binary.AppendUvarint(signed, uint64(c.Book))
	for _, text := range []string{string(c.Keyword), c.ClientID, c.Visitor} {
		signed = appendText(signed, text)
	}
	mac.Write(signed)
	return mac.Sum(nil)[:macBytes]
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
