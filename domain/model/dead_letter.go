package model

import "time"

// DeadLetter is an event that Kafka rejected, or a record that a handler could not handle.
type DeadLetter struct {
	// ID is a number for those of handlers. For those of Kafka it is the topic, with partition
	// and offset among its dead letters.
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"`
	// Group could not handle the record that lies at that place of Topic. It is empty if Kafka
	// rejected the event.
	Group     string     `json:"group,omitempty"`
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition,omitempty"`
	Offset    int64      `json:"offset,omitempty"`
	Record    DeadRecord `json:"record"`
}

// DeadRecord is the content of a dead letter.
type DeadRecord struct {
	Key     string    `json:"key"`
	Value   []byte    `json:"value"`
	Headers []Header  `json:"headers"`
	Time    time.Time `json:"time"`
}

// RejectedBy returns who has rejected it: Kafka, or a group of consumers.
func (l *DeadLetter) RejectedBy() string {
	if l.Group == "" {
		return "Kafka"
	}
	return l.Group
}
