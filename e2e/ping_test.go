//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"literank.com/event-books/infrastructure/mq/mqtest"
)

// Two web services share the topics of pings, and an echo runs alone. A thousand pings at
// once get their own replies.
func TestPings(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, brokers string) {
		prefix := "test-" + uuid.NewString() + "."
		environ := []string{"EVENT_BOOKS_MQ_BROKERS=" + brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix, "EVENT_BOOKS_MQ_GROUP_PREFIX=" + prefix}
		shops := []string{start(t, t.TempDir(), environ, "web").ready(), start(t, t.TempDir(), environ, "web").ready()}
		echo := start(t, t.TempDir(), environ, "echo")
		echo.eventually("the echo has joined", func() bool { return strings.Contains(echo.log.String(), "pings are answered") })

		const pings = 1000
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: pings}}
		replies := make([]string, pings)
		var wg sync.WaitGroup
		for i := range pings {
			wg.Go(func() {
				response, err := client.Get(shops[i%2] + "/ping")
				if !assert.NoError(t, err) {
					return
				}
				defer response.Body.Close()
				var answer struct{ Message string }
				assert.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
				assert.Equal(t, http.StatusOK, response.StatusCode)
				replies[i] = answer.Message
			})
		}
		wg.Wait()
		distinct := map[string]bool{}
		for _, reply := range replies {
			distinct[reply] = true
		}
		assert.Len(t, distinct, pings, "none is lost, none comes twice")
		for _, r := range events(t, brokers, prefix+"ping", pings) {
			assert.JSONEq(t, fmt.Sprintf(`{"id": %q, "name": "Ping", "value": "Pong"}`, r.Key), string(r.Value))
			assert.True(t, distinct["Ping Pong ( "+r.Key+" ) "])
		}
		exposed := get(t, "http://"+echo.log.Attr("answering pings", "ops")+"/metrics").body
		assert.Regexp(t, `\nevent_books_pings_answered_total 1\d\d\d\n`, exposed)
		assert.Contains(t, exposed, "\nevent_books_pings_unanswered_total 0\n")
		assert.Contains(t, exposed, "\nprocess_resident_memory_bytes ")
		assert.Equal(t, 0, echo.stop(syscall.SIGTERM))
	}
	t.Run("embedded", func(t *testing.T) { run(t, start(t, t.TempDir(), nil, "broker").broker()) })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		run(t, brokers)
	})
}

// The whole shop answers its own pings. Without Kafka, only they fail.
func TestPingOfOneShop(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	url := p.ready()
	p.eventually("a ping is answered", func() bool { return get(t, url+"/ping").code == http.StatusOK })
	assert.Regexp(t, `^\{"message":"Ping Pong \( [0-9a-f-]{36} \) "\}$`, get(t, url+"/ping").body)
	assert.Equal(t, 2.0, p.metric("event_books_ping_duration_seconds_count"))
	assert.Zero(t, p.metric("event_books_pings_in_flight"))
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	away := start(t, t.TempDir(), []string{"EVENT_BOOKS_MQ_BROKERS=" + mqtest.Nowhere(t)}, "web")
	url = away.ready()
	away.stocked()
	refused := get(t, url+"/ping")
	assert.Equal(t, http.StatusServiceUnavailable, refused.code)
	assert.NotEmpty(t, refused.header.Get("Retry-After"))
	assert.NotContains(t, refused.body, "127.0.0.1", "nobody learns a broker's address")
	assert.Equal(t, http.StatusOK, get(t, url+"/api/books?q=pride").code)
	assert.Equal(t, http.StatusOK, get(t, url+"/readyz").code)
	assert.Equal(t, 0, away.stop(syscall.SIGTERM))
}
