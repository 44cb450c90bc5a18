// Package staff signs the shop's staff in: who knows the admin token gets a session, whose random
// number is in a cookie. It must not know gin or the application.
package staff

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"literank.com/event-books/domain/gateway"
)

const (
	cookieName = "staff"
	// lifetime is how long a session lasts.
	lifetime = 12 * time.Hour
	// proof is the field of a session that says for which admin token it was made: with another
	// token, all sessions end.
	proof = "proof"
)

// Sessions are those of all staff. Its methods may be called concurrently.
type Sessions struct {
	manager *scs.SessionManager
	store   gateway.StaffSessions
	proof   []byte
}

// New returns the sessions of those who know the admin token. path is that of the shop, escaped as
// browsers compare it.
func New(sessions gateway.StaffSessions, token, path string) *Sessions {
	sum := sha256.Sum256([]byte("staff session\n" + token))
	manager := scs.New()
	manager.Store = store{sessions}
	manager.Lifetime = lifetime
	manager.Cookie = scs.SessionCookie{Name: cookieName, Path: path, HttpOnly: true, SameSite: http.SameSiteStrictMode, Persist: true}
	return &Sessions{manager, sessions, sum[:]}
}

// SignedIn reports whether a request comes from somebody who is signed in. The error has the code
// UnavailableNow if that can't be found out.
func (s *Sessions) SignedIn(r *http.Request) (bool, error) {
	for _, cookie := range r.CookiesNamed(cookieName) { // another shop on the host may have one
		ctx, err := s.manager.Load(r.Context(), cookie.Value)
		if err != nil {
			return false, fmt.Errorf("load a session of staff: %w", err)
		}
		if subtle.ConstantTimeCompare(s.manager.GetBytes(ctx, proof), s.proof) == 1 {
			return true, nil
		}
	}
	return false, nil
}

// SignIn begins a session. secure says that its cookie must travel over HTTPS only.
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, secure bool) error {
	ctx, err := s.manager.Load(r.Context(), "")
	if err != nil {
		return fmt.Errorf("begin a session of staff: %w", err)
	}
	s.manager.Put(ctx, proof, s.proof)
	token, expires, err := s.manager.Commit(ctx)
	if err != nil {
		return fmt.Errorf("begin a session of staff: %w", err)
	}
	s.setCookie(w, token, expires, secure)
	return nil
}

// SignOut ends the session of a request, or all sessions of staff.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request, everywhere, secure bool) error {
	if everywhere {
		if err := s.store.DeleteSessions(r.Context()); err != nil {
			return fmt.Errorf("end the sessions of staff: %w", err)
		}
	}
	for _, cookie := range r.CookiesNamed(cookieName) {
		if err := s.store.DeleteSession(r.Context(), cookie.Value); err != nil {
			return fmt.Errorf("end a session of staff: %w", err)
		}
	}
	s.setCookie(w, "", time.Time{}, secure)
	return nil
}

// setCookie sets the cookie, or deletes it if there is no token.
func (s *Sessions) setCookie(w http.ResponseWriter, token string, expires time.Time, secure bool) {
	c := s.manager.Cookie
	cookie := &http.Cookie{Name: c.Name, Value: token, Path: c.Path, HttpOnly: c.HttpOnly, SameSite: c.SameSite, Secure: secure, Expires: expires}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// store is the store of scs.
type store struct{ gateway.StaffSessions }

var _ scs.CtxStore = store{}

func (s store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	return s.FindSession(ctx, token)
}

func (s store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.StoreSession(ctx, token, data, expiry)
}

func (s store) DeleteCtx(ctx context.Context, token string) error {
	return s.DeleteSession(ctx, token)
}

// scs calls these for requests without a context, of which there are none.
func (s store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}
func (s store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}
func (s store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
