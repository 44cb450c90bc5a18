package model

// EventStats counts what became of the events of this process.
type EventStats struct {
	// Connected tells whether the message queue confirms events at the moment.
	Connected bool `json:"connected"`
	// Delivered were acknowledged, Unconfirmed were not acknowledged in time
	// and may still arrive, Lost will not.
	Delivered   int64 `json:"delivered"`
	Unconfirmed int64 `json:"unconfirmed"`
	Lost        int64 `json:"lost"`
	// Underway are sent and not settled; the unconfirmed are among them while
	// they may still arrive.
	Underway int `json:"underway"`
}
