package control

import (
	"context"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Forgetful is a Progress that forgets after each batch which events have arrived, so copies
// of earlier batches count again. Positions and claims are stored as usual.
type Forgetful struct{ gateway.Progress }

// Sources knows none.
func (Forgetful) Sources(context.Context, model.Shard, []string) (map[string]model.SourceCount, error) {
	return nil, nil
}

// Advance empties the windows when the batch is stored.
func (f Forgetful) Advance(ctx context.Context, shard model.Shard, epoch int64, work func(tx gateway.Transaction) (gateway.Step, error)) error {
	var step gateway.Step
	err := f.Progress.Advance(ctx, shard, epoch, func(tx gateway.Transaction) (_ gateway.Step, err error) {
		step, err = work(tx)
		return step, err
	})
	for _, source := range step.Sources {
		*source.Window = model.Window{}
	}
	return err
}
