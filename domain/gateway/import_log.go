package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// ImportLog remembers how far imports have come, so that an interrupted one
// can go on. It belongs to the catalogue: who loses one loses both.
type ImportLog interface {
	// SaveImport replaces what is known of the file.
	SaveImport(ctx context.Context, progress *model.ImportProgress) error
	// InterruptedImport returns what was saved last of the file, nil if nothing.
	InterruptedImport(ctx context.Context, file string) (*model.ImportProgress, error)
	// EndImport forgets the file.
	EndImport(ctx context.Context, file string) error
}
