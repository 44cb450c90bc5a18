package flatfile

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

const (
	// ubiApplication names this program in the events of User Behavior Insights.
	ubiApplication = "event-books"
	// ubiIDField is the field of a book that events name.
	ubiIDField = "id"
	// maxUBI is the longest id, in characters.
	maxUBI = 100
)

// ubiQuery is a query of User Behavior Insights 1.3.0.
type ubiQuery struct {
	Application string        `json:"application"`
	QueryID     string        `json:"query_id"`
	ClientID    string        `json:"client_id,omitempty"`
	UserQuery   string        `json:"user_query"`
	Attributes  ubiAttributes `json:"query_attributes"`
	IDField     string        `json:"object_id_field"`
	Timestamp   string        `json:"timestamp"`
	HitIDs      []string      `json:"query_response_hit_ids"`
}

// ubiAttributes are the facts of a search that the standard has no fields for.
type ubiAttributes struct {
	Surface   model.Surface `json:"surface"`
	Agent     model.Agent   `json:"agent"`
	Tag       string        `json:"tag,omitempty"`
	Language  string        `json:"language,omitempty"`
	Offset    int           `json:"offset"`
	Limit     int           `json:"limit"`
	Sort      model.Sort    `json:"sort"`
	Filters   string        `json:"filters,omitempty"`
	Match     model.Match   `json:"match"`
	Served    string        `json:"served_query"`
	TotalHits int           `json:"total_hits"`
}

// ubiEvent is an event of User Behavior Insights 1.3.0: a click, or an impression of a book.
type ubiEvent struct {
	Application string             `json:"application"`
	Action      string             `json:"action_name"`
	QueryID     string             `json:"query_id"`
	ClientID    string             `json:"client_id,omitempty"`
	Timestamp   string             `json:"timestamp"`
	UserQuery   string             `json:"user_query"`
	Attributes  ubiEventAttributes `json:"event_attributes"`
}

type ubiEventAttributes struct {
	Object struct {
		ID    string `json:"object_id"`
		Field string `json:"object_id_field"`
	} `json:"object"`
	Position struct {
		Ordinal int `json:"ordinal"`
	} `json:"position"`
	Surface model.Surface `json:"surface"`
	Agent   model.Agent   `json:"agent"`
	Tag     string        `json:"tag,omitempty"`
}

// ubiQuery writes a query, and an impression for each book of its answer.
func (x *Exporter) ubiQuery(at time.Time, e *model.SearchEvent) error {
	books, err := model.DecodeBooks(e.Value)
	if err != nil {
		books = nil
	}
	q := ubiQuery{
		Application: ubiApplication, QueryID: ubiID(e.ID), ClientID: x.visitor(e.ClientID, e.Visitor), UserQuery: string(e.Search.Keyword),
		IDField: ubiIDField, Timestamp: ubiTime(at), HitIDs: make([]string, len(books)),
		Attributes: ubiAttributes{
			Surface: e.Surface, Agent: e.Agent, Tag: e.Tag, Language: e.Language, Offset: e.Search.Offset, Limit: e.Search.Limit, Sort: e.Search.Sort,
			Filters: model.EncodeFilters(e.Search.Filters), Match: e.Match, Served: e.ServedQuery, TotalHits: e.Total,
		},
	}
	for i, b := range books {
		q.HitIDs[i] = bookID(b.ID)
	}
	if err := x.row(q); err != nil {
		return err
	}
	for i, b := range books {
		if err := x.row(x.ubiEvent("impression", at, e.ID, e.Search.Keyword, e.Visit, b.ID, e.Search.Offset+i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (x *Exporter) ubiClick(at time.Time, e *model.ClickEvent) ubiEvent {
	return x.ubiEvent("click", at, e.SearchID, e.Keyword, visitOf(e), e.Book, e.Ordinal)
}

func (x *Exporter) ubiEvent(action string, at time.Time, search string, keyword model.Keyword, v model.Visit, book uint, ordinal int) ubiEvent {
	e := ubiEvent{
		Application: ubiApplication, Action: action, QueryID: ubiID(search), ClientID: x.visitor(v.ClientID, v.Visitor),
		Timestamp: ubiTime(at), UserQuery: string(keyword), Attributes: ubiEventAttributes{Surface: v.Surface, Agent: v.Agent, Tag: v.Tag},
	}
	e.Attributes.Object.ID, e.Attributes.Object.Field, e.Attributes.Position.Ordinal = bookID(book), ubiIDField, ordinal
	return e
}

func bookID(id uint) string { return strconv.FormatUint(uint64(id), 10) }

func ubiTime(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// ubiID returns the id of a search, or a hash of another program's that is too long.
func ubiID(id string) string {
	if utf8.RuneCountInString(id) <= maxUBI {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
