//go:build unix

// Package e2e tests the whole program. Each test starts the built binary in its own
// folder, talks to it over HTTP and Kafka's protocol, and stops or kills it. It must not
// reach into the program in any other way.
package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

const (
	module = "literank.com/event-books"
	// topic is the default topic.
	topic = "lr-book-searches"
)

// program is the built binary. go run would hide exit statuses and signals.
var program string

func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "EVENT_BOOKS_") {
			os.Unsetenv(name) // ignore settings of the caller's environment
		}
	}
	testbed.Parallel(4)
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "event-books-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = build(dir, "")
	return m.Run()
}

// build builds a program of this module; "" is the shop.
func build(dir, pkg string) (program string) {
	program = filepath.Join(dir, "event-books")
	if output, err := exec.Command("go", "build", "-o", program, path.Join(module, pkg)).CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, output))
	}
	return program
}

// process is a program that a test started, with its log.
type process struct {
	*testbed.Process
	t   *testing.T
	log *testbed.Output
}

// start runs the shop in dir on free ports.
func start(t *testing.T, dir string, environ []string, args ...string) *process {
	t.Helper()
	return startProgram(t, program, dir, environ, args...)
}

// startProgram runs another program like start.
func startProgram(t *testing.T, program, dir string, environ []string, args ...string) *process {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_MQ_LISTEN=127.0.0.1:0", "EVENT_BOOKS_APP_OPS_LISTEN=127.0.0.1:0")
	command.Env = append(command.Env, environ...)
	p := &process{t: t, log: &testbed.Output{}}
	command.Stdout, command.Stderr = p.log, p.log
	var err error
	p.Process, err = testbed.Run(command)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, p.log)
		}
	})
	return p
}

func (p *process) eventually(what string, condition func() bool) {
	p.t.Helper()
	require.Eventually(p.t, condition, time.Minute, 10*time.Millisecond, "%s\n%s", what, p.log)
}

// url waits until the program logs its address.
func (p *process) url() (url string) {
	p.t.Helper()
	p.eventually("the program listens", func() bool { url = p.log.Attr("listening", "url"); return url != "" })
	return url
}

// ready waits until /readyz answers 200, and returns the shop's address.
func (p *process) ready() (url string) {
	p.t.Helper()
	url = p.url()
	p.eventually("the program is ready", func() bool { return get(p.t, url+"/readyz").code == http.StatusOK })
	return url
}

// starterBooks is the size of the starter catalogue.
const starterBooks = 400

// stocked waits until searches find the starter catalogue.
func (p *process) stocked() {
	p.t.Helper()
	url := p.url()
	p.eventually("the search index finds the starter catalogue", func() bool {
		var found struct {
			Total        int
			Capabilities struct{ Explanations bool } // of the index, not of the database
		}
		return json.Unmarshal([]byte(get(p.t, url+"/api/search?limit=1").body), &found) == nil && found.Total >= starterBooks && found.Capabilities.Explanations
	})
}

// connected waits until Kafka confirms searches.
func (p *process) connected() {
	p.t.Helper()
	p.eventually("events are confirmed", func() bool { return p.logged("Kafka confirms events", p.log.Attr("listening", "topic")) > 0 })
}

// logged counts the lines of the log that have all these texts.
func (p *process) logged(texts ...string) (lines int) {
	for line := range strings.Lines(p.log.String()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			lines++
		}
	}
	return lines
}

// metric returns a value from /metrics, summed over its labels.
func (p *process) metric(name string) (sum float64) {
	p.t.Helper()
	found := false
	for line := range strings.Lines(get(p.t, "http://"+p.log.Attr("listening", "ops")+"/metrics").body) {
		labelled, rest, _ := strings.Cut(line, " ")
		if labelled == name || strings.HasPrefix(labelled, name+"{") {
			var value float64
			_, err := fmt.Sscan(rest, &value)
			require.NoError(p.t, err)
			sum, found = sum+value, true
		}
	}
	require.True(p.t, found, "there is no metric %s", name)
	return sum
}

// settled waits until all events are in Kafka.
func (p *process) settled() {
	p.t.Helper()
	p.eventually("nothing waits in the spool", func() bool { return p.metric("event_books_spool_records") == 0 })
}

// broker waits for the embedded broker and returns its address.
func (p *process) broker() (address string) {
	p.t.Helper()
	p.eventually("the broker listens", func() bool { address = p.log.Attr("broker: listening", "addr"); return address != "" })
	return address
}

// stop sends a signal and returns the exit status.
func (p *process) stop(signal os.Signal) int {
	p.t.Helper()
	require.NoError(p.t, p.Cmd.Process.Signal(signal))
	return p.wait()
}

// kill kills the program.
func (p *process) kill() {
	p.t.Helper()
	_ = p.Cmd.Process.Kill()
	p.wait()
}

// wait returns the exit status. It fails the test if the program doesn't end within
// a minute.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.Exited():
	case <-time.After(time.Minute):
		p.t.Fatalf("the program doesn't end\n%s", p.log)
	}
	return p.ProcessState.ExitCode()
}

// finish runs a command of the shop to its end.
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

// get returns a zero answer if the request fails.
func get(t *testing.T, url string) answer {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	a, _ := do(t, request)
	return a
}

// post sends a JSON body with the admin token.
func post(t *testing.T, dir, url, body string) answer {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
	request.Header.Set("Content-Type", "application/json")
	a, err := do(t, request)
	require.NoError(t, err)
	return a
}

func do(t *testing.T, request *http.Request) (answer, error) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(body)}, nil
}

// adminToken returns the token of the shop in dir.
func adminToken(t *testing.T, dir string) string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, "data", "admin-token"))
	require.NoError(t, err)
	return strings.TrimSpace(string(token))
}

// events reads the first n records of a topic.
func events(t *testing.T, brokers, topic string, n int) []*mq.Record {
	t.Helper()
	return mqtest.Read(t, strings.Split(brokers, ","), topic, n)
}
