package desk

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// healthData is the data of health.html.
type healthData struct {
	frame
	Completeness model.Completeness
	Spools       []spoolRow
	Consumers    []model.ConsumerStats
	// Letters are the newest dead letters, at most maxLetters of All.
	Letters []letterRow
	All     int
	// LettersFail says that they can't be read now.
	LettersFail bool
}

type spoolRow struct {
	Events string
	model.EventStats
}

type letterRow struct {
	*model.DeadLetter
	Link string
}

// maxLetters bounds the dead letters of a page.
const maxLetters = 50

// Health answers with what happens to events behind the shop.
func (p *Pages) Health(c *gin.Context) error {
	ctx := c.Request.Context()
	completeness, err := p.Desk.Completeness()
	if err != nil {
		return err
	}
	data := &healthData{
		frame: frame{Title: "Pipeline", Here: HealthPath}, Completeness: completeness,
		Spools: []spoolRow{{"Searches", p.Stats.EventStats()}, {"Clicks", p.Stats.ClickStats()}},
	}
	if data.Consumers, err = p.Pipeline.Consumers(ctx); err != nil {
		return err
	}
	err = p.Pipeline.EachDeadLetter(ctx, func(l *model.DeadLetter) error {
		data.All++
		data.Letters = append(data.Letters, letterRow{l, p.letterLink(l.ID, nil)})
		if len(data.Letters) > maxLetters {
			data.Letters = data.Letters[1:]
		}
		return nil
	})
	if err != nil {
		p.Log.Warn("dead letters can't be read", "error", err)
		data.LettersFail = true
	}
	return p.render(c, http.StatusOK, "health.html", data)
}

// letterID is the parameter with the id of a dead letter or an event, outcome the one with what became
// of a letter.
const letterID, outcome = "id", "outcome"

func (p *Pages) letterLink(id string, more url.Values) string {
	values := url.Values{letterID: {id}}
	for name, list := range more {
		values[name] = list
	}
	return p.Links.To(DeadPath, values)
}

// letterData is the data of letter.html.
type letterData struct {
	frame
	*model.DeadLetter
	Content recordData
	// Failed says that it was rejected again.
	Failed bool
}

// recordData is a record as text.
type recordData struct {
	Headers []textPair
	// Value is the value as text; Cut says that it is longer, Binary that it is none.
	Value       string
	Cut, Binary bool
}

func newRecordData(headers []model.Header, value []byte) (data recordData) {
	const unknown = "\ufffd"
	for _, h := range headers {
		data.Headers = append(data.Headers, textPair{h.Key, strings.ToValidUTF8(string(h.Value), unknown)})
	}
	data.Binary = !utf8.Valid(value)
	if data.Cut = len(value) > maxValue; data.Cut {
		value = value[:maxValue]
	}
	data.Value = strings.ToValidUTF8(string(value), unknown)
	return data
}

type textPair struct{ Name, Text string }

// maxValue is how much of a value is shown, in bytes.
const maxValue = 64 << 10

// DeadLetter answers with the inside of a dead letter.
func (p *Pages) DeadLetter(c *gin.Context) error {
	found, err := p.Pipeline.DeadLetter(c.Request.Context(), c.Query(letterID))
	switch {
	case errors.Is(err, gateway.ErrNoDeadLetter):
		return noLetter
	case err != nil:
		return err
	}
	data := &letterData{
		frame: frame{Title: "Dead letter " + found.ID, Here: DeadPath}, DeadLetter: found,
		Content: newRecordData(found.Record.Headers, found.Record.Value), Failed: c.Query(outcome) == "failed",
	}
	return p.render(c, http.StatusOK, "letter.html", data)
}

var noLetter = model.Errorf(model.NotFound, letterID, "names no dead letter, or one that is done")

// RetryDeadLetter puts a dead letter back.
func (p *Pages) RetryDeadLetter(c *gin.Context) error {
	id := c.PostForm(letterID)
	err := p.Pipeline.RetryDeadLetter(c.Request.Context(), id)
	c.Header("Cache-Control", "no-store")
	switch {
	case errors.Is(err, gateway.ErrNoDeadLetter):
		return noLetter
	case model.ErrorCode(err) == model.UnavailableNow:
		return err
	case err != nil:
		p.Log.Warn("a dead letter was rejected again", "id", id, "error", err)
		c.Redirect(http.StatusSeeOther, p.letterLink(id, url.Values{outcome: {"failed"}}))
	default:
		c.Redirect(http.StatusSeeOther, p.Links.To(HealthPath, nil))
	}
	return nil
}

// eventData is the data of event.html.
type eventData struct {
	frame
	ID string
	// Record is nil if the topic doesn't have the event.
	*model.Record
	Content recordData
}

// Event answers with the event of a search, as it lies in the topic.
func (p *Pages) Event(c *gin.Context) error {
	id := c.Query(letterID)
	record, err := p.Pipeline.FindSearch(c.Request.Context(), id)
	if err != nil {
		return &model.Error{Code: model.UnavailableNow, Message: "the topic can't be read at the moment", Cause: err}
	}
	data := &eventData{frame: frame{Title: "Event of a search", Here: EventPath}, ID: id, Record: record}
	if record != nil {
		data.Content = newRecordData(record.Headers, record.Value)
	}
	return p.render(c, http.StatusOK, "event.html", data)
}
