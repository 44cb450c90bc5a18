package counting

import "literank.com/event-books/domain/model"

// stream is what one shop sent to one partition.
type stream struct {
	partition int32
	source    string
}

// windows have the sequences that were seen of each stream.
type windows map[stream]*model.Window

// of returns the window of a stream, and whether there was one before.
func (w windows) of(from stream) (window *model.Window, known bool) {
	window, known = w[from]
	if !known {
		window = &model.Window{}
		w[from] = window
	}
	return window, known
}

// maxStreams bounds the memory of Copies: ten megabytes.
const maxStreams = 1000

// Copies recognises copies among events that are read without end. The zero value is ready
// to use.
type Copies struct{ windows windows }

// First reports whether the event with that place in its source is none of those that were seen
// before on the partition. An event without a sequence always counts as new. After maxStreams
// streams Copies forgets all of them.
func (c *Copies) First(partition int32, source string, sequence uint64) bool {
	if source == "" || sequence == 0 {
		return true
	}
	if c.windows == nil || len(c.windows) >= maxStreams {
		c.windows = make(windows)
	}
	window, _ := c.windows.of(stream{partition, source})
	return window.First(sequence)
}
