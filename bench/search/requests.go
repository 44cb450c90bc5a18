//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

var requestsPage = testbed.NewPage("docs/search-speed.md", "requests")

const (
	connections = 8
	// fewBooks is the size of the catalogue with which a large one is compared.
	fewBooks = 10_000
	// leastFew and leastMany are what is asked of the search index, in requests of the
	// tutorial's design, with a file's books and with a million.
	leastFew, leastMany = 60, 300
	many                = 1_000_000
	// leastSQL is what is asked of the database's search.
	leastSQL = 0.9
	// mostSlower is how much longer a request may take with all books than with fewBooks, and
	// a page than the API.
	mostSlower = 2
)

// service is a running program that answers /api/books.
type service struct {
	name string
	url  string
	// head asks without a body; then the search has no event.
	head bool
}

// site has the servers of the measurement of whole requests.
type site struct {
	*bench
	dir, dsn, program string
	kafka             *testbed.Kafka
	window            time.Duration
	closers           testbed.Closers
}

// requests measures whole requests of the shop beside the tutorial's design, on one database
// and one Kafka.
func (b *bench) requests(ctx context.Context, sets []*set, window time.Duration) (err error) {
	s := &site{bench: b, dsn: os.Getenv("SEARCH_DSN"), window: window}
	libs := os.Getenv("BENCH_KAFKA_LIBS")
	if s.dsn == "" || libs == "" {
		return errors.New("set SEARCH_DSN to an empty database on MySQL or MariaDB, and BENCH_KAFKA_LIBS to the folder of Kafka's jars")
	}
	defer func() { err = errors.Join(err, s.closers.Close()) }()
	if s.dir, err = os.MkdirTemp("", "event-books-requests-"); err != nil {
		return err
	}
	s.closers.Add(func() error { return os.RemoveAll(s.dir) })
	if s.kafka, err = testbed.NewKafka(ctx, testbed.KafkaOptions{Libs: libs, Dir: s.dir, Port: 19792, Fronts: []string{"127.0.0.1:19795"}}); err != nil {
		return err
	}
	s.closers.Add(s.kafka.Kill)
	if err := s.kafka.Start(ctx); err != nil {
		return err
	}
	s.program = filepath.Join(s.dir, "event-books")
	if err := testbed.Build(ctx, s.program, ""); err != nil {
		return err
	}
	var q []*set
	for _, set := range sets {
		if set.kind == plain && slices.Contains([]string{"Q1", "Q2", "Q3", "Q4", "QH"}, set.name) {
			q = append(q, set)
		}
	}
	if b.only != "" {
		return errors.New("-requests measures several query sets: leave out -only")
	}
	if err := s.importBooks(ctx, 0, fewBooks); err != nil {
		return err
	}
	few, err := s.latency(ctx, q)
	if err != nil {
		return err
	}
	if err := s.importBooks(ctx, fewBooks, b.wanted); err != nil {
		return err
	}
	rows, err := s.compare(ctx, q, few)
	if err != nil {
		return err
	}
	head := fmt.Sprintf("Measured on %s on %s; %s; Apache Kafka %s and the database on the same machine; %d books, of which the file has %d; %d connections.",
		time.Now().Format("2006-01-02"), testbed.Machine(), testbed.GoVersion(), s.kafka.Version(), b.wanted, len(b.books), connections)
	return requestsPage.Report(head, "| figure | asked | reached |\n|---|---|---|\n"+strings.Join(rows, ""))
}

// importBooks imports the books from one number to another.
func (s *site) importBooks(ctx context.Context, from, to int) error {
	name := filepath.Join(s.dir, fmt.Sprintf("books-%d.jsonl", to))
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	encoder := json.NewEncoder(out)
	for n := from; n < to; n++ {
		b := s.book(n)
		if err := encoder.Encode(map[string]any{"id": n + 1, "title": b.Title, "author": b.Author, "language": b.Language, "subjects": b.Subjects,
			"published_at": b.PublishedAt, "availability": b.Availability, "ratings_count": b.Popularity, "author_aliases": b.AuthorAliases}); err != nil {
			return err
		}
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		return err
	}
	log.Printf("importing %d books", to-from)
	command := exec.CommandContext(ctx, s.program, "import", name, "--source", "bench")
	command.Env = append(os.Environ(), "EVENT_BOOKS_DB_DSN="+s.dsn, "EVENT_BOOKS_APP_DATA_DIR="+filepath.Join(s.dir, "import"))
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w\n%s", err, output[max(0, len(output)-2000):])
	}
	return os.Remove(name)
}

// shop runs the shop with a search engine until the returned function is called.
func (s *site) shop(ctx context.Context, engine string) (url string, stop func() error, err error) {
	folder, err := os.MkdirTemp(s.dir, engine+"-")
	if err != nil {
		return "", nil, err
	}
	var output testbed.Output
	shop := testbed.NewShop(s.program, folder, []string{
		"EVENT_BOOKS_DB_DSN=" + s.dsn, "EVENT_BOOKS_MQ_BROKERS=" + strings.Join(s.kafka.Addresses(), ","), "EVENT_BOOKS_INDEX_ENGINE=" + engine,
		"EVENT_BOOKS_MQ_TOPIC_PREFIX=" + engine + ".", "EVENT_BOOKS_APP_PAGE_SIZE=5", // the tutorial's
	}, &output, func(error) {})
	if err := shop.Launch(); err != nil {
		return "", nil, err
	}
	stop = func() error { _, err := shop.End(syscall.SIGTERM); return err }
	if err = shop.Ready(ctx); err == nil {
		url, _, err = shop.Address(ctx)
	}
	if err == nil {
		log.Printf("waiting for the engine %s", engine)
		err = testbed.EventuallyEvery(ctx, time.Second, 30*time.Minute, func() error {
			response, err := http.Get(url + "/readyz")
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			switch {
			case err != nil:
			case !strings.Contains(string(body), `"ok"`):
				err = fmt.Errorf("/readyz: %s", body)
			case engine == "bleve" && output.Attr("the search index is compacted", "seconds") == "":
				err = errors.New("the search index isn't compacted")
			}
			return err
		})
	}
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return url, stop, nil
}

// tutorial runs the tutorial's search until the returned function is called.
func (s *site) tutorial(ctx context.Context) (url string, stop func() error, err error) {
	program := filepath.Join(s.dir, "tutorial")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./bench/tutorial").CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("build the tutorial: %w\n%s", err, output)
	}
	printed := &testbed.Output{}
	command := exec.Command(program, "-dsn", s.dsn, "-brokers", strings.Join(s.kafka.Addresses(), ","), "-topic", "sql.lr-book-searches") // Kafka creates none itself
	command.Stdout, command.Stderr = printed, io.Discard
	process, err := testbed.Run(command)
	if err != nil {
		return "", nil, err
	}
	stop = func() error { return process.End(syscall.SIGTERM) }
	err = testbed.Eventually(ctx, time.Minute, func() error {
		const told = "listening on "
		for line := range strings.Lines(printed.String()) {
			if address, ok := strings.CutPrefix(strings.TrimSpace(line), told); ok {
				url = address
				return nil
			}
		}
		return errors.New("the tutorial doesn't listen")
	})
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return url, stop, nil
}

// mixed returns queries of several sets in turn.
func mixed(sets []*set) func(i int) string {
	return func(i int) string {
		queries := sets[i%len(sets)].queries
		return queries[i/len(sets)%len(queries)]
	}
}

// rate returns the requests a second that connections get answered.
func (v service) rate(ctx context.Context, window time.Duration, query func(i int) string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	var next, answered atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				err := v.ask(ctx, client, "/api/books", query(int(next.Add(1))))
				switch {
				case ctx.Err() != nil:
				case err != nil:
					failed.Store(&err)
					return
				default:
					answered.Add(1)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, fmt.Errorf("%s: %w", v.name, *err)
	}
	return float64(answered.Load()) / window.Seconds(), nil
}

func (v service) ask(ctx context.Context, client *http.Client, path, query string) error {
	method := http.MethodGet
	if v.head {
		method = http.MethodHead
	}
	request, err := http.NewRequestWithContext(ctx, method, v.url+path+"?q="+url.QueryEscape(query), nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%q: %s", query, response.Status)
	}
	return nil
}

// typical returns the median duration of a request, one after the other.
func (v service) typical(ctx context.Context, path string, query func(i int) string, n int) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		if err := v.ask(ctx, client, path, query(i)); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[n/2], nil
}

// latency returns the median duration of a request of Q1 to Q4.
func (s *site) latency(ctx context.Context, sets []*set) (took time.Duration, err error) {
	url, stop, err := s.shop(ctx, "bleve")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return service{name: "bleve", url: url}.typical(ctx, "/api/books", mixed(sets[:4]), 2000)
}

// rounds is how often services take turns.
const rounds = 3

// compare measures all services in turn.
func (s *site) compare(ctx context.Context, sets []*set, few time.Duration) (rows []string, err error) {
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	services := map[string]service{}
	for _, engine := range []string{"bleve", "sql"} {
		url, stop, err := s.shop(ctx, engine)
		if err != nil {
			return nil, err
		}
		closers.Add(stop)
		services[engine] = service{name: engine, url: url}
	}
	url, stop, err := s.tutorial(ctx)
	if err != nil {
		return nil, err
	}
	closers.Add(stop)
	services["tutorial"] = service{name: "tutorial", url: url}
	silent := services["bleve"]
	silent.name, silent.head = "silent", true
	services["silent"] = silent

	figure := func(name, asked, reached string) {
		log.Printf("%s: asked %s, reached %s", name, asked, reached)
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", name, asked, reached))
	}
	least := leastFew
	if s.wanted >= many {
		least = leastMany
	}
	rates, err := s.turns(ctx, services, []string{"tutorial", "bleve", "silent"}, mixed(sets[:4]))
	if err != nil {
		return nil, err
	}
	figure("requests/s with Q1–Q4 ÷ the tutorial's", "≥ "+strconv.Itoa(least), fmt.Sprintf("%.0f (%.0f and %.1f)", rates["bleve"]/rates["tutorial"], rates["bleve"], rates["tutorial"]))
	figure("the same without events and bodies (HEAD)", "stated", fmt.Sprintf("%.0f (%.0f)", rates["silent"]/rates["tutorial"], rates["silent"]))
	for i, set := range sets {
		rates, err := s.turns(ctx, services, []string{"tutorial", "sql"}, mixed(sets[i:i+1]))
		if err != nil {
			return nil, err
		}
		asked := "stated"
		if slices.Contains([]string{"Q1", "Q2", "Q3"}, set.name) {
			asked = fmt.Sprintf("≥ %g", leastSQL)
		}
		figure("`index.engine: sql`, requests/s with "+set.name+" ÷ the tutorial's", asked, fmt.Sprintf("%.2f (%.1f and %.1f)", rates["sql"]/rates["tutorial"], rates["sql"], rates["tutorial"]))
	}
	all, err := services["bleve"].typical(ctx, "/api/books", mixed(sets[:4]), 2000)
	if err != nil {
		return nil, err
	}
	figure(fmt.Sprintf("median of a request ÷ with %d books", fewBooks), fmt.Sprintf("≤ %d", mostSlower), fmt.Sprintf("%.2f (%.2f ms and %.2f ms)", ratio(all, few), milliseconds(all), milliseconds(few)))
	api, err := services["bleve"].typical(ctx, "/api/books", mixed(sets[:1]), 1000)
	if err != nil {
		return nil, err
	}
	page, err := services["bleve"].typical(ctx, "/", mixed(sets[:1]), 1000)
	if err != nil {
		return nil, err
	}
	figure("median of the results page ÷ of the API's answer, Q1", fmt.Sprintf("≤ %d", mostSlower), fmt.Sprintf("%.2f (%.2f ms and %.2f ms)", ratio(page, api), milliseconds(page), milliseconds(api)))
	return rows, nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// turns returns the median rate of each service; they take turns.
func (s *site) turns(ctx context.Context, services map[string]service, names []string, query func(i int) string) (map[string]float64, error) {
	all := map[string][]float64{}
	for range rounds {
		for _, name := range names {
			rate, err := services[name].rate(ctx, s.window, query)
			if err != nil {
				return nil, err
			}
			all[name] = append(all[name], rate)
		}
	}
	medians := map[string]float64{}
	for name, rates := range all {
		slices.Sort(rates)
		medians[name] = rates[len(rates)/2]
	}
	return medians, ctx.Err()
}
