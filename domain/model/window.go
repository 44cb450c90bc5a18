package model

import (
	"encoding/binary"
	"errors"
)

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
	case w.highest-sequence >= WindowWidth, w.has(sequence):
		return false
	}
	w.note(sequence)
	return true
}

// Join notes all sequences that another window has seen, and returns how many of them were not
// known. Those that lie left of this window count as known.
func (w *Window) Join(other *Window) (added int) {
	if other.highest == 0 {
		return 0
	}
	least := max(1, other.least())
	for i := range other.highest - least + 1 { // the highest may be the last number that there is
		if sequence := least + i; other.has(sequence) && w.First(sequence) {
			added++
		}
	}
	return added
}

func (w *Window) note(sequence uint64) { w.seen[sequence%WindowWidth/64] |= 1 << (sequence % 64) }

// Highest returns the highest sequence that has arrived, or 0.
func (w *Window) Highest() uint64 { return w.highest }

// The two forms of an encoded window.
const (
	windowGaps byte = 1 // the distance of each sequence from the next higher one
	windowBits byte = 2 // one bit for each sequence
)

// Encode returns the window as bytes: its form, the highest sequence and the sequences that
// were seen below it, in whichever form is shorter. Numbers are unsigned varints, as in
// Protocol Buffers.
func (w *Window) Encode() []byte {
	gaps := binary.AppendUvarint([]byte{windowGaps}, w.highest)
	last := w.highest
	for sequence, least := w.highest, w.least(); sequence > least; {
		sequence--
		if !w.has(sequence) {
			continue
		}
		gaps = binary.AppendUvarint(gaps, last-sequence)
		last = sequence
		if len(gaps) > WindowWidth/8 {
			bits := binary.AppendUvarint([]byte{windowBits}, w.highest)
			for _, word := range w.seen {
				bits = binary.LittleEndian.AppendUint64(bits, word)
			}
			return bits
		}
	}
	return gaps
}

// least returns the lowest sequence that the window covers.
func (w *Window) least() uint64 { return w.highest - min(w.highest, WindowWidth-1) }

func (w *Window) has(sequence uint64) bool {
	return w.seen[sequence%WindowWidth/64]>>(sequence%64)&1 == 1
}

var errWindow = errors.New("a window of sequences is damaged")

// DecodeWindow reads what Encode wrote.
func DecodeWindow(data []byte) (*Window, error) {
	w := &Window{}
	if len(data) == 0 {
		return nil, errWindow
	}
	form, data := data[0], data[1:]
	highest, size := binary.Uvarint(data)
	if size <= 0 {
		return nil, errWindow
	}
	w.highest, data = highest, data[size:]
	switch form {
	case windowBits:
		if len(data) != WindowWidth/8 {
			return nil, errWindow
		}
		for i := range w.seen {
			w.seen[i] = binary.LittleEndian.Uint64(data[8*i:])
		}
		return w, nil
	case windowGaps:
		if highest > 0 {
			w.note(highest)
		}
		sequence := highest
		for len(data) > 0 {
			gap, size := binary.Uvarint(data)
			if size <= 0 || gap == 0 || gap > sequence-w.least() {
				return nil, errWindow
			}
			sequence, data = sequence-gap, data[size:]
			w.note(sequence)
		}
		return w, nil
	}
	return nil, errWindow
}
