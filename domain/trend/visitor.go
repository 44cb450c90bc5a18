package trend

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/google/uuid"
)

// Visitor tells visitors apart: 16 bytes for the number of a cookie, 8 for a daily visitor,
// none for an event without visitor.
type Visitor string

// Lengths of visitors, in bytes.
const (
	cookieBytes  = 16
	dailyBytes   = 8
	networkBytes = 4
)

// VisitorOf returns the visitor of an event: the number of the cookie, or else the daily
// visitor, 16 hexadecimal digits.
func VisitorOf(clientID, daily string) Visitor {
	if clientID != "" {
		if id, err := uuid.Parse(clientID); err == nil && id.String() == clientID {
			return Visitor(id[:])
		}
		sum := sha256.Sum256([]byte(clientID)) // another program's number
		return Visitor(sum[:cookieBytes])
	}
	if id, err := hex.DecodeString(daily); err == nil && len(id) == dailyBytes {
		return Visitor(id)
	}
	return ""
}

// ErasedVisitor returns the visitor that an erasure names: a daily visitor by its digits, or
// else the number of a cookie.
func ErasedVisitor(name string) Visitor {
	if v := VisitorOf("", name); v != "" {
		return v
	}
	return VisitorOf(name, "")
}

// Network returns the bytes of a daily visitor that stand for the network, or "" for other
// visitors.
func (v Visitor) Network() string {
	if len(v) != dailyBytes {
		return ""
	}
	return string(v[:networkBytes])
}

// Cookie reports whether the visitor is known by a cookie.
func (v Visitor) Cookie() bool { return len(v) == cookieBytes }
