//go:build unix

package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Prometheus' own tool accepts the metrics and the alert rules.
func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, of Prometheus, is not installed: ", err)
	}
	t.Run("metrics", func(t *testing.T) {
		p := start(t, t.TempDir(), nil)
		require.Equal(t, http.StatusOK, get(t, p.ready()+"/api/books?q=love").code)
		p.settled()
		exposed := get(t, "http://"+p.log.Attr("listening", "ops")+"/metrics")
		require.Equal(t, http.StatusOK, exposed.code)
		for _, name := range []string{
			"event_books_spool_records", "event_books_spool_bytes", "event_books_spool_oldest_age_seconds", "event_books_events_accepted_total",
			"event_books_events_delivered_total", "event_books_events_unconfirmed_total", "event_books_events_dead_lettered_total", "event_books_events_lost_total",
			"event_books_delivery_batch_records_count", "event_books_delivery_duration_seconds_count", "event_books_spool_fsync_duration_seconds_count",
			"event_books_topic_trimmed_records_total",
			"event_books_search_duration_seconds_count", "event_books_searches_running", "event_books_searches_waiting", "event_books_searches_refused_total",
			"event_books_searches_failed_total", "event_books_searches_found_nothing_total", "event_books_http_requests_in_flight",
			"event_books_changes_published_total", "event_books_changes_rejected_total", "event_books_changes_oldest_age_seconds",
			"event_books_changes_newest_timestamp_seconds", "event_books_cache_current", "event_books_cache_hits_total", "event_books_cache_misses_total",
			"event_books_cache_evictions_total", "event_books_cache_bytes",
			"event_books_ping_duration_seconds_count", "event_books_pings_in_flight",
			"event_books_pings_answered_total", "event_books_pings_unanswered_total", "event_books_pings_skipped_total",
		} {
			assert.Regexp(t, `\n`+name+`(\{[^}]*\})? `, exposed.body)
		}
		assert.Contains(t, exposed.body, `event_books_http_request_duration_seconds_count{method="GET",route="/api/books",status="200"} 1`)
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = strings.NewReader(exposed.body)
		output, err := check.CombinedOutput()
		assert.NoError(t, err, "%s", output)
		assert.Empty(t, string(output))
		assert.Equal(t, http.StatusNotFound, get(t, p.url()+"/metrics").code, "the public port serves no metrics")
	})
	t.Run("rules", func(t *testing.T) {
		output, err := exec.Command(promtool, "check", "rules", "../docs/alerts.yml").CombinedOutput()
		assert.NoError(t, err, "%s", output)
		output, err = exec.Command(promtool, "test", "rules", "testdata/alerts_test.yml").CombinedOutput()
		assert.NoError(t, err, "%s", output)
	})
}
