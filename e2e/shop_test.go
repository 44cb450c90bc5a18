//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASearchIsAnsweredAndBecomesAnEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	url, address := p.ready(), p.broker()
	p.stocked()
	p.connected()

	page := get(t, url+"/?q=pride+prejudice")
	require.Equal(t, http.StatusOK, page.code)
	assert.Contains(t, page.body, "<mark>Pride</mark> and <mark>Prejudice</mark>")
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
	t.Run("events tail shows the changes", func(t *testing.T) {
		tail := start(t, dir, nil, "events", "tail", "--topic", "changes", "--from", "beginning")
		tail.eventually("the starter catalogue", func() bool { return strings.Contains(tail.log.String(), "Pride and Prejudice · Jane Austen") })
		post(t, p.Dir, url+"/api/books", `{"title": "Seen at once"}`)
		tail.eventually("a new book", func() bool { return strings.Contains(tail.log.String(), "Seen at once") })
		assert.Equal(t, 0, tail.stop(os.Interrupt))
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
		p.eventually("the imported book is found", func() bool {
			return strings.Contains(get(t, url+"/api/books?q=9780306406157").body, "Blumenbuch")
		})
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
	assert.Error(t, err, "the broker ends with the shop")
}

func TestInterruptEndsWithStatusZero(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	p.ready()
	assert.Equal(t, 0, p.stop(os.Interrupt))
}

// A request that never ends doesn't change the exit status and doesn't use up the whole
// timeout.
func TestTricklingClientIsCutOff(t *testing.T) {
	p := start(t, t.TempDir(), []string{"EVENT_BOOKS_APP_SHUTDOWN_TIMEOUT=2s"})
	address := strings.TrimPrefix(p.ready(), "http://")
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /api/books HTTP/1.1\r\nHost: "+address+"\r\n")
	require.NoError(t, err)
	anew := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	live, err := anew.Get("http://" + address + "/livez") // the server has accepted the other connection by now
	require.NoError(t, err)
	require.NoError(t, live.Body.Close())
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Contains(t, p.log.String(), "requests were cut off")
}

// A kill of the shop or of its broker loses no acknowledged event.
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
		p.connected()
		for range 5 {
			require.Equal(t, http.StatusOK, get(t, fmt.Sprintf("%s/api/books?q=key%d", url, keys)).code)
			keys++
		}
		p.eventually("all events are acknowledged", func() bool { return delivered(t, dir, url) == 5 })
		if round == 0 {
			commit(t, address)
		}
		if round%2 == 0 {
			p.kill()
			continue
		}
		child := brokerChild(t, p.Cmd.Process.Pid)
		require.NoError(t, syscall.Kill(child, syscall.SIGKILL))
		p.eventually("the broker is back", func() bool {
			again := brokerChildren(t, p.Cmd.Process.Pid)
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
	request, err := http.NewRequest(http.MethodGet, url+"/readyz", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
	answer, err := do(t, request)
	require.NoError(t, err)
	var ready struct{ Events struct{ Delivered int } }
	require.NoError(t, json.Unmarshal([]byte(answer.body), &ready))
	return ready.Events.Delivered
}

// brokerChildren returns the processes that the shop started.
func brokerChildren(t *testing.T, parent int) (children []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, stat := range stats {
		content, err := os.ReadFile(stat)
		if err != nil {
			continue // the process has ended
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
		t.Skip("this system has no /proc to find children in")
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

// committed returns the committed offset, or -1 if no broker answers.
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
	t.Parallel()
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
		{"unknown command", []string{"serve"}, nil, 2, []string{`there is no command "serve"; use one of all, web,`}},
		{"unknown flag", []string{"--port", "1"}, nil, 2, []string{"unknown flag --port"}},
		{"no file to import", []string{"import"}, nil, 2, []string{"<file>"}},
		{"bad time", []string{"events", "tail", "--from", "yesterday"}, nil, 2, []string{"--from"}},
		{"missing configuration", []string{"--config", "no.yml"}, nil, 2, []string{"no.yml"}},
		{"bad configuration", []string{"--config", file, "config", "check"}, nil, 2, []string{":2: app.prot: is not a setting, expected one of: listen, port"}},
		{"bad variable", []string{"web"}, []string{"EVENT_BOOKS_APP_PORT=http"}, 2, []string{"EVENT_BOOKS_APP_PORT: app.port: must be a whole number"}},
		{"DSN that can't be parsed", []string{"web"}, []string{"EVENT_BOOKS_DB_DSN=nonsense"}, 2, []string{"db.dsn: can't be parsed"}},
		{"port taken", nil, []string{"EVENT_BOOKS_APP_PORT=" + port}, 1, []string{"another program listens on 127.0.0.1:" + port, "app.port"}},
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
			assert.Less(t, strings.Count(output, "event-books: "), 2, "the error is printed once")
			assert.NotContains(t, output, "goroutine")
		})
	}
}

// Nobody else may read what the shop stores.
func TestNewFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	url := p.ready()
	p.connected()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
	p.settled()
	check := func() {
		require.NoError(t, filepath.WalkDir(filepath.Join(dir, "data"), func(path string, entry fs.DirEntry, err error) error {
			var info fs.FileInfo
			if err == nil {
				info, err = entry.Info()
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil // the running program deleted it
			}
			if err == nil {
				assert.Zero(t, info.Mode().Perm()&0o077, "%s has the mode %s", path, info.Mode())
			}
			return err
		}))
	}
	check()
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	check()
}

// The program says its commit, however it is built from a checkout.
func TestVersionHasTheCommit(t *testing.T) {
	t.Parallel()
	head, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		t.Skip("this is no checkout of git: ", err)
	}
	dir := t.TempDir()
	install := exec.Command("go", "install", "-buildvcs=true", module)
	install.Env = append(os.Environ(), "GOBIN="+dir)
	output, err := install.CombinedOutput()
	require.NoError(t, err, "%s", output)
	output, err = exec.Command(filepath.Join(dir, "event-books"), "version").CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Contains(t, string(output), strings.TrimSpace(string(head)))
}

func TestSecondShopOnOneFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	p.ready()
	for _, command := range []string{"all", "web"} {
		status, output := finish(t, dir, nil, command)
		assert.Equal(t, 1, status)
		assert.Contains(t, output, "another shop runs on the folder data")
		assert.NotContains(t, output, "broker: ", "it starts nothing")
	}
	assert.Equal(t, http.StatusOK, get(t, p.url()+"/readyz").code)
	status, output := finish(t, dir, []string{"EVENT_BOOKS_APP_PORT=1"}, "health")
	assert.Equal(t, 0, status, "the first is still found: %s", output)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.NoFileExists(t, filepath.Join(dir, "data", "run.json"))
}

func TestKafkaAwayFailsNoSearch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1", "EVENT_BOOKS_APP_SHUTDOWN_TIMEOUT=100ms"})
	url := p.ready()
	for range 3 {
		begun := time.Now()
		require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
		assert.Less(t, time.Since(begun), 10*time.Second)
	}
	p.eventually("/readyz is degraded", func() bool { return strings.Contains(get(t, url+"/readyz").body, `"degraded"`) })
	p.eventually("the log reports the outage", func() bool { return p.logged("Kafka does not confirm events", topic) > 0 })
	status, output := finish(t, dir, nil, "health")
	assert.Equal(t, 0, status)
	assert.Equal(t, "degraded\n", output)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Equal(t, 1, p.logged("Kafka does not confirm events", topic), "the outage is logged once")
	assert.Equal(t, "3", p.log.Attr("events wait in the spool for the next start", "events"))
	status, output = finish(t, dir, nil, "spool", "status")
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `waiting: +3 events`, output)

	// Another instance may send the events of one that is gone.
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
	t.Parallel()
	dir := t.TempDir()
	alone := start(t, dir, nil, "broker")
	address := alone.broker()
	p := start(t, dir, nil, "web")
	url := p.ready()
	p.eventually("the web service finds the broker through the folder", func() bool { return strings.Contains(p.log.String(), "Kafka confirms events") })
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
	assert.Equal(t, "love", events(t, address, topic, 1)[0].Key)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Equal(t, 0, alone.stop(syscall.SIGTERM))
}

// An independent Kafka client reads the search and its result.
func TestKcatReadsTheEvent(t *testing.T) {
	t.Parallel()
	kcat, err := exec.LookPath("kcat")
	if err != nil {
		t.Skip("kcat is not installed")
	}
	p := start(t, t.TempDir(), nil)
	url, address := p.ready(), p.broker()
	p.stocked()
	p.connected()
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
