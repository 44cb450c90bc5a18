package adapter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/domain/model"
)

// pingTimeout bounds the database check of /readyz.
const pingTimeout = 2 * time.Second

func (s *Server) livez(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

// readiness is the answer of /readyz. Everyone sees the status, staff the rest.
type readiness struct {
	// Status is ok, degraded (Kafka doesn't confirm events, a spool is filling up, or the
	// database searches because there is no search index) or unavailable.
	Status   string            `json:"status"`
	Database string            `json:"database,omitempty"`
	Index    string            `json:"index,omitempty"`
	Events   *model.EventStats `json:"events,omitempty"`
	Clicks   *model.EventStats `json:"clicks,omitempty"`
	// Hint says why a request with a token doesn't see the rest.
	Hint string `json:"hint,omitempty"`
}

func (s *Server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), pingTimeout)
	defer cancel()
	events, clicks := s.options.Health.EventStats(), s.options.Health.ClickStats()
	answer, status := readiness{Status: "ok"}, http.StatusOK
	index := "ok"
	if !s.options.Health.IndexAnswers() {
		index = "unavailable"
	}
	if !events.Connected || events.Filling || !clicks.Connected || clicks.Filling || index != "ok" {
		answer.Status = "degraded"
	}
	database := "ok"
	if err := s.options.Health.Ping(ctx); err != nil {
		database = "unavailable"
	}
	if database != "ok" || s.stopping.Load() {
		answer.Status, status = "unavailable", http.StatusServiceUnavailable
		c.Header("Retry-After", retryAfter)
	}
	staff, err := s.checkToken(c)
	switch refused, throttled := errors.AsType[*model.Error](err); {
	case throttled:
		answer.Hint = fmt.Sprintf("%s: wait %.0f s, then the right token shows the counts again", refused.Message, math.Ceil(refused.RetryAfter.Seconds()))
	case staff:
		answer.Database, answer.Index, answer.Events, answer.Clicks = database, index, &events, &clicks
	case c.GetHeader("Authorization") != "":
		answer.Hint = "this is not the shop's admin token, sent as a bearer token: only that shows the counts"
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, answer)
}

const pingPath = "/ping"

// ping answers with the reply to a ping through Kafka.
func (s *Server) ping(c *gin.Context) error {
	reply, err := s.options.Pings.Ping(c.Request.Context())
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"message": reply})
	return nil
}
