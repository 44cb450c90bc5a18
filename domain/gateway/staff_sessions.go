package gateway

import (
	"context"
	"time"
)

// StaffSessions keeps who is signed in to the desk, for all instances of the shop. Its methods may
// be called concurrently.
type StaffSessions interface {
	// FindSession returns the data of the session with a token; found is false if there is none or
	// it has expired.
	FindSession(ctx context.Context, token string) (data []byte, found bool, err error)
	// StoreSession stores a session, and forgets those that have expired. It keeps a hash of the
	// token.
	StoreSession(ctx context.Context, token string, data []byte, expires time.Time) error
	// DeleteSession ends a session. It may be gone already.
	DeleteSession(ctx context.Context, token string) error
	// DeleteSessions ends all sessions.
	DeleteSessions(ctx context.Context) error
}
