//go:build unix

// Command weather measures searches and their events while Kafka is ill. It measures the
// tutorial's design and this program in one run on the same servers, and writes the table
// into docs/rough-weather.md, which explains it. It runs in the root of the repository:
// make weather.
//
// It starts its own Kafka from the jars in WEATHER_KAFKA_LIBS, kills it and freezes it,
// and creates its own database on the server of TEST_MARIADB_DSN.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/catalog"
)

var page = testbed.NewPage("docs/rough-weather.md", "weather")

func main() {
	only := flag.String("only", "", "measure only this weather, and don't write the page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	if err := measureAll(ctx, *only); err != nil {
		stop()
		log.Fatal("weather: ", err)
	}
}

func measureAll(ctx context.Context, only string) (err error) {
	dir, err := os.MkdirTemp("", "weather-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	s, err := newStation(ctx, dir, &closers)
	if err != nil {
		return err
	}
	var rows []row
	var broken []string
	for _, w := range s.weathers() {
		if only != "" && only != w.name {
			continue
		}
		log.Print(w.name)
		r, err := s.measure(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		rows, broken = append(rows, r), append(broken, r.broken...)
	}
	head := ""
	if only == "" {
		head = circumstances(s.kafka.Version())
	}
	if err := page.Report(head, table(rows)); err != nil {
		return err
	}
	if len(broken) > 0 {
		return errors.New("the program broke promises:\n" + strings.Join(broken, "\n"))
	}
	return nil
}

// newStation starts the servers and builds the programs. Even after an error, closers end
// what was started.
func newStation(ctx context.Context, dir string, closers *testbed.Closers) (s *station, err error) {
	libs, server := os.Getenv("WEATHER_KAFKA_LIBS"), os.Getenv("TEST_MARIADB_DSN")
	if libs == "" || server == "" {
		return nil, errors.New("set WEATHER_KAFKA_LIBS to the folder of Apache Kafka's jars and TEST_MARIADB_DSN to a MariaDB or MySQL server; see " + page.File)
	}
	port := 19392
	if text := os.Getenv("WEATHER_KAFKA_PORT"); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("WEATHER_KAFKA_PORT: %w", err)
		}
	}

	s = &station{dir: dir, tutorial: filepath.Join(dir, "tutorial"), ours: filepath.Join(dir, "event-books")}
	for program, room := range map[string]string{s.tutorial: "./bench/tutorial", s.ours: "."} {
		if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, room).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", room, err, output)
		}
	}
	var dropDatabase func() error
	s.dsn, s.keywords, dropDatabase, err = newDatabase(ctx, server)
	if err != nil {
		return nil, err
	}
	closers.Add(dropDatabase)

	front := fmt.Sprintf("127.0.0.1:%d", port+3)
	if s.kafka, err = testbed.NewKafka(ctx, testbed.KafkaOptions{Libs: libs, Dir: dir, Port: port, Fronts: []string{front}}); err != nil {
		return nil, fmt.Errorf("WEATHER_KAFKA_PORT=%d: %w", port, err)
	}
	closers.Add(s.kafka.Kill)
	if s.forwarder, err = testbed.NewForwarder(front, s.kafka.Brokers[0].Behind); err != nil {
		return nil, err
	}
	closers.Add(s.forwarder.Close)
	return s, s.kafka.Start(ctx)
}

// newDatabase creates a database like that of the tutorial's program, filled with the
// starter catalogue. keywords are titles, which both programs find.
func newDatabase(ctx context.Context, server string) (dsn string, keywords []string, drop func() error, err error) {
	cfg, err := mysql.ParseDSN(server)
	if err != nil {
		return "", nil, nil, fmt.Errorf("TEST_MARIADB_DSN: %w", err)
	}
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		return "", nil, nil, err
	}
	name := "weather_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		return "", nil, nil, errors.Join(err, db.Close())
	}
	drop = func() error {
		_, err := db.Exec("DROP DATABASE " + name)
		return errors.Join(err, db.Close())
	}
	if keywords, err = fill(ctx, db, name+".books"); err != nil {
		return "", nil, nil, errors.Join(err, drop())
	}
	cfg.DBName, cfg.ParseTime = name, true // the tutorial can't read times without it
	return cfg.FormatDSN(), keywords, drop, nil
}

func fill(ctx context.Context, db *sql.DB, table string) (keywords []string, err error) {
	_, err = db.ExecContext(ctx, "CREATE TABLE "+table+" (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, title longtext, author longtext,"+
		" published_at longtext, description longtext, created_at datetime(3))")
	if err != nil {
		return nil, err
	}
	books, err := catalog.Starter()
	if err != nil {
		return nil, err
	}
	for _, b := range books {
		_, err := db.ExecContext(ctx, "INSERT INTO "+table+" (title, author, published_at, description, created_at) VALUES (?, ?, ?, ?, NOW(3))",
			b.Title, b.Author, b.PublishedAt, b.Description)
		if err != nil {
			return nil, err
		}
		if len(keywords) <= searches {
			keywords = append(keywords, b.Title)
		}
	}
	if len(keywords) <= searches {
		return nil, fmt.Errorf("the starter catalogue has only %d books", len(keywords))
	}
	return keywords, nil
}

// circumstances says when, where and with which versions the table was made.
func circumstances(kafkaVersion string) string {
	return fmt.Sprintf("Made on %s by `make weather`, on %s, with Apache Kafka %s, sarama %s in both programs, and %s.",
		time.Now().UTC().Format(time.DateOnly), testbed.Machine(), kafkaVersion, testbed.ModuleVersion("github.com/IBM/sarama"), testbed.GoVersion())
}
