package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/orders"
	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
)

// OrdersPath is the address of the order list.
const OrdersPath = "/api/insights/orders"

// Orders has the handlers of the order list.
type Orders struct{ Orders *orders.List }

// usualOrders is how many entries an answer has if the request doesn't say.
const usualOrders = 100

// List answers with entries of the order list.
func (h *Orders) List(c *gin.Context) error {
	asked, err := query.ParseOrders(c.Request.URL.RawQuery, usualOrders)
	if err != nil {
		return err
	}
	completeness, err := h.Orders.Completeness()
	if err != nil {
		return err
	}
	list, total, err := h.Orders.Entries(c.Request.Context(), asked.States, asked.Offset, asked.Limit)
	if err != nil {
		return err
	}
	c.Header("X-Total-Count", strconv.Itoa(total))
	return answerInsight(c, query.Insights{CSV: asked.CSV, Table: "orders"}, completeness, list, ordersTable(list))
}

// orderChange is the body of Change.
type orderChange struct {
	State demand.State `json:"state"`
	Note  *string      `json:"note"`
}

// Change gives an entry a state, and a note if the body has one.
func (h *Orders) Change(c *gin.Context) error {
	var change orderChange
	switch err := json.UnmarshalRead(c.Request.Body, &change, json.RejectUnknownMembers(true)); {
	case errors.Is(err, json.ErrUnknownName):
		return &model.Error{Code: model.Malformed, Message: "the body may have the fields state and note only", Cause: err}
	case err != nil:
		return bodyError(err)
	}
	ctx, id := c.Request.Context(), c.Param("id")
	entry, err := h.Orders.Entry(ctx, id)
	if err != nil {
		return err
	}
	if change.Note != nil {
		entry.Note = *change.Note
	}
	if err := h.Orders.Decide(ctx, id, change.State, entry.Note); err != nil {
		return err
	}
	if entry, err = h.Orders.Entry(ctx, id); err != nil {
		return err
	}
	c.Header("Cache-Control", "private, no-store")
	c.JSON(http.StatusOK, entry)
	return nil
}

// ordersTable leaves effects out of entries that aren't closed.
func ordersTable(list []orders.Entry) table {
	t := table{{
		"id", "keyword", "spellings", "kind", "isbn", "corrected_to", "requests", "daily_visitors", "searches", "rescued", "searches_7d", "searches_7d_before", "last_asked",
		"state", "note", "closed_at", "book_id", "book_title", "searches_before", "found_before", "clicks_before", "searches_after", "found_after", "clicks_after",
	}}
	for _, e := range list {
		row := []any{
			e.ID, e.Keyword, strings.Join(e.Spellings, " | "), string(e.Kind), e.ISBN, e.CorrectedTo, e.Requests, e.DailyVisitors, e.Searches, e.Rescued, e.Week, e.WeekBefore,
			e.LastAsked, string(e.State), e.Note,
		}
		if e.ClosedAt != nil {
			row = append(row, *e.ClosedAt)
		} else {
			row = append(row, "")
		}
		if e.Book != nil {
			row = append(row, e.Book.ID, e.Book.Title)
		} else {
			row = append(row, "", "")
		}
		for _, effect := range []*orders.Effect{e.Before, e.After} {
			if effect != nil {
				row = append(row, effect.Searches, effect.Found, effect.Clicks)
			} else {
				row = append(row, "", "", "")
			}
		}
		t = append(t, row)
	}
	return t
}
