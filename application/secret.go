package application

import (
	"cmp"
	"crypto/hkdf"
	"crypto/sha256"
)

// visitorKey returns the key that signs visitors' cookies, or nil while the database,
// which keeps the secret of a shop without app.secret, has not answered.
func (w *WireHelper) visitorKey() []byte {
	if key := w.visitors.Load(); key != nil {
		return *key
	}
	secret := cmp.Or(w.config.App.Secret, w.db.secret())
	if secret == "" {
		return nil
	}
	key := deriveKey(secret, "visitor cookie")
	w.visitors.Store(&key)
	return key
}

// deriveKey derives the key for one purpose from the shop's secret (HKDF, RFC 5869).
func deriveKey(secret, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "event-books: "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only a key of more than 255 hashes is an error
	}
	return key
}
