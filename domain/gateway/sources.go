package gateway

import (
	"context"
	"time"

	"literank.com/event-books/domain/model"
)

// Sources keeps what the sources of events say about themselves, so that consumers can tell how
// much of it they have counted.
type Sources interface {
	// ReportSource stores the newest report of a source.
	ReportSource(ctx context.Context, report model.SourceReport) error
	// EndSource says that a source accepts nothing more, although it could not report that
	// itself. It has accepted this many events, or more if its last report says so.
	EndSource(ctx context.Context, source, stream string, accepted int64) error
	// Completeness compares what a group has counted of a stream with the reports of all
	// sources that have sent or reported anything since a time.
	Completeness(ctx context.Context, group, stream string, since time.Time) (model.Completeness, error)
}
