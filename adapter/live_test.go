package adapter

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// feed is a gateway.LiveSearches of a test.
type feed struct {
	searches chan *model.LiveSearch
	ctx      chan context.Context
	err      error
}

func (f *feed) Watch(ctx context.Context) (<-chan *model.LiveSearch, error) {
	f.ctx <- ctx
	return f.searches, f.err
}

func TestLiveSearches(t *testing.T) {
	f := &feed{searches: make(chan *model.LiveSearch), ctx: make(chan context.Context, 9)}
	s := newShop(t, func(with *setup) { with.Live = f })
	address := s.serve() + "/api/insights/live"
	open := func(ctx context.Context) *http.Response {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	ctx, leave := context.WithCancel(t.Context())
	answer := open(ctx)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	assert.Empty(t, answer.Header.Get("Content-Encoding"), "gzip would hold events back")
	watching := <-f.ctx
	_, bounded := watching.Deadline()
	assert.False(t, bounded, "a feed may last")

	lines := bufio.NewScanner(answer.Body)
	line := func() string { require.True(t, lines.Scan()); return lines.Text() }
	assert.Equal(t, []string{"retry: 2000", ": watching", ""}, []string{line(), line(), line()})
	for _, keyword := range []string{"<script>", "two\nlines"} {
		f.searches <- &model.LiveSearch{SearchID: "1", Time: time.Unix(0, 0).UTC(), Keyword: model.Keyword(keyword), Surface: model.PageSurface, Agent: model.PersonAgent, Match: model.NoMatch}
		assert.Equal(t, "event: search", line())
		data := line()
		assert.True(t, strings.HasPrefix(data, `data: {"search_id":"1",`), data)
		assert.NotContains(t, data, "visitor")
		assert.Empty(t, line())
	}
	leave()
	<-watching.Done()

	answer = open(t.Context())
	close(f.searches)
	lines = bufio.NewScanner(answer.Body)
	for lines.Scan() { // it ends
	}
	assert.NoError(t, lines.Err())
}

func TestLiveSearchesAreForStaff(t *testing.T) {
	f := &feed{ctx: make(chan context.Context, 9), err: &model.Error{Code: model.Overloaded, Message: "there are too many readers", RetryAfter: time.Second}}
	s := newShop(t, func(with *setup) { with.Live = f })
	problemOf(t, http.StatusUnauthorized, s.get("/api/insights/live"))
	assert.Empty(t, f.ctx)
	assert.Equal(t, "live", problemOf(t, http.StatusBadRequest, s.staff(http.MethodGet, "/api/insights/live?live=1", "")).Field)
	answer := s.staff(http.MethodGet, "/api/insights/live", "")
	problemOf(t, http.StatusServiceUnavailable, answer)
	assert.NotEmpty(t, answer.Header().Get("Retry-After"))
}
