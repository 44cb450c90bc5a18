package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
)

// Trends has the handler of what is searched most.
type Trends struct{ Operator *executor.TrendOperator }

// List answers with the keywords of a window of time, the most searched or the fastest rising
// first.
func (h *Trends) List(c *gin.Context) error {
	window, order, n, err := query.ParseTrends(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	list, completeness, err := h.Operator.GetTrends(c.Request.Context(), window, order, n)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-cache")
	c.Header("X-Completeness", completeness.String())
	c.JSON(http.StatusOK, list)
	return nil
}
