//go:build linux

package e2e

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"literank.com/event-books/infrastructure/mq"
)

// Promise 3: each search is counted exactly once, although shop and consumers are killed again
// and again, and two processes share the partitions.
func TestPromise3EachSearchIsCountedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var answered atomic.Int64
	for round := range 4 {
		p := start(t, dir, nil)
		url := p.ready()
		helper := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=" + p.broker()}, "trends")
		stop := make(chan struct{})
		var clients sync.WaitGroup
		for client := range 4 {
			clients.Go(func() {
				for i := range 1000 { // enough for the round
					select {
					case <-stop:
						return
					default:
					}
					if get(t, fmt.Sprintf("%s/api/books?q=key%d", url, (client+i)%7)).code == http.StatusOK {
						answered.Add(1)
					}
				}
			})
		}
		before := completeness(t, url)["counted"]
		p.eventually("events are counted", func() bool { return completeness(t, url)["counted"] > before+20*(round+1) })
		if round%2 == 0 {
			helper.kill() // its partitions go to the shop
			p.eventually("events are counted again", func() bool { return completeness(t, url)["counted"] > before+60*(round+1) })
		}
		p.kill()
		close(stop)
		clients.Wait()
		helper.kill()
	}
	p := start(t, dir, nil)
	url := p.ready()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=last").code)
	numbers := p.counted(int(answered.Load()) + 1)
	assert.Zero(t, numbers["dead"]+numbers["lost"]+numbers["missed"]+numbers["late"]+numbers["unknown"], numbers)
	assert.Len(t, allEvents(t, p.broker()), numbers["counted"], "the topic has as many different events")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	db, err := sql.Open("sqlite", filepath.Join(dir, "data", "books.db"))
	require.NoError(t, err)
	defer db.Close()
	var requests int
	require.NoError(t, db.QueryRow("SELECT SUM(requests) FROM trend_totals").Scan(&requests))
	assert.Equal(t, numbers["counted"], requests)
}

// A search is counted within a second.
func TestASearchIsCountedSoon(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	url := p.ready()
	p.connected()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=whale").code)
	p.counted(1)
	begun := time.Now()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=whale").code)
	p.counted(2)
	t.Logf("counted after %s", time.Since(begun))
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}

// A record that can't be counted is a dead letter, which can be looked at and put back.
func TestDeadLettersArePutBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	url := p.ready()
	p.connected()
	producer, err := mq.NewProducer([]string{p.broker()}, topic)
	require.NoError(t, err)
	defer producer.Close()
	producer.Connect()
	send := func(records ...*mq.Record) {
		t.Helper()
		_, err := producer.Deliver(t.Context(), records, 3, func(_ *mq.Record, rejection error) { assert.NoError(t, rejection) })
		require.NoError(t, err)
	}
	header := func(key, value string) mq.Header { return mq.Header{Key: key, Value: []byte(value)} }
	source := []mq.Header{header("ce_type", "com.literank.books.searched"), header("ce_source", "/other/shop")}
	send(&mq.Record{Key: "odd", Value: []byte("no JSON"), Time: time.Now(), Headers: append(slices.Clone(source), header("ce_sequence", "1"))},
		&mq.Record{Key: "even", Value: []byte("[]"), Time: time.Now(), Headers: append(slices.Clone(source), header("ce_sequence", "2"))})
	p.eventually("one is counted, one is dead", func() bool {
		numbers := completeness(t, url)
		return numbers["counted"] == 1 && numbers["dead"] == 1
	})
	environ := []string{"EVENT_BOOKS_MQ_BROKERS=" + p.broker()}
	status, output := finish(t, dir, environ, "events", "dead", "list")
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `(?s)ID +TIME +REJECTED BY +KEY +REASON\n1 +\S+ \S+ +trends +odd +value: is not a JSON array\n$`, output)
	status, output = finish(t, dir, environ, "events", "dead", "show", "1")
	assert.Equal(t, 0, status, output)
	assert.Contains(t, output, `value:       "no JSON"`)
	status, output = finish(t, dir, environ, "events", "dead", "retry", "1")
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "1: value: is not a JSON array")
	status, output = finish(t, dir, environ, "events", "dead", "retry", "7")
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "7: there is no such dead letter; see events dead list")

	// It is in the topic of dead letters, too.
	p.eventually("the topic of dead letters is created", func() bool {
		return strings.Contains(p.log.String(), `"topic":"`+mq.DeadLetterTopic(topic)+`"`)
	})
	letters := events(t, p.broker(), mq.DeadLetterTopic(topic), 1)
	headers := map[string]any{}
	for _, h := range letters[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	assert.NoError(t, schemaOf(t, "dead_letter", "1.headers.json").Validate(headers))
	assert.Equal(t, []any{"odd", "trends", "1", "/other/shop"}, []any{letters[0].Key, headers["dead_group"], headers["ce_sequence"], headers["ce_source"]})

	// An event that Kafka rejected lies in the topic of dead letters. It counts once, although it
	// is sent twice.
	dead, err := mq.NewProducer([]string{p.broker()}, mq.DeadLetterTopic(topic))
	require.NoError(t, err)
	defer dead.Close()
	dead.Connect()
	_, err = dead.Partitions(t.Context()) // the topic is there
	require.NoError(t, err)
	letter := &mq.Record{Key: "even", Value: []byte("[]"), Time: time.Now(), Headers: append(slices.Clone(source), header("ce_sequence", "3"), header("ce_id", "x"),
		header("dead_reason", "too large"), header("dead_topic", topic))}
	_, err = dead.Deliver(t.Context(), []*mq.Record{letter}, 1, func(_ *mq.Record, rejection error) { assert.NoError(t, rejection) })
	require.NoError(t, err)
	status, output = finish(t, dir, environ, "events", "dead", "list")
	assert.Equal(t, 0, status, output)
	assert.Len(t, strings.Split(strings.TrimSpace(output), "\n"), 3, "a head and two letters: %s", output)
	found := regexp.MustCompile(`(lr-book-searches/0/[01]) +\S+ \S+ +Kafka +even +too large\n`).FindStringSubmatch(output)
	require.NotNil(t, found, output)
	// Staff see both in the desk, and may put them back there.
	desk := func(method, target string, form neturl.Values) *http.Response {
		t.Helper()
		request, err := http.NewRequest(method, url+target, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	page, err := io.ReadAll(desk(http.MethodGet, "/insights/health", nil).Body)
	require.NoError(t, err)
	for _, text := range []string{">1</a>", ">" + found[1] + "</a>", "not a JSON array", "trends-clicks"} {
		assert.Contains(t, string(page), text)
	}
	assert.Equal(t, "/insights/dead-letter?id=1&outcome=failed", desk(http.MethodPost, "/insights/dead-letter", neturl.Values{"id": {"1"}}).Header.Get("Location"))
	status, output = finish(t, dir, environ, "events", "dead", "retry", found[1])
	assert.Equal(t, 0, status, output)
	assert.Equal(t, found[1]+" is done\n", output)
	p.eventually("it is counted", func() bool { return completeness(t, url)["counted"] == 2 })
	status, output = finish(t, dir, environ, "events", "dead", "list")
	assert.Equal(t, 0, status, output)
	assert.NotContains(t, output, "Kafka")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}

// The search that brings the third visitor of a day changes the home page, within a second or so.
// Visitors are networks: several browsers behind one address are one.
func TestTrendsOnTheHomePage(t *testing.T) {
	t.Parallel()
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/14"
	for _, c := range []struct{ name, setting, networks string }{{"three", "3", "192.0.2.1 198.51.100.7 203.0.113.9"}, {"one", "1", "192.0.2.1"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), []string{"EVENT_BOOKS_APP_TRUSTED_PROXIES=127.0.0.1", "EVENT_BOOKS_TRENDS_MIN_VISITORS=" + c.setting})
			url := p.ready()
			p.stocked()
			p.connected()
			home := func() string { return get(t, url+"/").body }
			sent := 0
			search := func(network, agent string) {
				visit(t, url+"/?q=moby+dick", "X-Forwarded-For", network, "User-Agent", agent)
				sent++
				p.counted(sent)
			}
			networks := strings.Fields(c.networks)
			for i, network := range networks {
				for version := range 3 {
					if i+1 == len(networks) && version > 0 {
						break
					}
					search(network, fmt.Sprint(browser, version, ".0"))
				}
				if i+1 < len(networks) {
					assert.NotContains(t, home(), "Often searched")
				}
			}
			p.eventually("the home page lists the keyword", func() bool {
				page := home()
				return strings.Contains(page, "Often searched") && strings.Contains(page, ">moby dick</bdi>")
			})
			assert.Equal(t, 0, p.stop(syscall.SIGTERM))
		})
	}
}
