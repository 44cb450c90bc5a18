//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/api"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// Records of the topic match the published schemas, and the schemas describe every header
// and field.
func TestRecordsFollowTheirSchemas(t *testing.T) {
	t.Parallel()
	headersSchema, booksSchema := schemaOf(t, "books.searched", "1.headers.json"), schemaOf(t, "books.searched", "1.json")
	book := booksSchema.Items2020

	onEachBroker(t, func(t *testing.T, p *process, address, brokers, topic string) {
		full := `{"title": "Zzyzx", "author": "A, B", "published_at": "1998-02", "description": "D", "isbn": "0306406152", "language": "eng",
			"publisher": "P", "subjects": ["S"], "series": "S", "edition": "E", "price": "12.90", "currency": "eur", "stock": 3,
			"availability": "to_order", "buy_url": "https://example.com/b", "cover_url": "https://example.com/c"}`
		require.Equal(t, http.StatusCreated, post(t, p.Dir, address+"/api/books", full).code)
		other := strings.Replace(full, "0306406152", "9780201633610", 1) // another edition
		require.Equal(t, http.StatusCreated, post(t, p.Dir, address+"/api/books", other).code)
		p.eventually("both editions are found", func() bool { return get(t, address+"/api/books?author=A").header.Get("X-Total-Count") == "2" })
		const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
		cookie := consent(t, address)
		asked := 0
		ask := func(target string, headers ...string) { visit(t, address+target, headers...); asked++ }
		ask("/api/books?q=zzyzx&group=work")
		ask("/api/books?q=%20%F0%9F%8D%95%20%22%3C%26&limit=100&sort=newest")
		ask("/api/books?q=a&language=eng&author=X+%26+Y&subject=%C3%A9%3D&decade=-380&available=false&tag=a%20b")
		ask("/?q=moon&o=3&limit=1&tag=spring", "User-Agent", browser, "Cookie", cookie, "Accept-Language", "de-AT, en;q=0.5")
		ask("/?q=moon&tag=%00", "User-Agent", browser, "Sec-GPC", "1", "Cookie", cookie)
		ask("/?q=moon", "User-Agent", browser, "Accept-Language", "*")
		ask("/?q="+url.QueryEscape(strings.Repeat("é", model.MaxKeyword)), "Sec-Purpose", "prefetch")
		ask("/api/books?q="+strings.Repeat("w+", 40), "User-Agent", "odd")
		ask("/api/books?q=%E2%80%8F&o=9980")

		said := map[string]bool{}
		agents := map[string]int{}
		for _, r := range events(t, brokers, topic, asked) {
			headers := map[string]any{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
				assert.Contains(t, headersSchema.Properties, h.Key, "is described")
				said[h.Key] = true
			}
			assert.Len(t, r.Headers, len(headers), "no header is repeated")
			assert.NoError(t, headersSchema.Validate(headers), r.Key)
			agents[r.Header("ce_agent")]++
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Value))
			require.NoError(t, err)
			assert.NoError(t, booksSchema.Validate(value), r.Key)
			for _, b := range value.([]any) {
				for field := range b.(map[string]any) {
					assert.Contains(t, book.Properties, field, "is described")
					said[field] = true
				}
			}
			checkTime(t, r)
		}
		assert.Len(t, said, len(headersSchema.Properties)+len(book.Properties), "every described header and field occurs")
		assert.Equal(t, map[string]int{"person": 3, "bot": 5, "unknown": 1}, agents)
	})
}

// A dead letter matches its description: it has the record's headers and two more.
func TestDeadLettersFollowTheirSchema(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "dead_letter", "1.headers.json")
	own := schemaOf(t, "books.searched", "1.headers.json")

	refuse := func(t *testing.T, brokers string) {
		prefix, most := "test-"+uuid.NewString()+".", "5000"
		topic := prefix + topic
		admin, err := sarama.NewClusterAdmin(strings.Split(brokers, ","), nil)
		require.NoError(t, err)
		defer admin.Close()
		require.NoError(t, admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: map[string]*string{"max.message.bytes": &most}}, false))
		p := start(t, t.TempDir(), []string{"EVENT_BOOKS_MQ_BROKERS=" + brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix})
		url := p.ready()
		p.stocked()
		visit(t, url+"/api/books?q=the&limit=100")
		p.settled()
		r := events(t, brokers, topic+".dead", 1)[0]
		headers := map[string]any{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		assert.NoError(t, schema.Validate(headers))
		assert.NoError(t, own.Validate(headers), "it has the headers of a search")
		assert.Equal(t, topic, r.Header("dead_topic"))
		assert.Equal(t, "the", r.Key)
		delete(headers, "dead_reason")
		assert.Error(t, schema.Validate(headers), "the schema rejects a dead letter without a reason")
	}
	t.Run("embedded", func(t *testing.T) { refuse(t, start(t, t.TempDir(), nil, "broker").broker()) })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		refuse(t, brokers)
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	content, err := json.Marshal(v)
	require.NoError(t, err)
	return content
}

// checkTime compares the record's timestamp with the time of the search.
func checkTime(t *testing.T, r *mq.Record) {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, r.Header("ce_time"))
	require.NoError(t, err)
	assert.Equal(t, at.UnixMilli(), r.Time.UnixMilli())
}

// consent says yes to the visitor's cookie, and returns it.
func consent(t *testing.T, address string) (cookie string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(address+"/visitor", url.Values{"choice": {"yes"}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Len(t, response.Cookies(), 1)
	return response.Cookies()[0].Name + "=" + response.Cookies()[0].Value
}

// schemaOf reads a schema of a type of events.
func schemaOf(t *testing.T, event, name string) *jsonschema.Schema {
	t.Helper()
	content, err := api.Schemas.ReadFile("schemas/" + event + "/" + name)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource(name, document))
	schema, err := compiler.Compile(name)
	require.NoError(t, err)
	return schema
}
