package model

// EventStats counts what became of the events of this process.
type EventStats struct {
	// Connected tells whether the message queue confirms events at the moment.
	Connected bool `json:"connected"`
	// Accepted are on disk, or were delivered at once; Delivered were
	// acknowledged, also those that an earlier process accepted.
	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	// Waiting are accepted and neither delivered nor among the dead letters.
	Waiting int64 `json:"waiting"`
	// WaitingBytes is about their size on disk.
	WaitingBytes int64 `json:"waiting_bytes"`
	// OldestSeconds is how long ago the oldest of them happened.
	OldestSeconds float64 `json:"oldest_seconds"`
	// Filling tells that the space for them is half used up, or more.
	Filling bool `json:"filling"`
	// Unconfirmed may or may not arrive, since the disk or Kafka failed before
	// it was known. DeadLettered were refused by Kafka for good, and lie where
	// refused events lie. Lost will not arrive. Refused were neither taken nor
	// answered.
	Unconfirmed  int64 `json:"unconfirmed"`
	DeadLettered int64 `json:"dead_lettered"`
	Lost         int64 `json:"lost"`
	Refused      int64 `json:"refused"`
}
