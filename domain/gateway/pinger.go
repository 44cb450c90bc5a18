package gateway

import "context"

// Pinger measures the way of a message through the broker and back.
type Pinger interface {
	// Ping sends a ping with an id of its own, and waits for the reply to it. It returns the
	// reply. The error has the code TimedOut if none comes in time, Overloaded if too many
	// pings wait already, and UnavailableNow if the broker is away. Ping may be called
	// concurrently.
	Ping(ctx context.Context) (reply string, err error)
}
