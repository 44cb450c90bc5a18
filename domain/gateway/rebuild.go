package gateway

import (
	"context"
	"errors"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Rebuilder counts the records that topics still have again, beside the live counts.
type Rebuilder interface {
	// BeginRebuild begins with nothing counted, and ends any earlier rebuild: its methods
	// return ErrFenced from then on.
	BeginRebuild(ctx context.Context, streams []RebuildStream) (Rebuild, error)
}

// RebuildStream is a topic that is counted again.
type RebuildStream struct {
	Stream string
	// Live is the group that counts all the time, Again the one that counts again.
	Live, Again string
	// Oldest has the position of the oldest record of each partition. It is empty if there is no
	// topic.
	Oldest map[int32]int64
}

// Rebuild is the Progress of the groups that count again. It counts whole days only: those after
// the newest event that a topic may have deleted.
type Rebuild interface {
	Progress
	// FirstDay is the first day that is counted again.
	FirstDay() trend.Day
	// Targets returns how far the live groups have read, by their shards. Shards without a
	// position are missing. With hold, it claims the live shards: their positions stay until
	// consumers claim them again, which they do after a second or so.
	Targets(ctx context.Context, hold bool) (map[model.Shard]int64, error)
	// Swap puts what was counted in the place of the live counts, in one transaction. The
	// groups that count again must have read as far as the live ones; the error is ErrNotLevel
	// if they haven't, or if a consumer has claimed a shard since Targets has held it.
	Swap(ctx context.Context) (RebuildResult, error)
	// Discard deletes what was counted, unless another rebuild has begun. Nothing else deletes rows of
	// visitors who are erased afterwards.
	Discard(ctx context.Context) error
}

// ErrNotLevel: the live counts and those that are to replace them are not at the same positions.
var ErrNotLevel = errors.New("the live consumers have gone on")

// RebuildResult says what a rebuild has changed.
type RebuildResult struct {
	// FirstDay is the first day that was counted again.
	FirstDay trend.Day
	// Counts are the rows of counts, of keywords and over all of them, that were changed, added or
	// emptied.
	Counts int64
	// Letters are dead letters that count now, NewLetters records that no longer do.
	Letters, NewLetters int64
	// Sequences were not known as counted before.
	Sequences int64
}
