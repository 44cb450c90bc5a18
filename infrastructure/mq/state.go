package mq

// State is what is known of a broker at the moment.
type State int

const (
	// Unknown: nothing was tried yet.
	Unknown State = iota
	// Reachable: the broker acknowledges events.
	Reachable
	// Unreachable: the broker is away, too slow, or refuses access.
	Unreachable
)
