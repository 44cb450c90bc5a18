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
	secret := w.secret()
	if secret == "" {
		return nil
	}
	key := deriveKey(secret, "visitor cookie")
	w.visitors.Store(&key)
	return key
}

// requestKey returns the key under which requests for books are remembered, or nil likewise.
func (w *WireHelper) requestKey() []byte {
	if secret := w.secret(); secret != "" {
		return deriveKey(secret, "requests for books")
	}
	return nil
}

// secret returns the shop's secret, or "" while the database has not answered.
func (w *WireHelper) secret() string { return cmp.Or(w.config.App.Secret, w.db.secret()) }

// deriveKey derives the key for one purpose from the shop's secret (HKDF, RFC 5869).
func deriveKey(secret, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "event-books: "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only a key of more than 255 hashes is an error
	}
	return key
}
