package model

// ConsumerStats say how far a group of consumers has read a topic.
type ConsumerStats struct {
	Group, Topic string
	Partitions   int
	// Tally are the sums over all partitions since the group began.
	Tally
	// Lag is how many records the topic has that the group has not read; -1 if that isn't known.
	Lag int64
}
