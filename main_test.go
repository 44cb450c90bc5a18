//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/mq"
)

// program is the built binary: go run hides exit statuses and signals.
var program string

// TestMain hands over to the broker when the test binary is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == broker.ChildCommand {
		main()
	}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "EVENT_BOOKS_") {
			os.Unsetenv(name) // the settings of whoever runs the tests
		}
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "event-books-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "event-books")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, output))
	}
	return m.Run()
}

// process is a running program of ours.
type process struct {
	*exec.Cmd
	t      *testing.T
	log    *lines
	exited chan struct{} // closed once status is set
	status int
}

// start runs the program in dir, on free ports.
func start(t *testing.T, dir string, environ []string, args ...string) *process {
	t.Helper()
	return startProgram(t, program, dir, environ, args...)
}

// startProgram is start for a program that starts ours.
func startProgram(t *testing.T, program, dir string, environ []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(program, args...), t: t, log: &lines{}, exited: make(chan struct{})}
	p.Dir = dir
	p.Env = append(os.Environ(), "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_MQ_LISTEN=127.0.0.1:0", "EVENT_BOOKS_APP_OPS_LISTEN=127.0.0.1:0")
	p.Env = append(p.Env, environ...)
	p.Stdout, p.Stderr = p.log, p.log
	require.NoError(t, p.Start())
	go func() {
		_ = p.Wait()
		p.status = p.ProcessState.ExitCode()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, p.log)
		}
	})
	return p
}

// lines collects output and can be asked for JSON log lines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// attr returns an attribute of the last log line with that message.
func (l *lines) attr(message, key string) (value string) {
	for line := range strings.Lines(l.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			value = fmt.Sprint(entry[key])
		}
	}
	return value
}

func (p *process) eventually(what string, condition func() bool) {
	p.t.Helper()
	require.Eventually(p.t, condition, time.Minute, 10*time.Millisecond, "%s\n%s", what, p.log)
}

// url waits until the program tells where it listens.
func (p *process) url() (url string) {
	p.t.Helper()
	p.eventually("listens", func() bool { url = p.log.attr("listening", "url"); return url != "" })
	return url
}

// ready waits until searches are answered.
func (p *process) ready() (url string) {
	p.t.Helper()
	url = p.url()
	p.eventually("is ready", func() bool { return get(p.t, url+"/readyz").code == http.StatusOK })
	return url
}

// metric returns a value that the program tells Prometheus.
func (p *process) metric(name string) (value float64) {
	p.t.Helper()
	for line := range strings.Lines(get(p.t, "http://"+p.log.attr("listening", "ops")+"/metrics").body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			_, err := fmt.Sscan(rest, &value)
			require.NoError(p.t, err)
			return value
		}
	}
	p.t.Fatalf("there is no metric %s", name)
	return 0
}

// settled waits until Kafka has all events.
func (p *process) settled() {
	p.t.Helper()
	p.eventually("nothing waits in the spool", func() bool { return p.metric("event_books_spool_records") == 0 })
}

func (p *process) broker() string {
	p.t.Helper()
	var address string
	p.eventually("has a broker", func() bool { address = p.log.attr("broker: listening", "addr"); return address != "" })
	return address
}

// stop asks the program to end and returns its exit status.
func (p *process) stop(signal os.Signal) int {
	p.t.Helper()
	require.NoError(p.t, p.Process.Signal(signal))
	return p.wait()
}

func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		p.t.Fatalf("does not end\n%s", p.log)
	}
	return p.status
}

// finish runs the program to its end.
func finish(t *testing.T, dir string, environ []string, args ...string) (status int, output string) {
	t.Helper()
	p := start(t, dir, environ, args...)
	return p.wait(), p.log.String()
}

type answer struct {
	code   int
	header http.Header
	body   string
}

// get returns a zero answer where nobody answers.
func get(t *testing.T, url string) answer {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return answer{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

func post(t *testing.T, dir, url, body string) answer {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, "data", "admin-token"))
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(content)}
}

// events reads the first n records of the topic.
func events(t *testing.T, brokers, topic string, n int) (records []*mq.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	enough := errors.New("enough")
	err := mq.Tail(ctx, mq.Kafka{Brokers: strings.Split(brokers, ",")}, topic, mq.Start{Beginning: true}, nil, func(r *mq.Record) error {
		if records = append(records, r); len(records) == n {
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough, "%d of %d records came", len(records), n)
	return records
}

const topic = "lr-book-searches"

func TestASearchIsAnsweredAndBecomesAnEvent(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil)
	url, address := p.ready(), p.broker()
	p.eventually("the starter catalogue is found", func() bool { return get(t, url+"/api/books").header.Get("X-Total-Count") != "0" })
	p.eventually("events are confirmed", func() bool { return strings.Contains(p.log.String(), "Kafka confirms events") })

	page := get(t, url+"/?q=pride+prejudice")
	require.Equal(t, http.StatusOK, page.code)
	assert.Contains(t, page.body, "Pride and Prejudice")
	found := get(t, url+"/api/books?q=pride+prejudice")
	require.Equal(t, http.StatusOK, found.code)
	assert.Contains(t, found.body, `"title":"Pride and Prejudice"`)

	records := events(t, address, topic, 2)
	for i, want := range []answer{page, found} {
		assert.Equal(t, "pride prejudice", records[i].Key)
		assert.Equal(t, want.header.Get("X-Search-Id"), records[i].Header("ce_id"))
		assert.Equal(t, found.body, string(records[i].Value), "the value is the API's answer, byte for byte")
	}
	assert.Equal(t, "page", records[0].Header("ce_surface"))
	assert.Equal(t, "api", records[1].Header("ce_surface"))

	t.Run("events tail finds the running shop", func(t *testing.T) {
		for _, format := range []string{"", "--json"} {
			args := []string{"events", "tail", "--from", "beginning"}
			if format != "" {
				args = append(args, format)
			}
			tail := start(t, dir, nil, args...)
			tail.eventually("both events", func() bool {
				return strings.Count(tail.log.String(), "Pride and Prejudice") == 2
			})
			assert.Equal(t, 0, tail.stop(os.Interrupt))
		}
	})
	t.Run("health", func(t *testing.T) {
		status, output := finish(t, dir, nil, "health")
		assert.Equal(t, 0, status)
		assert.Equal(t, "ok\n", output)
	})
	t.Run("import on the running shop", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "books.csv"), []byte("Titel,author,isbn13\nBlumenbuch,Anna Blume,978-0-306-40615-7\n\"open,quote\n,no title,\n"), 0o600))
		status, output := finish(t, dir, nil, "import", "books.csv", "--map", "Titel=title")
		assert.Equal(t, 0, status, output)
		assert.Regexp(t, `rows: +3`, output)
		assert.Regexp(t, `created: +1`, output)
		assert.Regexp(t, `rejected: +2`, output)
		assert.Contains(t, get(t, url+"/api/books?q=9780306406157").body, "Blumenbuch")
		status, output = finish(t, dir, nil, "import", "books.csv", "--map", "Titel=title")
		assert.Equal(t, 0, status, output)
		assert.Regexp(t, `unchanged: +1`, output)
	})
	t.Run("staff adds a book", func(t *testing.T) {
		created := post(t, dir, url+"/api/books", `{"title":"A new one"}`)
		assert.Equal(t, http.StatusCreated, created.code, created.body)
		assert.Equal(t, http.StatusOK, get(t, url+created.header.Get("Location")).code)
	})

	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.NoFileExists(t, filepath.Join(dir, "data", "run.json"))
	status, output := finish(t, dir, nil, "health")
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "event-books: health:")
	_, err := net.Dial("tcp", address)
	assert.Error(t, err, "the broker ended with the shop")
}

func TestInterruptEndsWithStatusZero(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	p.ready()
	assert.Equal(t, 0, p.stop(os.Interrupt))
}

// A request that never ends takes neither the exit status nor all of the time.
func TestTricklingClientIsCutOff(t *testing.T) {
	p := start(t, t.TempDir(), []string{"EVENT_BOOKS_APP_SHUTDOWN_TIMEOUT=2s"})
	address := strings.TrimPrefix(p.ready(), "http://")
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /api/books HTTP/1.1\r\nHost: "+address+"\r\n")
	require.NoError(t, err)
	anew := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	live, err := anew.Get("http://" + address + "/livez") // the server has taken the other connection by now
	require.NoError(t, err)
	require.NoError(t, live.Body.Close())
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Contains(t, p.log.String(), "requests were cut off")
}

// Nothing acknowledged is lost when the shop or its broker is killed.
func TestKilledProcessesLoseNothing(t *testing.T) {
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listen := "EVENT_BOOKS_MQ_LISTEN=" + free.Addr().String()
	require.NoError(t, free.Close())

	const rounds = 4
	keys := 0
	var address string
	for round := range rounds {
		p := start(t, dir, []string{listen})
		url := p.ready()
		address = p.broker()
		p.eventually("events are confirmed", func() bool { return strings.Contains(p.log.String(), "Kafka confirms events") })
		for range 5 {
			require.Equal(t, http.StatusOK, get(t, fmt.Sprintf("%s/api/books?q=key%d", url, keys)).code)
			keys++
		}
		p.eventually("all are acknowledged", func() bool { return delivered(t, dir, url) == 5 })
		if round == 0 {
			commit(t, address)
		}
		if round%2 == 0 {
			require.NoError(t, p.Process.Kill())
			p.wait()
			continue
		}
		child := brokerChild(t, p.Process.Pid)
		require.NoError(t, syscall.Kill(child, syscall.SIGKILL))
		p.eventually("the broker is back", func() bool {
			again := brokerChildren(t, p.Process.Pid)
			return len(again) == 1 && again[0] != child && committed(address) == 3
		})
		require.Equal(t, http.StatusOK, get(t, fmt.Sprintf("%s/api/books?q=key%d", url, keys)).code)
		keys++
		p.eventually("events are acknowledged again", func() bool { return delivered(t, dir, url) == 6 })
		require.Equal(t, 0, p.stop(syscall.SIGTERM))
	}
	p := start(t, dir, []string{listen})
	p.ready()
	seen := map[string]int{}
	for _, r := range events(t, p.broker(), topic, keys) {
		seen[r.Key]++
	}
	for i := range keys {
		assert.Equal(t, 1, seen[fmt.Sprintf("key%d", i)], "key%d", i)
	}
	assert.EqualValues(t, 3, committed(p.broker()), "the group's offset survived")
}

func delivered(t *testing.T, dir, url string) int {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, "data", "admin-token"))
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodGet, url+"/readyz", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var ready struct{ Events struct{ Delivered int } }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&ready))
	return ready.Events.Delivered
}

// brokerChildren finds the processes that the shop started.
func brokerChildren(t *testing.T, parent int) (children []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, stat := range stats {
		content, err := os.ReadFile(stat)
		if err != nil {
			continue // it ended meanwhile
		}
		var pid, ppid int
		var state string
		_, rest, _ := strings.Cut(string(content), ") ")
		fmt.Sscan(string(content), &pid)
		fmt.Sscan(rest, &state, &ppid)
		if ppid == parent && state != "Z" {
			children = append(children, pid)
		}
	}
	return children
}

func brokerChild(t *testing.T, parent int) int {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("children are found in /proc, which this system lacks")
	}
	children := brokerChildren(t, parent)
	require.Len(t, children, 1)
	return children[0]
}

const group = "test-group"

func commit(t *testing.T, address string) {
	t.Helper()
	client, err := sarama.NewClient([]string{address}, sarama.NewConfig())
	require.NoError(t, err)
	defer client.Close()
	coordinator, err := client.Coordinator(group)
	require.NoError(t, err)
	request := &sarama.OffsetCommitRequest{Version: 2, ConsumerGroup: group, ConsumerGroupGeneration: sarama.GroupGenerationUndefined}
	request.AddBlock(topic, 0, 3, 0, "")
	response, err := coordinator.CommitOffset(request)
	require.NoError(t, err)
	require.Equal(t, sarama.ErrNoError, response.Errors[topic][0])
}

// committed returns -1 where nobody answers.
func committed(address string) int64 {
	config := sarama.NewConfig()
	config.Metadata.Retry.Max = 0
	admin, err := sarama.NewClusterAdmin([]string{address}, config)
	if err != nil {
		return -1
	}
	defer admin.Close()
	found, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	if err != nil || found.GetBlock(topic, 0) == nil {
		return -1
	}
	return found.GetBlock(topic, 0).Offset
}

func TestExitStatus(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("app:\n  prot: 1\n"), 0o600))

	for _, test := range []struct {
		name    string
		args    []string
		environ []string
		status  int
		output  []string
	}{
		{"help", []string{"--help"}, nil, 0, []string{"Usage: event-books", "events tail"}},
		{"version", []string{"version"}, nil, 0, []string{"event-books 0.", "commit", "go1."}},
		{"config check", []string{"config", "check"}, nil, 0, []string{"page_size: 20", "# default", "port: 0", "# EVENT_BOOKS_APP_PORT"}},
		{"unknown command", []string{"serve"}, nil, 2, []string{"unexpected argument serve"}},
		{"unknown flag", []string{"--port", "1"}, nil, 2, []string{"unknown flag --port"}},
		{"no file to import", []string{"import"}, nil, 2, []string{"<file>"}},
		{"bad time", []string{"events", "tail", "--from", "yesterday"}, nil, 2, []string{"--from"}},
		{"missing configuration", []string{"--config", "no.yml"}, nil, 2, []string{"no.yml"}},
		{"bad configuration", []string{"--config", file, "config", "check"}, nil, 2, []string{":2: app.prot: is not a setting, expected one of: listen, port"}},
		{"bad variable", []string{"web"}, []string{"EVENT_BOOKS_APP_PORT=http"}, 2, []string{"EVENT_BOOKS_APP_PORT: app.port: must be a whole number"}},
		{"DSN that can't be parsed", []string{"web"}, []string{"EVENT_BOOKS_DB_DSN=nonsense"}, 2, []string{"db.dsn: can't be parsed"}},
		{"port taken", nil, []string{"EVENT_BOOKS_APP_PORT=" + port}, 1, []string{"app.port", "address already in use"}},
		{"broker's port taken", nil, []string{"EVENT_BOOKS_MQ_LISTEN=" + taken.Addr().String()}, 1,
			[]string{taken.Addr().String(), "mq.listen", "mq.brokers"}},
		{"data folder is a file", nil, []string{"EVENT_BOOKS_APP_DATA_DIR=" + file}, 1, []string{"app.data_dir"}},
		{"data folder can't be made", nil, []string{"EVENT_BOOKS_APP_DATA_DIR=/proc/nothing"}, 1, []string{"app.data_dir"}},
		{"templates", []string{"web"}, []string{"EVENT_BOOKS_APP_TEMPLATES_PATTERN=none/*.html"}, 2, []string{"app.templates_pattern", "none/*.html"}},
		{"map to no field", []string{"import", file, "--map", "Titel=Überschrift"}, nil, 2, []string{`there is no field "Überschrift"; the fields are: title`}},
		{"two files of one name", []string{"import", "a/x.csv", "b/x.csv"}, nil, 2, []string{"a/x.csv and b/x.csv have the same name"}},
		{"no such catalogue", []string{"import", "none.csv"}, nil, 1, []string{"none.csv"}},
		{"database away at an import", []string{"import", file}, []string{"EVENT_BOOKS_DB_DSN=u:p@tcp(127.0.0.1:1)/shop"}, 1, []string{"connection refused"}},
		{"nobody to tail", []string{"events", "tail"}, []string{"EVENT_BOOKS_MQ_LISTEN=127.0.0.1:1"}, 1, []string{"mq.brokers is empty: is the shop running?"}},
		{"nobody to ask for health", []string{"health"}, []string{"EVENT_BOOKS_APP_PORT=1"}, 1, []string{"health:"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, output := finish(t, t.TempDir(), test.environ, test.args...)
			assert.Equal(t, test.status, status, output)
			for _, want := range test.output {
				assert.Contains(t, output, want)
			}
			assert.Less(t, strings.Count(output, "event-books: "), 2, "told once")
			assert.NotContains(t, output, "goroutine")
		})
	}
}

func TestSecondShopOnOneFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil)
	p.ready()
	status, output := finish(t, dir, nil)
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "broker")
	assert.Equal(t, http.StatusOK, get(t, p.url()+"/readyz").code)

	// The spool belongs to one process as well.
	status, output = finish(t, dir, nil, "web")
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "another process uses the folder: each shop needs an app.data_dir of its own")
	status, output = finish(t, dir, []string{"EVENT_BOOKS_APP_PORT=1"}, "health")
	assert.Equal(t, 0, status, "the first is still found: %s", output)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.NoFileExists(t, filepath.Join(dir, "data", "run.json"))
}

func TestKafkaAwayFailsNoSearch(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1", "EVENT_BOOKS_APP_SHUTDOWN_TIMEOUT=100ms"})
	url := p.ready()
	for range 3 {
		begun := time.Now()
		require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
		assert.Less(t, time.Since(begun), 10*time.Second)
	}
	p.eventually("degraded", func() bool { return strings.Contains(get(t, url+"/readyz").body, `"degraded"`) })
	p.eventually("it is told", func() bool { return strings.Contains(p.log.String(), "Kafka does not confirm events") })
	status, output := finish(t, dir, nil, "health")
	assert.Equal(t, 0, status)
	assert.Equal(t, "degraded\n", output)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Equal(t, 1, strings.Count(p.log.String(), "Kafka does not confirm events"), "told once")
	assert.Equal(t, "3", p.log.attr("events wait in the spool for the next start", "events"))
	status, output = finish(t, dir, nil, "spool", "status")
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `waiting: +3 events`, output)

	// Another instance may send what one that is gone has left.
	broker := start(t, t.TempDir(), nil, "broker")
	other := t.TempDir()
	status, output = finish(t, other, []string{"EVENT_BOOKS_MQ_BROKERS=" + broker.broker()}, "spool", "drain", "--dir", filepath.Join(dir, "data", "spool"))
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `delivered: +3`, output)
	assert.Len(t, events(t, broker.broker(), topic, 3), 3)
	status, output = finish(t, dir, nil, "spool", "status", "--json")
	assert.Equal(t, 0, status, output)
	assert.Contains(t, output, `"events":0`)
	status, output = finish(t, other, nil, "spool", "drain", "--dir", other)
	assert.Equal(t, 2, status, output)
	assert.Contains(t, output, "there is no spool in")
}

func TestBrokerAlone(t *testing.T) {
	dir := t.TempDir()
	alone := start(t, dir, nil, "broker")
	address := alone.broker()
	p := start(t, dir, nil, "web")
	url := p.ready()
	p.eventually("the web service finds the broker by the folder", func() bool { return strings.Contains(p.log.String(), "Kafka confirms events") })
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
	assert.Equal(t, "love", events(t, address, topic, 1)[0].Key)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Equal(t, 0, alone.stop(syscall.SIGTERM))
}

// tutorialConfig is the configuration of the tutorial's readers, byte for byte.
const tutorialConfig = `app:
  port: 8080
  page_size: 5
  templates_pattern: "adapter/templates/*.html"
db:
  dsn: "test_user:test_pass@tcp(127.0.0.1:3306)/lr_event_book?charset=utf8mb4&parseTime=True&loc=Local"
mq:
  brokers:
    - localhost:9092
  topic: "lr-book-searches"
`

// switchable is a way to a server that can be closed and opened.
type switchable struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	open     bool
	conns    []net.Conn
}

func newSwitchable(t *testing.T, target string) *switchable {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &switchable{listener: listener, target: target}
	t.Cleanup(func() { listener.Close(); s.set(false) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.connect(conn)
		}
	}()
	return s
}

func (s *switchable) connect(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server, err := net.Dial("tcp", s.target)
	if err != nil || !s.open {
		conn.Close()
		return
	}
	s.conns = append(s.conns, conn, server)
	go func() { io.Copy(server, bufio.NewReader(conn)); server.Close() }()
	go func() { io.Copy(conn, server); conn.Close() }()
}

func (s *switchable) set(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

// A Kafka client that nobody here wrote reads the search and its result.
func TestKcatReadsTheEvent(t *testing.T) {
	kcat, err := exec.LookPath("kcat")
	if err != nil {
		t.Skip("kcat is not installed")
	}
	p := start(t, t.TempDir(), nil)
	url, address := p.ready(), p.broker()
	p.eventually("the starter catalogue is found", func() bool { return get(t, url+"/api/books").header.Get("X-Total-Count") != "0" })
	p.eventually("events are confirmed", func() bool { return strings.Contains(p.log.String(), "Kafka confirms events") })
	found := get(t, url+"/api/books?q=Война")
	require.Equal(t, http.StatusOK, found.code)
	output, err := exec.Command(kcat, "-C", "-e", "-q", "-b", address, "-t", topic, "-f", `%k\n%h\n%s\n`).CombinedOutput()
	require.NoError(t, err, "%s", output)
	read := strings.Split(string(output), "\n")
	require.Len(t, read, 4)
	assert.Equal(t, "Война", read[0])
	assert.Contains(t, read[1], "ce_id="+found.header.Get("X-Search-Id"))
	assert.Equal(t, found.body, read[2])
}
