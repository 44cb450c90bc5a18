//go:build unix

package e2e

import (
	"bufio"
	"database/sql"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// realServers returns a new database on MariaDB and the brokers of a Kafka, or skips the
// test.
func realServers(t *testing.T) (dsn *mysql.Config, database *sql.DB, brokers string) {
	t.Helper()
	brokers = os.Getenv("TEST_KAFKA_BROKERS")
	if brokers == "" {
		t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
	}
	address := os.Getenv("TEST_MARIADB_DSN")
	if address == "" {
		t.Skip("TEST_MARIADB_DSN names no MariaDB server")
	}
	dsn, err := mysql.ParseDSN(address)
	require.NoError(t, err)
	admin, err := sql.Open("mysql", dsn.FormatDSN())
	require.NoError(t, err)
	dsn.DBName = "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	_, err = admin.Exec("CREATE DATABASE " + dsn.DBName)
	require.NoError(t, err)
	database, err = sql.Open("mysql", dsn.FormatDSN())
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("DROP DATABASE " + dsn.DBName)
		assert.NoError(t, err)
		assert.NoError(t, admin.Close())
		assert.NoError(t, database.Close())
	})
	return dsn, database, brokers
}

// tutorialConfig is the tutorial's configuration, byte for byte.
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

// The shop runs with the tutorial's configuration, except for the servers' addresses, on a
// database that the tutorial's program filled.
func TestTutorialsDeploymentGoesOn(t *testing.T) {
	t.Parallel()
	dsn, database, brokers := realServers(t)
	_, err := database.Exec("CREATE TABLE `books` (`id` bigint unsigned AUTO_INCREMENT,`title` longtext,`author` longtext," +
		"`published_at` longtext,`description` longtext,`created_at` datetime(3) NULL,PRIMARY KEY (`id`))")
	require.NoError(t, err)
	_, err = database.Exec("INSERT INTO books (id, title, author, published_at, description, created_at) VALUES " +
		"(7, 'Great Expectations', 'Charles Dickens', '1861', 'Pip', NOW()), (9, '100% Ünïcode', 'Somebody', '', '', NOW())")
	require.NoError(t, err)

	// The pattern of the templates is relative to the working directory.
	adapter, err := filepath.Abs("../adapter")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(adapter, filepath.Join(dir, "adapter")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.yml"), []byte(tutorialConfig), 0o600))

	prefix := "test-" + uuid.NewString() + "-"
	p := start(t, dir, []string{"EVENT_BOOKS_DB_DSN=" + dsn.FormatDSN(), "EVENT_BOOKS_MQ_BROKERS=" + brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix})
	url := p.ready()
	found := get(t, url+"/api/books?q=EXPECTATIONS")
	require.Equal(t, http.StatusOK, found.code)
	assert.True(t, strings.HasPrefix(found.body, `[{"id":7,"title":"Great Expectations","author":"Charles Dickens","published_at":"1861","description":"Pip","created_at":"`), found.body)
	assert.Contains(t, get(t, url+"/?q=100%25+unicode").body, "Ünïcode</mark>")

	records := events(t, brokers, prefix+topic, 2)
	for _, r := range records {
		if r.Key == "EXPECTATIONS" {
			assert.Equal(t, found.body, string(r.Value))
		}
	}
	assert.Equal(t, "2", get(t, url+"/api/books").header.Get("X-Total-Count"), "a database with books gets no starter catalogue")

	_, err = database.Exec("INSERT INTO books (title, author, published_at, description, created_at) VALUES ('Hard Times', 'Charles Dickens', '1854', '', NOW())")
	require.NoError(t, err)
	p.eventually("a row of the tutorial's program is found", func() bool { return strings.Contains(get(t, url+"/api/books?q=hard+times").body, "Hard Times") })
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}

func TestDatabaseAwayAtTheStartAndLostLater(t *testing.T) {
	t.Parallel()
	dsn, _, brokers := realServers(t)
	way := newSwitchable(t, dsn.Addr)
	dsn.Addr = way.listener.Addr().String()
	dir := t.TempDir()
	p := start(t, dir, []string{"EVENT_BOOKS_DB_DSN=" + dsn.FormatDSN(), "EVENT_BOOKS_MQ_BROKERS=" + brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX=test-" + uuid.NewString() + "-"})
	url := p.url()

	away := func() {
		assert.Equal(t, http.StatusOK, get(t, url+"/livez").code)
		p.eventually("not ready", func() bool { return get(t, url+"/readyz").code == http.StatusServiceUnavailable })
		// The index knows what has this word, and the cache keeps rows for some seconds.
		var refused answer
		p.eventually("searches are refused", func() bool {
			refused = get(t, url+"/api/books?q=kept")
			return refused.code == http.StatusServiceUnavailable
		})
		assert.NotEmpty(t, refused.header.Get("Retry-After"))
		assert.NotContains(t, refused.body, "127.0.0.1")
		assert.Equal(t, http.StatusServiceUnavailable, get(t, url+"/?q=kept").code)
	}
	away()
	way.set(true)
	p.ready()
	assert.Equal(t, http.StatusCreated, post(t, dir, url+"/api/books", `{"title":"Kept"}`).code)
	way.set(false)
	away()
	way.set(true)
	p.ready()
	assert.Contains(t, get(t, url+"/api/books?q=kept").body, "Kept")
	assert.Equal(t, 2, strings.Count(p.log.String(), "the database doesn't answer or refuses access"), "each outage is logged once")
	assert.Equal(t, 2, strings.Count(p.log.String(), "the database answers again"), "each recovery is logged once")
	assert.NotContains(t, p.log.String(), `"ERROR"`)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}

func TestDatabaseGoneInTheMiddleOfAnImport(t *testing.T) {
	t.Parallel()
	dsn, database, _ := realServers(t)
	way := newSwitchable(t, dsn.Addr)
	way.set(true)
	dsn.Addr = way.listener.Addr().String()
	dir := t.TempDir()
	writeCatalogue(t, filepath.Join(dir, "books.csv"), 40_000)
	p := start(t, dir, []string{"EVENT_BOOKS_DB_DSN=" + dsn.FormatDSN()}, "import", "books.csv")
	stored := func() (n int) {
		_ = database.QueryRow("SELECT COALESCE(MAX(created), 0) FROM imports").Scan(&n)
		return n
	}
	p.eventually("some rows are stored", func() bool { return stored() >= 2000 })
	way.set(false)
	p.eventually("the import waits", func() bool { return strings.Contains(p.log.String(), "does not answer, retrying") })
	require.Less(t, stored(), 39_600)
	way.set(true)
	assert.Equal(t, 0, p.wait(), p.log)
	counted := counts(t, p.log.String())
	assert.Equal(t, 40_000, counted["rows"])
	assert.Equal(t, 400, counted["rejected"])
	var books int
	require.NoError(t, database.QueryRow("SELECT COUNT(*) FROM books").Scan(&books))
	assert.Equal(t, 39_600, books)
}

// switchable forwards connections to a server. It can be switched off and on.
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
