//go:build race

package broker

// raceFactor is how many times the race detector may multiply memory.
const raceFactor = 4
