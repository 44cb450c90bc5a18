package adapter

import (
	"context"
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
	// Status is ok, degraded (Kafka doesn't confirm events, or the spool is
	// filling up) or unavailable.
	Status   string            `json:"status"`
	Database string            `json:"database,omitempty"`
	Events   *model.EventStats `json:"events,omitempty"`
}

func (s *Server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), pingTimeout)
	defer cancel()
	events := s.options.Health.EventStats()
	answer, status := readiness{Status: "ok"}, http.StatusOK
	if !events.Connected || events.Filling {
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
	if s.isStaff(c) {
		answer.Database, answer.Events = database, &events
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, answer)
}
