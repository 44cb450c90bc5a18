//go:build unix

package e2e

import (
	"encoding/json"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
)

// example returns the first code block of a language in a document that has the given
// words, with the address of a running broker.
func example(t *testing.T, file, language, broker string, having ...string) string {
	t.Helper()
	code := block(t, file, language, append([]string{"127.0.0.1:9092"}, having...)...)
	return strings.ReplaceAll(code, "127.0.0.1:9092", broker)
}

// block returns the first code block of a language in a document that has the given words.
func block(t *testing.T, file, language string, having ...string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		if !slices.ContainsFunc(having, func(word string) bool { return !strings.Contains(block[1], word) }) {
			return block[1]
		}
	}
	t.Fatalf("%s has no %s with %v", file, language, having)
	return ""
}

// shell runs a document's commands in the folder of a shop, where event-books is the program.
func shell(t *testing.T, dir, commands string) {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.Symlink(program, filepath.Join(bin, "event-books")))
	command := exec.Command("sh", "-e", "-c", commands)
	command.Dir = dir
	command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// duckDB runs SQL on the files of a folder, and returns the rows of the last statement.
func duckDB(t *testing.T, dir, sql string) string {
	t.Helper()
	python := os.Getenv("TEST_DUCKDB_PYTHON")
	if python == "" {
		t.Skip("TEST_DUCKDB_PYTHON names no python that has duckdb")
	}
	command := exec.Command(python, "-c", `
import duckdb, sys
rows = duckdb.connect().execute(sys.stdin.read()).fetchall()
for row in rows: print(*row, sep="\t")`)
	command.Dir, command.Stdin = dir, strings.NewReader(sql)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return string(output)
}

// The commands in docs/consuming.md for analysts work.
func TestExamplesOfConsuming(t *testing.T) {
	t.Parallel()
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	dir := t.TempDir()
	p := start(t, dir, nil)
	shop, broker := p.ready(), p.broker()
	p.stocked()
	p.connected()
	python := os.Getenv("TEST_CONFLUENT_PYTHON")
	firstConsumer := func(t *testing.T) string {
		if python == "" {
			t.Skip("TEST_CONFLUENT_PYTHON names no python that has confluent-kafka")
		}
		script := filepath.Join(dir, "first.py")
		require.NoError(t, os.WriteFile(script, []byte(example(t, "../docs/consuming.md", "python", broker)), 0o600))
		output, err := exec.Command(python, script).CombinedOutput()
		require.NoError(t, err, "%s", output)
		return string(output)
	}
	top := func(t *testing.T, args ...string) string {
		status, output := finish(t, dir, nil, append([]string{"events", "top"}, args...)...)
		require.Zero(t, status, output)
		return output
	}
	visit(t, shop+"/api/books?q=program", "User-Agent", "curl/8.0")
	events(t, broker, topic, 1)
	t.Run("bots alone", func(t *testing.T) {
		assert.Contains(t, top(t), "everything came from bots. Programs such as curl count as bots.")
		assert.Equal(t, "Everything came from bots. Programs such as curl count as bots.\n", firstConsumer(t))
	})
	for _, query := range []string{"q=moon", "q=MOON", "q=moon&o=1", "q=zzyzx"} {
		visit(t, shop+"/?"+query, "User-Agent", browser)
	}
	events(t, broker, topic, 5)
	first := bookLink.FindStringSubmatch(visit(t, shop+"/?q=moon", "User-Agent", browser).body)
	require.NotNil(t, first)
	visit(t, shop+html.UnescapeString(first[1]), "User-Agent", browser)
	records := events(t, broker, topic, 6)
	events(t, broker, clickTopic, 1)

	t.Run("kcat", func(t *testing.T) {
		if _, err := exec.LookPath("kcat"); err != nil {
			t.Skip("kcat is not installed")
		}
		output, err := exec.Command("sh", "-c", example(t, "../docs/consuming.md", "sh", broker)).CombinedOutput()
		require.NoError(t, err, "%s", output)
		assert.Len(t, strings.Split(strings.TrimSpace(string(output)), "\n"), 6)
		assert.Contains(t, string(output), "moon  ce_specversion=1.0,ce_id=")
	})
	sendAgain(t, broker, topic, records[0])
	t.Run("confluent-kafka", func(t *testing.T) {
		assert.Equal(t, "3\tmoon\t\n1\tzzyzx\t(not found)\n", firstConsumer(t), "the copy isn't counted")
	})
	t.Run("kafkajs", func(t *testing.T) {
		modules := os.Getenv("TEST_KAFKAJS_DIR")
		if modules == "" {
			t.Skip("TEST_KAFKAJS_DIR names no folder with kafkajs in its node_modules")
		}
		script := filepath.Join(dir, "not-found.js")
		require.NoError(t, os.WriteFile(script, []byte(example(t, "../docs/consuming.md", "javascript", broker)), 0o600))
		command := exec.Command("node", script)
		command.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(modules, "node_modules"), "KAFKAJS_NO_PARTITIONER_WARNING=1")
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s", output)
		assert.Equal(t, "1\tzzyzx\n", string(output))
	})
	t.Run("DuckDB", func(t *testing.T) {
		const page = "../docs/consuming.md"
		shell(t, dir, block(t, page, "sh", "--as searches", "--as clicks"))
		sql := func(having ...string) string {
			return duckDB(t, dir, block(t, page, "sql", "CREATE VIEW searches")+block(t, page, "sql", having...))
		}
		assert.Equal(t, "moon\t1\t1\nzzyzx\t1\t1\n", sql("AS visitors"))
		assert.Equal(t, "zzyzx\t1\t0\n", sql("AS rescued"))
		assert.Equal(t, "moon\t1\t1\t1.0\n", sql("AS rate"))
	})
	t.Run("User Behavior Insights", func(t *testing.T) {
		shell(t, dir, block(t, "../docs/consuming.md", "sh", "--as ubi"))
		lines := func(file string) int {
			content, err := os.ReadFile(filepath.Join(dir, file))
			require.NoError(t, err)
			return strings.Count(string(content), "\n")
		}
		assert.Equal(t, 6, lines("ubi_queries.jsonl"), "a bot's, too")
		assert.Equal(t, lines("ubi.jsonl"), lines("ubi_events.jsonl")+6)
		assert.Greater(t, lines("ubi_events.jsonl"), 4)
	})
	t.Run("judgements", func(t *testing.T) {
		shell(t, dir, strings.ReplaceAll(block(t, "../docs/consuming.md", "sh", "--as judgements"), "--min-shown 10", "--min-shown 1"))
		judgements, err := os.ReadFile(filepath.Join(dir, "judgements.csv"))
		require.NoError(t, err)
		assert.Regexp(t, `^query,docid,rating\nmoon,\d+,[123]\n(moon,\d+,0\n)+$`, string(judgements))
	})
	t.Run("events top", func(t *testing.T) {
		assert.Contains(t, top(t), `searches  requests  not found  keyword
1         4         0          moon
1         1         1          zzyzx
`)
		assert.Contains(t, top(t), "searches 2 (1 found nothing), keywords 2, requests 5.\nNot counted: 1 from bots, 1 repeated.\n")
		assert.NotContains(t, top(t, "--not-found", "--people"), "moon")
		var report struct {
			Searches, Copies int
			Top              []struct{ Keyword string }
		}
		require.NoError(t, json.Unmarshal([]byte(top(t, "--json", "--since", "10m", "--limit", "1")), &report))
		assert.Equal(t, 2, report.Searches, "a daily visitor counts once")
		assert.Len(t, report.Top, 1)
	})
}

// The README's first book is none of the starter catalogue, and the command adds it.
func TestReadmeAddsABook(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	command := regexp.MustCompile("(?s)```sh\ncurl -X POST (\\S+) .*? -d '(\\{.*?\\})'\n```").FindStringSubmatch(string(readme))
	require.NotNil(t, command, "README.md shows no POST")
	var book struct{ Title, Author string }
	require.NoError(t, json.Unmarshal([]byte(command[2]), &book))

	dir := t.TempDir()
	p := start(t, dir, nil)
	shop := p.ready()
	p.stocked()
	found := func() string {
		answer := get(t, shop+"/api/books?"+url.Values{"q": {book.Title}}.Encode())
		return answer.header.Get("X-Total-Count")
	}
	require.Equal(t, "0", found(), "the starter catalogue has %s", book.Title)
	require.Equal(t, 201, post(t, dir, strings.Replace(command[1], "http://localhost:8080", shop, 1), command[2]).code)
	p.eventually("the book is found", func() bool { return found() == "1" })

	change := regexp.MustCompile("(?s)```sh\ncurl -X PATCH http://localhost:8080(\\S+) .*? -d '(\\{.*?\\})'\n```").FindStringSubmatch(string(readme))
	require.NotNil(t, change, "README.md shows no PATCH")
	request, err := http.NewRequest(http.MethodPatch, shop+change[1], strings.NewReader(change[2]))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
	request.Header.Set("Content-Type", "application/json")
	changed, err := do(t, request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, changed.code, changed.body)
	require.Contains(t, changed.body, book.Title, "it changes the book that the POST before has made")
}

// docs/promise.md names tests that exist.
func TestPromisesNameTheirTests(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, name := range function.FindAllStringSubmatch(string(code), -1) {
			tests[name[1]] = true
		}
		return err
	}))
	page, err := os.ReadFile("../docs/promise.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test\\w+)").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, tests[name[1]], "there is no %s", name[1])
	}
}

// sendAgain sends a copy of a record.
func sendAgain(t *testing.T, broker, topic string, r *mq.Record) {
	t.Helper()
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer([]string{broker}, config)
	require.NoError(t, err)
	defer producer.Close()
	again := &sarama.ProducerMessage{Topic: topic, Partition: r.Partition, Key: sarama.StringEncoder(r.Key), Value: sarama.ByteEncoder(r.Value)}
	for _, h := range r.Headers {
		again.Headers = append(again.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	_, _, err = producer.SendMessage(again)
	require.NoError(t, err)
}

// The Go program in docs/first-consumer.md counts each search once.
func TestFirstConsumerInGo(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	url := p.ready()
	p.connected()
	for _, q := range []string{"whale", "whale", "emma"} {
		require.Equal(t, http.StatusOK, get(t, url+"/api/books?q="+q).code)
	}
	p.settled()
	source := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(source, []byte(example(t, "../docs/first-consumer.md", "go", p.broker())), 0o600))
	formatted, err := exec.Command("gofmt", "-l", source).CombinedOutput()
	require.NoError(t, err)
	assert.Empty(t, string(formatted))
	binary := filepath.Join(t.TempDir(), "consumer")
	output, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, "%s", output)
	consumer := startProgram(t, binary, t.TempDir(), nil)
	consumer.eventually("three searches are printed", func() bool { return strings.Count(consumer.log.String(), "\n") == 3 })
	assert.Contains(t, consumer.log.String(), "whale 2\n")
	assert.Contains(t, consumer.log.String(), "emma 1\n")
}
