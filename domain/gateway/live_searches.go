package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// LiveSearches shows searches as they reach the topic, whichever shop has answered them.
type LiveSearches interface {
	// Watch returns a channel that gets each search from now on. It is closed when ctx ends, when
	// its reader is too slow, and when the process stops; after that, watch again. Some searches may
	// be missing while Kafka is away. The error has the code Overloaded if too many watch, and
	// UnavailableNow if Kafka is away. Watch may be called concurrently.
	Watch(ctx context.Context) (<-chan *model.LiveSearch, error)
}
