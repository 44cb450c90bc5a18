package model

import "time"

// LiveSearch is a search as staff see it in the moment. It says nothing about the visitor.
type LiveSearch struct {
	SearchID string    `json:"search_id"`
	Time     time.Time `json:"time"`
	Keyword  Keyword   `json:"keyword"`
	// Surface, Agent, Tag and Language are those of the event.
	Surface  Surface `json:"surface"`
	Agent    Agent   `json:"agent"`
	Tag      string  `json:"tag,omitempty"`
	Language string  `json:"language,omitempty"`
	// Match says how the books match; ServedQuery is what was searched.
	Match       Match  `json:"match"`
	ServedQuery string `json:"served_query"`
	// Total are the books for the keyword as typed, Served those of the page.
	Total  int `json:"total"`
	Served int `json:"served"`
	Offset int `json:"offset"`
}

// NewLiveSearch returns what staff may see of an event. record is the time of its record.
func NewLiveSearch(e *SearchEvent, record time.Time) *LiveSearch {
	return &LiveSearch{
		SearchID: e.ID, Time: EventTime(e.Time, record).UTC(), Keyword: e.Search.Keyword, Surface: e.Surface, Agent: e.Agent, Tag: e.Tag, Language: e.Language,
		Match: e.Match, ServedQuery: e.ServedQuery, Total: e.Total, Served: e.Served, Offset: e.Search.Offset,
	}
}
