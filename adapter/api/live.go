package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/gateway"
)

const (
	// LivePath is the address of searches as they happen.
	LivePath = "/api/insights/live"
	// beatEvery is how often a quiet feed sends a comment, so that nothing on the way ends it.
	beatEvery = 15 * time.Second
	// writeTimeout is how long a client may take to read what is sent.
	writeTimeout = 10 * time.Second
)

// Live has the handler of searches as they happen.
type Live struct{ Searches gateway.LiveSearches }

// Stream sends searches as they happen, as server-sent events (HTML Standard, section 9.2), until
// the client goes, falls too far behind, or the shop stops.
func (h *Live) Stream(c *gin.Context) error {
	if err := query.RequireNone(c.Request.URL.RawQuery); err != nil {
		return err
	}
	ctx := c.Request.Context()
	searches, err := h.Searches.Watch(ctx)
	if err != nil {
		return err
	}
	out := http.NewResponseController(c.Writer)
	_ = out.SetReadDeadline(time.Time{}) // the connection stays open for as long as the client likes
	header := c.Writer.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "private, no-store")
	header.Set("X-Accel-Buffering", "no") // nginx must not hold events back
	c.Status(http.StatusOK)
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := c.Writer.WriteString(text)
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for ok := send("retry: 2000\n: watching\n\n"); ok; {
		select {
		case search, open := <-searches:
			if !open {
				return nil
			}
			data, err := json.Marshal(search)
			if err != nil {
				return fmt.Errorf("encode a search: %w", err)
			}
			ok = send("event: search\ndata: " + string(data) + "\n\n")
		case <-beat.C:
			ok = send(": still watching\n\n")
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}
