package flatfile

import (
	"time"

	"literank.com/event-books/domain/model"
)

// optional returns a column that may be missing: null in JSON, empty in CSV.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// about are the columns that all rows about searches share.
type about struct {
	// Folded is the keyword's identity: equal for all its spellings.
	Keyword  string        `json:"keyword"`
	Folded   string        `json:"folded"`
	Visitor  *string       `json:"visitor"`
	Surface  model.Surface `json:"surface"`
	Agent    model.Agent   `json:"agent"`
	Tag      *string       `json:"tag"`
	Language *string       `json:"language"`
}

func (x *Exporter) about(keyword model.Keyword, v model.Visit) about {
	return about{string(keyword), model.Fold(string(keyword)), optional(x.visitor(v.ClientID, v.Visitor)), v.Surface, v.Agent, optional(v.Tag), optional(v.Language)}
}

// searchRow is a row of Searches.
type searchRow struct {
	SearchID string    `json:"search_id"`
	Time     time.Time `json:"time"`
	about
	Offset    int         `json:"offset"`
	Limit     int         `json:"limit"`
	Sort      model.Sort  `json:"sort"`
	Filters   *string     `json:"filters"`
	Group     *string     `json:"group"`
	Match     model.Match `json:"match"`
	Served    string      `json:"served_query"`
	TotalHits int         `json:"total_hits"`
	// ServedHits counts the books of the answer.
	ServedHits int `json:"served_hits"`
}

func (x *Exporter) searchRow(at time.Time, e *model.SearchEvent) searchRow {
	row := searchRow{
		SearchID: e.ID, Time: at.UTC(), about: x.about(e.Search.Keyword, e.Visit),
		Offset: e.Search.Offset, Limit: e.Search.Limit, Sort: e.Search.Sort, Filters: optional(model.EncodeFilters(e.Search.Filters)),
		Match: e.Match, Served: e.ServedQuery, TotalHits: e.Total, ServedHits: e.Served,
	}
	if e.Search.ByWork {
		row.Group = optional(model.GroupByWork)
	}
	return row
}

// impressionRow is a row of Impressions.
type impressionRow struct {
	SearchID string    `json:"search_id"`
	Time     time.Time `json:"time"`
	about
	// Ordinal is the place of the book in the whole result, from 1.
	Ordinal int    `json:"ordinal"`
	BookID  uint   `json:"book_id"`
	Title   string `json:"title"`
}

func (x *Exporter) impressions(at time.Time, e *model.SearchEvent) error {
	books, err := model.DecodeBooks(e.Value)
	if err != nil {
		return nil // its search has a row all the same
	}
	for i, b := range books {
		row := impressionRow{e.ID, at.UTC(), x.about(e.Search.Keyword, e.Visit), e.Search.Offset + i + 1, b.ID, b.Title}
		if err := x.row(row); err != nil {
			return err
		}
	}
	return nil
}

// clickRow is a row of Clicks.
type clickRow struct {
	// ClickID is equal for all clicks on one book of a result.
	ClickID    string    `json:"click_id"`
	Time       time.Time `json:"time"`
	SearchID   string    `json:"search_id"`
	SearchTime time.Time `json:"search_time"`
	about
	Offset  int  `json:"offset"`
	Ordinal int  `json:"ordinal"`
	BookID  uint `json:"book_id"`
}

func (x *Exporter) clickRow(at time.Time, e *model.ClickEvent) clickRow {
	return clickRow{
		ClickID: e.ID, Time: at.UTC(), SearchID: e.SearchID, SearchTime: e.SearchTime.UTC(), about: x.about(e.Keyword, visitOf(e)),
		Offset: e.Offset, Ordinal: e.Ordinal, BookID: e.Book,
	}
}

func visitOf(e *model.ClickEvent) model.Visit {
	return model.Visit{Surface: e.Surface, Agent: e.Agent, Tag: e.Tag, Language: e.Language, ClientID: e.ClientID, Visitor: e.Visitor}
}
