package model

// Trend is a keyword that the public may see, with what was counted in a window of time.
type Trend struct {
	// Query is the keyword as the shop answered it.
	Query string `json:"query"`
	// Books are the first books of its newest event that found any.
	Books []*Book `json:"books"`
	// Searches are what visitors searched, however often they repeated it; Requests are all
	// answers.
	Searches int64 `json:"searches"`
	Requests int64 `json:"requests"`
	// Before are the searches of the window before.
	Before int64 `json:"before"`
}

// RelatedSearch is a keyword that the public may see, and that finds the same books as another one.
type RelatedSearch struct {
	Query string `json:"query"`
	// Searches are those of a window of time in which it is listed.
	Searches int64 `json:"searches"`
}
