//go:build unix

package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/domain/trend/trendtest"
)

// row is what counts belong to: a half hour, a keyword, a surface and a tag.
type row struct {
	day     trend.Day
	bucket  int
	keyword string // folded; "" for all of them
	kind    trend.Kind
	tag     string
	// language is "" in the rows of keywords.
	language string
}

func (r row) String() string {
	return fmt.Sprintf("%s bucket %d, keyword %q, kind %d, tag %q, language %q", r.day.Start().Format(time.DateOnly), r.bucket, r.keyword, r.kind, r.tag, r.language)
}

// truth is what the topics say.
type truth struct {
	// events are what counts. corrected are the searches that were corrected to another
	// keyword, under that one.
	events, corrected trendtest.Naive

	searches map[string]bool // by ce_id
	clicks   map[click]bool
	erasures int
	records  int
	copies   int // records with the identity of an earlier one
	broken   int // records that can't be read
}

// readTruth reads both topics from their beginning.
func readTruth(ctx context.Context, brokers []string, searchTopic, clickTopic string) (*truth, error) {
	t := &truth{searches: map[string]bool{}, clicks: map[click]bool{}}
	if err := testbed.NewTopicReader(brokers, searchTopic).Read(ctx, t.addSearch); err != nil {
		return nil, err
	}
	erased := map[string]bool{}
	return t, testbed.NewTopicReader(brokers, clickTopic).Read(ctx, func(m *sarama.ConsumerMessage) { t.addClick(m, erased) })
}

// addSearch adds the first record of each ce_id.
func (t *truth) addSearch(m *sarama.ConsumerMessage) {
	t.records++
	e, err := testbed.DecodeSearchEvent(m)
	if err != nil || e.ID == "" {
		t.broken++
		return
	}
	if t.searches[e.ID] {
		t.copies++
		return
	}
	t.searches[e.ID] = true
	s := trend.NewSearch(e, m.Timestamp)
	t.events.Searches = append(t.events.Searches, s)
	if s.Public == "" || s.PublicFolded() == s.Folded || s.Bot || s.Surface == model.DemoSurface {
		return
	}
	corrected := *s
	corrected.Folded = s.PublicFolded()
	t.corrected.Searches = append(t.corrected.Searches, &corrected)
}

// addClick adds a click or an erasure. A book of a result that was opened twice has two
// records with one ce_id. The recount gets both: it counts one, and needs the time of each.
func (t *truth) addClick(m *sarama.ConsumerMessage, erased map[string]bool) {
	t.records++
	headers := testbed.Headers(m)
	if model.FindHeader(headers, "ce_type") == model.VisitorErasedEventType {
		e, err := model.DecodeVisitorErasedEvent(string(m.Key), headers, m.Value)
		id := model.FindHeader(headers, "ce_id")
		switch {
		case err != nil || id == "":
			t.broken++
		case erased[id]:
			t.copies++
		default:
			erased[id] = true
			t.erasures++
			t.events.Erasures = append(t.events.Erasures, trend.NewErasure(e, m.Timestamp))
			t.corrected.Erasures = t.events.Erasures
		}
		return
	}
	e, err := model.DecodeClickEvent(string(m.Key), headers, m.Value)
	if err != nil {
		t.broken++
		return
	}
	of := click{e.SearchID, e.Book}
	if t.clicks[of] {
		t.copies++
	}
	t.clicks[of] = true
	t.events.Clicks = append(t.events.Clicks, trend.NewClick(e, m.Timestamp))
}

// recount counts the events in the most obvious way.
func (t *truth) recount() map[row]trend.Counts {
	all := map[row]trend.Counts{}
	for of, counts := range t.events.Counts() {
		all[row{of.Day, of.Bucket, of.Keyword, trend.KindOf(of.Surface), of.Tag, ""}] = counts
	}
	for of, counts := range t.events.Totals() {
		kind := trend.KindOf(of.Surface)
		if of.Bot {
			kind = trend.Bots
		}
		all[row{of.Day, of.Bucket, "", kind, of.Tag, of.Language}] = counts
	}
	for of, counts := range t.corrected.Counts() { // they are in no total
		all[row{of.Day, of.Bucket, of.Keyword, trend.Served + trend.KindOf(of.Surface), of.Tag, ""}] = counts
	}
	return all
}

// readCounts returns all counts of the database.
func readCounts(ctx context.Context, db *sql.DB) (map[row]trend.Counts, error) {
	rows, err := db.QueryContext(ctx, `SELECT c.day, k.folded, c.surface, c.tag, '', c.buckets FROM trend_counts c JOIN trend_keywords k ON k.id = c.keyword_id
		UNION ALL SELECT day, '', surface, tag, language, buckets FROM trend_totals`)
	if err != nil {
		return nil, fmt.Errorf("read the counts: %w", err)
	}
	defer rows.Close()
	all := map[row]trend.Counts{}
	for rows.Next() {
		var of row
		var data []byte
		if err := rows.Scan(&of.day, &of.keyword, &of.kind, &of.tag, &of.language, &data); err != nil {
			return nil, fmt.Errorf("read the counts: %w", err)
		}
		days, err := trend.DecodeDayCounts(data)
		if err != nil {
			return nil, fmt.Errorf("read the counts: %w", err)
		}
		for bucket, counts := range days {
			of.bucket = bucket
			all[of] = counts
		}
	}
	return all, rows.Err()
}

// requestsOf returns the requests of all surfaces and of bots.
func requestsOf(counts map[row]trend.Counts) (sum int64) {
	for of, c := range counts {
		if of.keyword == "" && of.kind < trend.Served {
			sum += c.Requests
		}
	}
	return sum
}

// verdict is the result of a run.
type verdict struct {
	answers, clicks, erasures int // that clients noted
	missing                   int // of the answers and clicks, in the topics
	events, records, copies   int // events are different searches in the topic
	broken                    int
	counted                   int64 // requests in the database
	rows, differing           int
	// complete is X-Completeness.
	complete string
	details  []string // the first differences
}

const maxDetails = 10

func (v *verdict) note(format string, arguments ...any) {
	if len(v.details) < maxDetails {
		v.details = append(v.details, fmt.Sprintf(format, arguments...))
	}
}

// judge compares what clients noted, the topics and the database.
func judge(l *load, t *truth, counts map[row]trend.Counts) (v verdict) {
	v.answers, v.clicks, v.erasures = len(l.searches), len(l.clicks), l.erasures
	v.events, v.records, v.copies, v.broken = len(t.searches), t.records, t.copies, t.broken
	for id := range l.searches {
		if !t.searches[id] {
			v.missing++
			v.note("missing: search %s", id)
		}
	}
	for c := range l.clicks {
		if !t.clicks[c] {
			v.missing++
			v.note("missing: click on book %d of search %s", c.book, c.search)
		}
	}
	v.counted = requestsOf(counts)
	wanted := t.recount()
	v.rows = len(wanted)
	for of, want := range wanted {
		if got := counts[of]; got != want {
			v.differing++
			v.note("differs: %s: counted %+v, recounted %+v", of, got, want)
		}
	}
	for of, got := range counts {
		if _, known := wanted[of]; !known {
			v.rows++
			v.differing++
			v.note("differs: %s: counted %+v, recounted nothing", of, got)
		}
	}
	return v
}
