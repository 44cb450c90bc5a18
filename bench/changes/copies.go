//go:build unix

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
)

// facts are the parts of a book that the copies are compared by.
type facts struct {
	Title, Author, PublishedAt, Description, Publisher string
}

func factsOf(b *model.Book) facts {
	return facts{b.Title, b.Author, b.PublishedAt, b.Description, b.Publisher}
}

// stored is a row of the database.
type stored struct {
	facts
	version int64
	row     string // source and external id
}

func (s stored) values() map[string]string {
	return map[string]string{"title": s.Title, "publisher": s.Publisher, "description": s.Description}
}

// readDatabase returns all books.
func readDatabase(ctx context.Context, db *sql.DB) (map[uint]stored, error) {
	rows, err := db.QueryContext(ctx, `SELECT id, COALESCE(title, ''), COALESCE(author, ''), COALESCE(published_at, ''),
		COALESCE(description, ''), COALESCE(publisher, ''), COALESCE(version, 0), COALESCE(CONCAT(source, '/', external_id), '') FROM books`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	books := map[uint]stored{}
	for rows.Next() {
		var id uint
		var s stored
		if err := rows.Scan(&id, &s.Title, &s.Author, &s.PublishedAt, &s.Description, &s.Publisher, &s.version, &s.row); err != nil {
			return nil, err
		}
		books[id] = s
	}
	return books, rows.Err()
}

// settled returns what the database still waits for, or nil: the outbox is empty, and the
// sweep knows the writes of the other program.
func settled(ctx context.Context, db *sql.DB) error {
	var waiting, unfolded, unknown int
	err := db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM books WHERE search_hash IS NULL),
		(SELECT COUNT(*) FROM known_books k LEFT JOIN books b ON b.id = k.book_id WHERE b.id IS NULL)`).Scan(&waiting, &unfolded, &unknown)
	if err == nil && waiting+unfolded+unknown > 0 {
		err = fmt.Errorf("%d changes wait in the outbox, and %d rows and %d deletions for the sweep", waiting, unfolded, unknown)
	}
	return err
}

// topicCopy is the catalogue as readers of the topic know it.
type topicCopy struct {
	reader  *testbed.TopicReader
	records int
	newest  map[uint]*model.Change // the change of the highest version
	last    map[uint]*model.Change // the change of the highest offset
	broken  []string
}

func newTopicCopy(brokers []string, topic string) *topicCopy {
	return &topicCopy{reader: testbed.NewTopicReader(brokers, topic), newest: map[uint]*model.Change{}, last: map[uint]*model.Change{}}
}

// read reads what was added to the topic.
func (t *topicCopy) read(ctx context.Context) error {
	return t.reader.Read(ctx, func(m *sarama.ConsumerMessage) {
		t.records++
		headers := make([]model.Header, len(m.Headers))
		for i, h := range m.Headers {
			headers[i] = model.Header{Key: string(h.Key), Value: h.Value}
		}
		change, err := model.DecodeChange(string(m.Key), headers, m.Value)
		if err != nil {
			t.broken = append(t.broken, fmt.Sprintf("record %d@%d: %v", m.Partition, m.Offset, err))
			return
		}
		t.last[change.BookID] = change
		if newest := t.newest[change.BookID]; newest == nil || change.Version >= newest.Version {
			t.newest[change.BookID] = change
		}
	})
}

// compared is the result of comparing all copies with the database.
type compared struct {
	books, deleted int // in the database, and ids that had a book
	records        int
	// topic, api and search count the ids at which a copy differs, totals the wrong numbers
	// of books.
	topic, api, search, totals int
	details                    []string
}

func (c *compared) unequal() int { return c.topic + c.api + c.search + c.totals }

const maxDetails = 10

func (c *compared) note(counter *int, format string, arguments ...any) {
	if *counter++; *counter <= maxDetails {
		c.details = append(c.details, fmt.Sprintf(format, arguments...))
	}
}

// compare compares all copies with the database. seen are ids that had a book at some time.
func (r *run) compare(ctx context.Context, seen []uint) (*compared, map[uint]stored, error) {
	c := &compared{}
	if err := r.topic.read(ctx); err != nil {
		return nil, nil, err
	}
	truth, err := readDatabase(ctx, r.db)
	if err != nil {
		return nil, nil, err
	}
	ids := map[uint]bool{}
	for _, id := range seen {
		ids[id] = true
	}
	for id := range truth {
		ids[id] = true
	}
	for id := range r.topic.newest {
		ids[id] = true
	}
	sorted := make([]uint, 0, len(ids))
	for id := range ids {
		sorted = append(sorted, id)
	}
	slices.Sort(sorted)
	c.books, c.deleted, c.records = len(truth), len(ids)-len(truth), r.topic.records
	for _, text := range r.topic.broken {
		c.note(&c.topic, "topic: %s", text)
	}
	for _, id := range sorted {
		s, there := truth[id]
		if problem := differs(r.topic.newest[id], s, there); problem != "" {
			c.note(&c.topic, "topic, highest version of book %d: %s", id, problem)
		} else if problem := differs(r.topic.last[id], s, there); problem != "" {
			c.note(&c.topic, "topic, last record of book %d: %s", id, problem)
		}
	}
	for i, shop := range r.shops {
		if err := c.compareShop(ctx, i, shop, sorted, truth); err != nil {
			return nil, nil, err
		}
	}
	return c, truth, nil
}

// differs returns how a change of the topic differs from the database, or "".
func differs(change *model.Change, s stored, there bool) string {
	lives := change != nil && change.Kind != model.BookDeleted
	switch {
	case !there && lives:
		return fmt.Sprintf("it is there at version %d, but deleted in the database", change.Version)
	case there && change == nil:
		return fmt.Sprintf("it has no record, but version %d in the database", s.version)
	case there && !lives:
		return fmt.Sprintf("it is deleted at version %d, but has version %d in the database", change.Version, s.version)
	case there && change.Version != s.version:
		return fmt.Sprintf("version %d, in the database %d", change.Version, s.version)
	case there && factsOf(change.Book) != s.facts:
		return fmt.Sprintf("version %d is %+v, in the database %+v", s.version, factsOf(change.Book), s.facts)
	}
	return ""
}

// atOnce is the number of requests at once to an instance.
const atOnce = 8

func (c *compared) compareShop(ctx context.Context, number int, shop *testbed.Shop, ids []uint, truth map[uint]stored) error {
	url, _, err := shop.Address(ctx)
	if err != nil {
		return err
	}
	problems, unfound := make([]string, len(ids)), make([]string, len(ids))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, id := range ids {
		group.Go(func() error {
			status, body, err := get(asking, fmt.Sprintf("%s/api/books/%d", url, id))
			if err != nil {
				return err
			}
			s, there := truth[id]
			var book model.Book
			switch {
			case status == http.StatusNotFound && !there:
			case status != http.StatusOK:
				problems[i] = fmt.Sprintf("status %d, in the database %+v", status, s)
			case json.Unmarshal(body, &book) != nil:
				problems[i] = fmt.Sprintf("answers %q", body)
			case !there:
				problems[i] = "it is there, but not in the database"
			case factsOf(&book) != s.facts:
				problems[i] = fmt.Sprintf("%+v, in the database %+v", factsOf(&book), s.facts)
			}
			if there {
				unfound[i], err = searchFor(asking, url, id, s.Title)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, problem := range problems {
		if problem != "" {
			c.note(&c.api, "instance %d, book %d: %s", number, ids[i], problem)
		}
		if unfound[i] != "" {
			c.note(&c.search, "instance %d, book %d: %s", number, ids[i], unfound[i])
		}
	}
	total, err := totalCount(ctx, url)
	if err == nil && total != len(truth) {
		c.note(&c.totals, "instance %d counts %d books, the database has %d", number, total, len(truth))
	}
	return err
}

// searchFor searches for a book by its title, and returns what is wrong with the answer, or
// "". A book with another title in the index isn't found, or not alone: titles are unique.
func searchFor(ctx context.Context, url string, id uint, title string) (problem string, err error) {
	quoted := `title:"` + title + `"`
	status, body, err := get(ctx, url+"/api/books?limit=100&q="+neturl.QueryEscape(quoted))
	if err != nil {
		return "", err
	}
	var books []model.Book
	if status != http.StatusOK || json.Unmarshal(body, &books) != nil {
		return fmt.Sprintf("the search for %s is answered by %d %q", quoted, status, body), nil
	}
	if !slices.ContainsFunc(books, func(b model.Book) bool { return b.ID == id }) {
		return "the search for " + quoted + " doesn't find it", nil
	}
	return "", nil
}

// client keeps its connections.
var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func get(ctx context.Context, url string) (status int, body []byte, err error) {
	response, err := send(ctx, http.MethodGet, url, "", nil)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// totalCount returns the number of books that the search finds.
func totalCount(ctx context.Context, url string) (int, error) {
	response, err := send(ctx, http.MethodGet, url+"/api/books?limit=1", "", nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return strconv.Atoi(response.Header.Get("X-Total-Count"))
}
