package adapter

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Searches with the staff's token are those of simulated shoppers, and so are clicks on their
// results.
func TestDemoSearchesAndClicks(t *testing.T) {
	s := newShop(t, counting)
	s.add(numbered(2, nil)...)
	for _, target := range []string{"/?q=volume", "/api/books?q=volume", "/api/search?q=volume"} {
		require.Equal(t, http.StatusOK, s.get(target, "User-Agent", chrome, demoHeader, token).Code)
		told := s.events.take()[0].headers
		assert.Equal(t, "demo", told["ce_surface"], target)
		assert.Equal(t, "person", told["ce_agent"], target)
		assert.NotEmpty(t, told["ce_visitor"], target)
	}
	page := s.get("/?q=volume", "User-Agent", chrome, demoHeader, token).Body.String()
	answer, clicks := s.opened(bookLinks(t, page)[1], demoHeader, token)
	assert.Equal(t, http.StatusSeeOther, answer.Code)
	require.Len(t, clicks, 1)
	assert.Equal(t, "demo", clicks[0].headers["ce_surface"])

	// The search decides, and nobody can turn its clicks into others.
	_, clicks = s.opened(bookLinks(t, page)[0])
	require.Len(t, clicks, 1)
	assert.Equal(t, "demo", clicks[0].headers["ce_surface"])
	page = s.get("/?q=volume", "User-Agent", chrome).Body.String()
	_, clicks = s.opened(bookLinks(t, page)[0], demoHeader, token)
	require.Len(t, clicks, 1)
	assert.Equal(t, "page", clicks[0].headers["ce_surface"])
}

// A search with a wrong token fails instead of counting as somebody's, and is an attempt to guess
// the token.
func TestDemoNeedsTheToken(t *testing.T) {
	for name, value := range map[string]string{"guess": "guess", "empty": "", "as bearer": "Bearer " + token, "longer": token + "x", "shorter": token[1:]} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			for _, target := range []string{"/?q=x", "/api/books?q=x", "/api/search?q=x"} {
				p := problemOf(t, http.StatusUnauthorized, s.get(target, "Accept", "text/html", demoHeader, value))
				assert.Equal(t, demoHeader, p.Field)
			}
			assert.Empty(t, s.events.take())
			for range loginBurst {
				s.get("/?q=x", demoHeader, value)
			}
			problemOf(t, http.StatusTooManyRequests, s.get("/api/books?q=x", demoHeader, token))
			s.forgive()
			assert.Equal(t, http.StatusOK, s.get("/api/books?q=x", demoHeader, token).Code)
			assert.Equal(t, "demo", s.events.take()[0].headers["ce_surface"])
		})
	}
	open := newShop(t, func(with *setup) { with.AdminToken = "" })
	problemOf(t, http.StatusUnauthorized, open.get("/api/books?q=x", demoHeader, ""))
	assert.Empty(t, open.events.take())
}

// Simulated shoppers share an address, so the rate limit of one client isn't theirs.
func TestDemoHasNoRateLimit(t *testing.T) {
	s := newShop(t, func(with *setup) { with.RateLimit = 1 })
	for range 3 * burst {
		require.Equal(t, http.StatusOK, s.get("/?q=x", demoHeader, token).Code)
	}
	problemOf(t, http.StatusTooManyRequests, s.get("/api/books?q=x"))
	problemOf(t, http.StatusTooManyRequests, s.get("/api/books?q=x", demoHeader, "guess"))
}

func TestClearDemo(t *testing.T) {
	s := newShop(t)
	demo := searched("moon", "00000001aaaaaaaa", 1)
	demo.Surface, demo.At = model.DemoSurface, time.Now()
	person := searched("moon", "00000002aaaaaaaa", 1)
	s.count(demo, person)
	kinds := func() map[trend.Kind]int64 {
		searches := map[trend.Kind]int64{}
		require.NoError(t, s.db.TrendRows(t.Context(), nil, 0, func(r *trend.Row) error {
			searches[r.Kind] += r.Searches
			return nil
		}))
		return searches
	}
	before := kinds()
	require.EqualValues(t, 1, before[trend.Demo])
	problemOf(t, http.StatusUnauthorized, s.do(http.MethodDelete, "/api/insights/demo", ""))
	assert.Equal(t, before, kinds())
	assert.Equal(t, http.StatusNoContent, s.staff(http.MethodDelete, "/api/insights/demo", "").Code)
	before[trend.Demo] = 0
	assert.Equal(t, before, kinds())
}
