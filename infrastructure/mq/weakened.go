package mq

// weakened switches a promise off, so that the crash suite can show that it
// would notice: its negative controls are built with
//
//	go build -ldflags "-X literank.com/event-books/infrastructure/mq.weakened=order"
//
// Nothing that a user can set reaches it.
var weakened string

const (
	// weakenedBypass sends events past the spool.
	weakenedBypass = "bypass"
	// weakenedOrder sends several batches at once and lets sarama give up.
	weakenedOrder = "order"
)
