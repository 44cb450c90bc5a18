package gateway

import "context"

// DemoKeeper looks after what simulated shoppers did. Its methods may be called concurrently.
type DemoKeeper interface {
	// ClearDemo deletes the counts of simulated shoppers. Their searches up to now, and the
	// clicks on results of these, don't count any more, even if they arrive later or are
	// counted again.
	ClearDemo(ctx context.Context) error
}
