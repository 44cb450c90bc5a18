package model

import (
	"fmt"
	"time"
)

// DeadSource begins the sources of events that are sent again from dead letters.
const DeadSource = "/event-books/dead/"

// SourceReport says what a source of events has done since its start. A source is one start of
// a shop, and one topic.
type SourceReport struct {
	Source, Stream string
	// Highest is the highest sequence of an event whose outcome is known. Lost, Refused,
	// Unconfirmed and DeadLettered are those of EventStats; their events have sequences, too.
	Highest                                  int64
	Lost, Refused, Unconfirmed, DeadLettered int64
	// Waiting are events that Kafka has not acknowledged, including those of earlier sources
	// in the same spool.
	Waiting int64
	// Before is how many events earlier sources have left in the same spool since it was
	// created. A source that was killed has accepted the difference to the next one.
	Before int64
	// Ended says that the source accepts nothing more.
	Ended bool
	At    time.Time
}

// Completeness says how many of the accepted events a group of consumers has counted.
type Completeness struct {
	// Accepted are the events of all sources, without those that are lost. Counted are those
	// that a handler has handled, copies apart.
	Accepted int64 `json:"accepted"`
	Counted  int64 `json:"counted"`
	// Dead became dead letters, of Kafka or of a handler. Waiting are still to be sent. Lost
	// won't arrive. Missed were deleted from the topic before they were read. Late came too
	// late to count.
	Dead    int64 `json:"dead"`
	Waiting int64 `json:"waiting"`
	Lost    int64 `json:"lost"`
	Missed  int64 `json:"missed"`
	Late    int64 `json:"late"`
	// Unknown are sources that have been silent for a minute without having ended: they may
	// have accepted more.
	Unknown int64 `json:"unknown"`
}

// String returns a dictionary of structured field values (RFC 9651).
func (c Completeness) String() string {
	return fmt.Sprintf("counted=%d, accepted=%d, dead=%d, waiting=%d, lost=%d, missed=%d, late=%d, unknown=%d",
		c.Counted, c.Accepted, c.Dead, c.Waiting, c.Lost, c.Missed, c.Late, c.Unknown)
}
