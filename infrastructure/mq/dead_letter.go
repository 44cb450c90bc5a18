package mq

import "slices"

// The headers that a record has in a topic of dead letters, besides its own. Records that Kafka
// rejected have the first two; those of handlers have all of them.
const (
	DeadReason    = "dead_reason"
	DeadTopic     = "dead_topic"
	DeadPartition = "dead_partition"
	DeadOffset    = "dead_offset"
	DeadGroup     = "dead_group"
)

// DeadLetterTopic returns the name of the topic for records that Kafka, or a consumer, rejects
// from topic.
func DeadLetterTopic(topic string) string { return topic + ".dead" }

// WithoutDeath returns the headers that a dead letter had before it was one.
func WithoutDeath(headers []Header) (own []Header) {
	for _, h := range headers {
		if !slices.Contains([]string{DeadReason, DeadTopic, DeadPartition, DeadOffset, DeadGroup}, h.Key) {
			own = append(own, h)
		}
	}
	return own
}
