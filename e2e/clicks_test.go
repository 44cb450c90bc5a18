//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

const (
	clickTopic = "lr-book-clicks"
	firefox    = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
)

var bookLink = regexp.MustCompile(`class="book" href="([^"]+)"`)

// visited asks without following redirects. headers alternates names and values.
func visited(t *testing.T, method, address string, form url.Values, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("User-Agent", firefox)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, body.String()}
}

// checkRecord validates a record by the schemas of its event.
func checkRecord(t *testing.T, event string, r *mq.Record) {
	t.Helper()
	headers, schema := map[string]any{}, schemaOf(t, event, "1.headers.json")
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
		assert.Contains(t, schema.Properties, h.Key, "is described")
	}
	assert.NoError(t, schema.Validate(headers))
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Value))
	require.NoError(t, err)
	assert.NoError(t, schemaOf(t, event, "1.json").Validate(value))
	checkTime(t, r)
}

// handled returns how many records of a topic this process has handled for trends.
func (p *process) handled(topic string) (sum int) {
	p.t.Helper()
	for line := range strings.Lines(get(p.t, "http://"+p.log.Attr("listening", "ops")+"/metrics").body) {
		if strings.HasPrefix(line, `event_books_consumer_records{group="trends`) && strings.Contains(line, `outcome="handled"`) && strings.Contains(line, `topic="`+topic+`"`) {
			n, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndex(line, " "):]))
			require.NoError(p.t, err)
			sum += n
		}
	}
	return sum
}

// completeness returns the numbers of X-Completeness, or nil.
func completeness(t *testing.T, url string) map[string]int {
	t.Helper()
	a := get(t, url+"/api/trends")
	if a.code != http.StatusOK {
		return nil
	}
	numbers := map[string]int{}
	for part := range strings.SplitSeq(a.header.Get("X-Completeness"), ", ") {
		name, value, _ := strings.Cut(part, "=")
		var n int
		_, err := fmt.Sscan(value, &n)
		require.NoError(t, err, part)
		numbers[name] = n
	}
	return numbers
}

// counted waits until all accepted events are counted, and at least n.
func (p *process) counted(n int) (numbers map[string]int) {
	p.t.Helper()
	p.eventually("all events are counted", func() bool {
		numbers = completeness(p.t, p.url())
		return numbers["counted"] >= n && numbers["counted"] == numbers["accepted"] && numbers["waiting"] == 0
	})
	return numbers
}

// From a page of results over the spool of clicks to the topic, and the same for an erasure.
func TestClicksReachTheirTopic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	address := p.ready()
	p.stocked()
	page := visited(t, http.MethodGet, address+"/?q=love&tag=letter", nil)
	require.Equal(t, http.StatusOK, page.code)
	links := bookLink.FindAllStringSubmatch(page.body, -1)
	require.Greater(t, len(links), 1)
	link := address + html.UnescapeString(links[1][1])
	require.Contains(t, link, "click=")
	opened := visited(t, http.MethodGet, link, nil)
	require.Equal(t, http.StatusSeeOther, opened.code)
	require.Equal(t, http.StatusOK, visited(t, http.MethodGet, address+opened.header.Get("Location"), nil).code)
	require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, link, nil, "User-Agent", firefox+" Other/1").code, "a shared link")
	require.Equal(t, http.StatusSeeOther, visited(t, http.MethodPost, address+"/visitor", url.Values{"choice": {"forget"}, "back": {"/privacy"}}).code)

	search := events(t, p.broker(), topic, 1)[0]
	records := events(t, p.broker(), clickTopic, 2)
	byType := map[string]*mq.Record{}
	for _, r := range records {
		byType[r.Header("ce_type")] = r
		assert.Regexp(t, `^/event-books/[^/]+/[^/]+/clicks$`, r.Header("ce_source"))
	}
	click, erasure := byType[model.ClickEventType], byType[model.VisitorErasedEventType]
	require.NotNil(t, click)
	require.NotNil(t, erasure)
	checkRecord(t, "books.clicked", click)
	checkRecord(t, "books.visitor_erased", erasure)
	visitor := search.Header("ce_visitor")
	assert.NotEmpty(t, visitor)
	assert.Equal(t, search.Header("ce_id"), click.Key)
	assert.Equal(t, search.Header("ce_time"), click.Header("ce_searchtime"))
	assert.Equal(t, "2", click.Header("ce_ordinal"))
	assert.Equal(t, "letter", click.Header("ce_tag"))
	assert.Equal(t, visitor, click.Header("ce_visitor"))
	assert.Equal(t, visitor, erasure.Key)

	tail := start(t, dir, nil, "events", "tail", "--topic", "clicks", "--from", "beginning")
	tail.eventually("both are shown", func() bool {
		shown := tail.log.String()
		return strings.Contains(shown, "person   love  book "+click.Header("ce_bookid")+", place 2\n") && strings.Contains(shown, "forget   visitor "+visitor+"\n")
	})
	assert.Equal(t, 0, tail.stop(syscall.SIGTERM))

	p.settled()
	p.eventually("both are counted", func() bool { return p.handled(clickTopic) == 2 })
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	status, output := finish(t, dir, nil, "spool", "status")
	assert.Equal(t, 0, status)
	assert.Equal(t, 2, strings.Count(output, "waiting:      0 events"), output)
	status, output = finish(t, dir, nil, "spool", "status", "--json")
	assert.Equal(t, 0, status)
	assert.Regexp(t, `^\{"topic":"lr-book-searches","events":0,.*"clicks":\{"topic":"lr-book-clicks","events":0,`, output)
	// The day's key outlives a restart, so the link still counts.
	again := start(t, dir, nil)
	address = again.ready()
	link = address + html.UnescapeString(links[0][1])
	require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, link, nil).code)
	again.eventually("another click arrives", func() bool { return again.metric(`event_books_events_accepted_total`) == 1 })
	again.settled()
	assert.Len(t, events(t, again.broker(), clickTopic, 3), 3)
}

// Clicks that a shop left are sent by the next one, or by spool drain. A folder names its
// topic, whatever it is called.
func TestClicksWaitWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1", "EVENT_BOOKS_APP_SHUTDOWN_TIMEOUT=100ms"})
	address := p.ready()
	p.stocked()
	page := visited(t, http.MethodGet, address+"/?q=love", nil)
	for _, link := range bookLink.FindAllStringSubmatch(page.body, 3) {
		require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, address+html.UnescapeString(link[1]), nil).code)
	}
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	_, output := finish(t, dir, nil, "spool", "status")
	assert.Regexp(t, `searches, in data/spool\nwaiting: +1 events.*\noldest: .*\nclicks, in data/spool-clicks\nwaiting: +3 events`, output)

	broker := start(t, t.TempDir(), nil, "broker").broker()
	other := []string{"EVENT_BOOKS_MQ_BROKERS=" + broker}
	status, output := finish(t, dir, other, "spool", "drain")
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `searches, in data/spool\ndelivered: +1\nclicks, in data/spool-clicks\ndelivered: +3\n`, output)
	assert.Len(t, events(t, broker, clickTopic, 3), 3)
	status, output = finish(t, t.TempDir(), other, "spool", "drain", "--dir", filepath.Join(dir, "data", "spool-clicks"))
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `^sending 0 events.*\ndelivered: +0\n$`, output)
}
