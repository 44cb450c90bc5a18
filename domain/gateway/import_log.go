package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// ImportLog stores the progress of imports, so that an interrupted import can
// resume. It is stored together with the catalogue: a lost or replaced
// catalogue has no progress.
type ImportLog interface {
	// SaveImport replaces the stored progress of progress.File.
	SaveImport(ctx context.Context, progress *model.ImportProgress) error
	// InterruptedImport returns the stored progress of a file, or nil if there
	// is none.
	InterruptedImport(ctx context.Context, file string) (*model.ImportProgress, error)
	// EndImport deletes the stored progress of a file, if there is any.
	EndImport(ctx context.Context, file string) error
}
