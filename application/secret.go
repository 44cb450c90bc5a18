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
	key := w.keyFor("visitor cookie")
	if key != nil {
		w.visitors.Store(&key)
	}
	return key
}

// exportKey returns the key by which ids of visitors are hashed before they leave the shop, or nil
// like visitorKey.
func (w *WireHelper) exportKey() []byte { return w.keyFor("exported visitors") }

func (w *WireHelper) keyFor(purpose string) []byte {
	secret := cmp.Or(w.config.App.Secret, w.db.secret())
	if secret == "" {
		return nil
	}
	return deriveKey(secret, purpose)
}

// requestKey returns the key under which requests for books are remembered, or nil likewise.
func (w *WireHelper) requestKey() []byte { return w.keyFor("requests for books") }

// deriveKey derives the key for one purpose from the shop's secret (HKDF, RFC 5869).
func deriveKey(secret, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "event-books: "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only a key of more than 255 hashes is an error
	}
	return key
}
