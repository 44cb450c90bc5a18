//go:build unix

package e2e

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A shop whose Kafka requires TLS and a login delivers its events. A wrong password fails
// no search.
func TestShopOverTLS(t *testing.T) {
	t.Parallel()
	t.Run("TLS", func(t *testing.T) {
		secured := func(topic string) []string {
			environ := []string{"EVENT_BOOKS_MQ_TLS_ENABLED=true", "EVENT_BOOKS_MQ_SASL_MECHANISM=SCRAM-SHA-512", "EVENT_BOOKS_MQ_TOPIC=" + topic}
			for setting, name := range map[string]string{
				"MQ_BROKERS": "TEST_KAFKA_TLS_BROKERS", "MQ_TLS_CA_FILE": "TEST_KAFKA_TLS_CA",
				"MQ_SASL_USERNAME": "TEST_KAFKA_TLS_USER", "MQ_SASL_PASSWORD": "TEST_KAFKA_TLS_PASSWORD",
			} {
				value := os.Getenv(name)
				if value == "" {
					t.Skip(name + " is not set: no Apache Kafka with TLS and SASL is named")
				}
				environ = append(environ, "EVENT_BOOKS_"+setting+"="+value)
			}
			return environ
		}
		dir, environ := t.TempDir(), secured("test-"+uuid.NewString())
		p := start(t, dir, environ)
		url := p.ready()
		p.connected()
		require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
		tail := start(t, dir, environ, "events", "tail", "--from", "beginning")
		tail.eventually("the event", func() bool { return strings.Contains(tail.log.String(), "  love  ") })
		assert.Equal(t, 0, tail.stop(os.Interrupt))
		assert.Equal(t, 0, p.stop(syscall.SIGTERM))

		const want = "Kafka rejects the user name or password in mq.sasl"
		environ = append(environ, "EVENT_BOOKS_APP_SHUTDOWN_TIMEOUT=1s", "EVENT_BOOKS_MQ_SASL_PASSWORD=wrong-horse") // the last value counts
		p = start(t, dir, environ)
		url = p.ready()
		p.eventually("the log reports the error", func() bool { return strings.Contains(p.log.String(), want) })
		assert.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
		assert.Contains(t, get(t, url+"/readyz").body, `"degraded"`)
		status, output := finish(t, dir, environ, "events", "tail")
		assert.Equal(t, 1, status)
		assert.Contains(t, output, want)
		assert.Equal(t, 0, p.stop(syscall.SIGTERM))
		assert.NotContains(t, output+p.log.String(), "wrong-horse")
	})
}
