package adapter

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestPing(t *testing.T) {
	s := newShop(t)
	answer := s.get("/ping", "Accept", "text/html")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.JSONEq(t, `{"message": "Ping Pong ( 1 ) "}`, answer.Body.String())
	assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	assert.Equal(t, http.StatusMethodNotAllowed, s.do("HEAD", "/ping", "").Code, "HEAD needs no round trip")

	s.log.take()
	s.pongs.err = &model.Error{Code: model.Overloaded, Message: "there are too many pings at the moment", RetryAfter: time.Second}
	busy := s.get("/ping", "Accept", "text/html")
	assert.Equal(t, "there are too many pings at the moment", problemOf(t, http.StatusServiceUnavailable, busy).Detail)
	assert.Equal(t, "1", busy.Header().Get("Retry-After"))
	s.pongs.err = &model.Error{Code: model.TimedOut, Message: "no reply to the ping came in time", Cause: assert.AnError}
	assert.Equal(t, "no reply to the ping came in time", problemOf(t, http.StatusGatewayTimeout, s.get("/ping")).Detail)
	for _, record := range s.log.take() {
		assert.NotEqual(t, "ERROR", record["level"], "the part that is away logs that itself: %v", record)
	}

	limited := newShop(t, func(with *setup) { with.RateLimit = 1 })
	for range burst {
		limited.get("/ping", "User-Agent", chrome)
	}
	assert.Equal(t, http.StatusTooManyRequests, limited.get("/ping", "User-Agent", chrome).Code)
}
