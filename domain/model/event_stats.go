package model

// EventStats counts the events of this process by their fate.
type EventStats struct {
	// Connected says whether the message queue currently confirms events.
	Connected bool `json:"connected"`
	// Accepted counts events written to disk or delivered at once. Delivered
	// counts acknowledged events, including those that an earlier process accepted.
	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	// Waiting counts accepted events that are neither delivered nor dead letters.
	Waiting int64 `json:"waiting"`
	// WaitingBytes is the approximate size of waiting events on disk.
	WaitingBytes int64 `json:"waiting_bytes"`
	// OldestSeconds is the age of the oldest waiting event.
	OldestSeconds float64 `json:"oldest_seconds"`
	// Filling says that at least half of the space for waiting events is used.
	Filling bool `json:"filling"`
	// Unconfirmed counts events that may or may not arrive, because the disk or
	// Kafka failed before confirming them. DeadLettered counts events that Kafka
	// rejected permanently; they are in the dead letters. Lost counts events that
	// won't arrive. Refused counts searches that the shop refused to answer
	// because it couldn't accept their event.
	Unconfirmed  int64 `json:"unconfirmed"`
	DeadLettered int64 `json:"dead_lettered"`
	Lost         int64 `json:"lost"`
	Refused      int64 `json:"refused"`
}
