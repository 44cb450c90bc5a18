//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onEachBroker runs a shop on the embedded broker and on a real Kafka, where its topics have
// a prefix. topic is the topic of searches.
func onEachBroker(t *testing.T, test func(t *testing.T, p *process, url, brokers, topic string)) {
	run := func(t *testing.T, environ []string, brokers, prefix string) {
		// With a collector of traces, events have all headers.
		p := start(t, t.TempDir(), append(environ, "EVENT_BOOKS_MQ_TOPIC_PREFIX="+prefix, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector(t)))
		url := p.ready()
		if brokers == "" {
			brokers = p.broker()
		}
		p.stocked()
		p.connected()
		test(t, p, url, brokers, prefix+topic)
		assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	}
	t.Run("embedded", func(t *testing.T) { run(t, nil, "", "") })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		run(t, []string{"EVENT_BOOKS_MQ_BROKERS=" + brokers}, brokers, "test-"+uuid.NewString()+".")
	})
}

// collector returns the address of a collector of traces that keeps none.
func collector(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return server.URL
}

// visit sends a request like a browser's.
func visit(t *testing.T, address string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	a, err := do(t, request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.code, address)
	return a
}

// tutorialsBook has the fields that a consumer of the tutorial knows.
type tutorialsBook struct {
	ID          uint      `json:"id"`
	Title       string    `json:"title"`
	Author      string    `json:"author"`
	PublishedAt string    `json:"published_at"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
}

// tutorialsConsumer is a consumer written like the tutorial's. The key is the keyword, the
// value a JSON array of books. It ignores headers.
type tutorialsConsumer struct {
	searches chan<- tutorialsSearch
}

type tutorialsSearch struct {
	keyword string
	books   []tutorialsBook
}

func (c *tutorialsConsumer) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (c *tutorialsConsumer) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *tutorialsConsumer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		var books []tutorialsBook
		if err := json.Unmarshal(message.Value, &books); err != nil {
			return err
		}
		select {
		case c.searches <- tutorialsSearch{string(message.Key), books}:
		case <-session.Context().Done():
			return nil
		}
		session.MarkMessage(message, "")
	}
	return nil
}

// A consumer written for the tutorial can read this program's events.
func TestTutorialsConsumer(t *testing.T) {
	t.Parallel()
	onEachBroker(t, func(t *testing.T, p *process, address, brokers, topic string) {
		keywords := []string{"pride prejudice", "Война", "nothing like this", "💐 <&>\"", "pride prejudice"}
		var want []tutorialsSearch
		for i, keyword := range keywords {
			found := visit(t, address+"/api/books?q="+url.QueryEscape(keyword))
			if i%2 == 1 {
				visit(t, address+"/?q="+url.QueryEscape(keyword))
			}
			var books []tutorialsBook
			require.NoError(t, json.Unmarshal([]byte(found.body), &books))
			for range 1 + i%2 {
				want = append(want, tutorialsSearch{keyword, books})
			}
		}
		config := sarama.NewConfig()
		config.Consumer.Offsets.Initial = sarama.OffsetOldest
		group, err := sarama.NewConsumerGroup(strings.Split(brokers, ","), "tutorial-"+uuid.NewString(), config)
		require.NoError(t, err)
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		searches, ended := make(chan tutorialsSearch), make(chan error, 1)
		go func() { ended <- group.Consume(ctx, []string{topic}, &tutorialsConsumer{searches}) }()
		var got []tutorialsSearch
		for len(got) < len(want) {
			select {
			case s := <-searches:
				got = append(got, s)
			case err := <-ended:
				t.Fatalf("the consumer ended: %v, after %v", err, got)
			case <-ctx.Done():
				t.Fatalf("only these records arrived: %v", got)
			}
		}
		stop()
		assert.NoError(t, <-ended)
		assert.NoError(t, group.Close())
		assert.ElementsMatch(t, want, got)
		found := slices.IndexFunc(got, func(s tutorialsSearch) bool { return s.keyword == "Война" })
		require.NotEmpty(t, got[found].books)
		assert.Contains(t, got[found].books[0].Title, "Война")
		assert.False(t, got[found].books[0].CreatedAt.IsZero())
	})
}
