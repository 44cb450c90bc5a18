package adapter

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"literank.com/event-books/adapter/api"
)

// compressFrom is the size in bytes from which answers are compressed.
const compressFrom = 1025

// newCompressor returns a function that makes a handler compress its larger answers for
// clients that accept gzip. The length of a compressed answer hints at its content (the
// BREACH attack), so no body may hold a secret of the client: the visitor's number is in
// a header, and forms need no token, because they are checked by their origin.
func newCompressor() (func(http.Handler) http.HandlerFunc, error) {
	return gzhttp.NewWrapper(gzhttp.MinSize(compressFrom), gzhttp.EnableZstd(false))
}

// serveCompressed answers a request. A single book is never compressed: its entity tag
// stands for exactly these bytes. Nor are live searches, which must not wait for more.
func (s *Server) serveCompressed(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/books/") || r.URL.Path == api.LivePath {
		s.engine.ServeHTTP(w, r)
		return
	}
	// The compressor leaves HEAD requests alone, but HEAD has to answer with the headers
	// of GET. It sees only the headers of this copy.
	asGet := *r
	asGet.Method = http.MethodGet
	s.compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { s.engine.ServeHTTP(w, r) }))(w, &asGet)
}
