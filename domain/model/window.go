package model

// WindowWidth is how many sequences of a source a Window remembers. The shop never
// sends an event that many sequences above the oldest unsettled one of its source.
const WindowWidth = 1 << 16

// Window recognises copies of events. It remembers which sequences of one source
// arrived on one partition (as in IPsec's anti-replay window, RFC 4303 §3.4.3).
// The zero value is a source of which nothing has arrived. It takes 8 KiB.
type Window struct {
	highest uint64
	seen    [WindowWidth / 64]uint64 // a ring of bits
}

// First notes a sequence, and reports whether it arrived for the first time. A
// sequence left of the window can only be a copy.
func (w *Window) First(sequence uint64) bool {
	switch {
	case sequence > w.highest:
		for next := max(w.highest+1, sequence-min(sequence, WindowWidth-1)); next < sequence; next++ {
			w.seen[next%WindowWidth/64] &^= 1 << (next % 64)
		}
		w.highest = sequence
	case w.highest-sequence >= WindowWidth, w.seen[sequence%WindowWidth/64]>>(sequence%64)&1 == 1:
		return false
	}
	w.seen[sequence%WindowWidth/64] |= 1 << (sequence % 64)
	return true
}
