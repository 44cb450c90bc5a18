package wal

import (
	"context"
	"errors"
)

// ended is a context that was cancelled before its first use.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// TryNext is Next without waiting. If there is no next record yet, ok is false.
//
// It calls Next with a cancelled context. That works because Next looks at the
// context only when it would have to wait: a record or an error that is there
// comes back first. TestTryNextReturnsWhatIsThere checks it.
func (r *Reader) TryNext() (record Record, ok bool, err error) {
	record, err = r.Next(ended)
	if errors.Is(err, context.Canceled) {
		return Record{}, false, nil
	}
	return record, err == nil, err
}
