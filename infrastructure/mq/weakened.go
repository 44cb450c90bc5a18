package mq

// weakness is a mechanism that is switched off, so that a test can show that it
// would notice.
type weakness string

const (
	// bypassed sends events past the spool.
	bypassed weakness = "bypass"
	// disorderly sends several batches at once and lets sarama give up.
	disorderly weakness = "order"
	// hasty uses added partitions at once.
	hasty weakness = "partitions"
	// stubborn tries again what Kafka refuses for good.
	stubborn weakness = "refusals"
	// unbounded lets the spool grow, greedy takes the whole disk.
	unbounded weakness = "bound"
	greedy    weakness = "reserve"
	// abrupt sends nothing any more once the spool is being closed.
	abrupt weakness = "flush"
)

// weakened is set by the linker, for the negative controls of the crash suite:
//
//	go build -ldflags "-X literank.com/event-books/infrastructure/mq.weakened=order"
//
// Nothing that a user can set reaches it.
var weakened string
