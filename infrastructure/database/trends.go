package database

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/trend"
)

// The tables of trends. One transaction writes them at a time: it holds the row of the
// counter trendCounter until its commit, so several consumers can share keywords, and
// versions of counts become visible in order.
var (
	keywordTable  = table{"trend_keywords", []string{"hash"}, []string{"folded", "newest_at", "newest_id", "newest_books"}}
	liveTables    = trendTablesOf("")
	rebuiltTables = trendTablesOf(rebuiltSuffix)
)

// trendTables have what was counted, by day, and the visitors who were erased.
type trendTables struct{ visits, counts, texts, clicks, totals, visitors, presence, erasures table }

func trendTablesOf(suffix string) trendTables {
	return trendTables{
		visits:   table{"trend_visits" + suffix, []string{"day", "keyword_id", "visitor", "surface", "tag"}, []string{"facts", "languages"}},
		counts:   table{"trend_counts" + suffix, []string{"day", "keyword_id", "surface", "tag"}, []string{"requests", "searches", "not_found", "buckets", "version"}},
		texts:    table{"trend_spellings" + suffix, []string{"day", "keyword_id", "hash"}, []string{"spelling", "typed", "served"}},
		clicks:   table{"trend_clicks" + suffix, []string{"day", "search_id", "book_id"}, []string{"keyword_id", "visitor", "surface", "tag", "language", "bucket", "ordinal", "clicked_at"}},
		totals:   table{"trend_totals" + suffix, []string{"day", "surface", "tag", "language"}, []string{"requests", "searches", "buckets", "places"}},
		visitors: table{"trend_visitors" + suffix, []string{"day", "visitor"}, []string{"activity"}},
		presence: table{"trend_presence" + suffix, []string{"day", "surface", "tag", "language"}, []string{"visitors"}},
		erasures: table{"trend_erasures" + suffix, []string{"visitor"}, []string{"erased_at"}},
	}
}

const trendCounter = "trends"

// The keys of rows.
type (
	visitKey struct {
		day     trend.Day
		keyword int64
		visitor trend.Visitor
		surface trend.Kind
		tag     string
	}
	countKey struct {
		day     trend.Day
		keyword int64
		surface trend.Kind
		tag     string
	}
	textKey struct {
		day     trend.Day
		keyword int64
		hash    [16]byte
	}
	clickKey struct {
		day    trend.Day
		search string // 16 bytes
		book   int64
	}
)

func (k visitKey) compare(o visitKey) int {
	return cmp.Or(cmp.Compare(k.day, o.day), cmp.Compare(k.keyword, o.keyword), cmp.Compare(k.visitor, o.visitor), cmp.Compare(k.surface, o.surface), cmp.Compare(k.tag, o.tag))
}

func (k countKey) compare(o countKey) int {
	return cmp.Or(cmp.Compare(k.day, o.day), cmp.Compare(k.keyword, o.keyword), cmp.Compare(k.surface, o.surface), cmp.Compare(k.tag, o.tag))
}

func (k textKey) compare(o textKey) int {
	return cmp.Or(cmp.Compare(k.day, o.day), cmp.Compare(k.keyword, o.keyword), bytes.Compare(k.hash[:], o.hash[:]))
}

func (k clickKey) compare(o clickKey) int {
	return cmp.Or(cmp.Compare(k.day, o.day), cmp.Compare(k.search, o.search), cmp.Compare(k.book, o.book))
}

func (k visitKey) row() []any { return []any{k.day, k.keyword, []byte(k.visitor), k.surface, k.tag} }

// language is the one that counts for a kind of searches.
func (k visitKey) language(asked string) string {
	if k.surface > trend.Served {
		return ""
	}
	return asked
}
func (k visitKey) counts() countKey {
	return countKey{k.day, k.keyword, k.surface, k.tag}
}
func (k countKey) row() []any { return []any{k.day, k.keyword, k.surface, k.tag} }
func (k textKey) row() []any  { return []any{k.day, k.keyword, k.hash[:]} }
func (k clickKey) row() []any { return []any{k.day, []byte(k.search), k.book} }

// keyword is a row of trend_keywords.
type keyword struct {
	id       int64
	newestAt int64
	newestID string
	books    string
	changed  bool
}

// text is a row of trend_spellings: how often a spelling was typed, and served to the public.
type text struct {
	spelling      string
	typed, served int64
}

// tally gathers what a batch changes.
type tally struct {
	*consumerTx
	keywords map[string]*keyword // by folded text
	erased   map[trend.Visitor]int64
	visits   map[visitKey]trend.Visit
	counts   map[countKey]trend.DayCounts
	texts    map[textKey]*text
	totals   map[totalKey]*total
	visitors map[visitorKey]trend.Activity
	first    trend.Day // of an erasure: sums of earlier days stay
}

func (w *consumerTx) newTally() *tally {
	return &tally{
		consumerTx: w, keywords: map[string]*keyword{}, erased: map[trend.Visitor]int64{},
		visits: map[visitKey]trend.Visit{}, counts: map[countKey]trend.DayCounts{}, texts: map[textKey]*text{},
		totals: map[totalKey]*total{}, visitors: map[visitorKey]trend.Activity{},
	}
}

// lockTrends waits until no other transaction writes trends. It must come before the first read of
// a transaction that locks no rows: on a server, such a read decides what all later ones see.
func (w *consumerTx) lockTrends(ctx context.Context) error {
	if w.version > 0 {
		return nil
	}
	if err := w.tx.WithContext(ctx).Exec("UPDATE counters SET value = value + 1 WHERE name = ?", trendCounter).Error; err != nil {
		return fmt.Errorf("lock the trends: %w", err)
	}
	var c counter
	if err := w.tx.WithContext(ctx).Take(&c, "name = ?", trendCounter).Error; err != nil {
		return fmt.Errorf("lock the trends: %w", err)
	}
	w.version = c.Value
	return nil
}

func (w *consumerTx) CountSearches(ctx context.Context, searches []*trend.Search) error {
	if err := w.lockTrends(ctx); err != nil {
		return err
	}
	searches, err := withoutCleared(ctx, w, searches, demoSearch)
	if err != nil {
		return err
	}
	t := w.newTally()
	var people []*trend.Search
	var visitors []trend.Visitor
	var folded []string
	for _, s := range searches {
		if s.Bot {
			t.total(trend.DayOf(s.At), trend.Scope{Kind: trend.Bots}).counts.Add(trend.BucketOf(s.At), trend.Counts{Requests: 1}, 1)
			continue
		}
		people, visitors, folded = append(people, s), append(visitors, s.Visitor), append(folded, s.Folded)
		if s.Public != "" {
			folded = append(folded, s.PublicFolded())
		}
	}
	if err := t.prepare(ctx, folded, visitors); err != nil {
		return err
	}
	for _, s := range people {
		t.search(s)
	}
	return t.write(ctx)
}

// prepare reads the keywords and erasures of a batch.
func (t *tally) prepare(ctx context.Context, folded []string, visitors []trend.Visitor) error {
	if err := t.findKeywords(ctx, folded); err != nil {
		return err
	}
	slices.Sort(visitors)
	keys := make([][]any, 0, len(visitors))
	for _, v := range slices.Compact(visitors) {
		if v != "" {
			keys = append(keys, []any{[]byte(v)})
		}
	}
	var some int
	if err := t.tx.WithContext(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM " + t.into.erasures.name + " LIMIT 1) AS some").Scan(&some).Error; err != nil || some == 0 {
		return err
	}
	return t.bulk.load(ctx, t.into.erasures, keys, func(rows *sql.Rows) error {
		var visitor []byte
		var at int64
		if err := rows.Scan(&visitor, &at); err != nil {
			return err
		}
		t.erased[trend.Visitor(visitor)] = at
		return nil
	})
}

// findKeywords reads the rows of keywords, and adds those that are missing.
func (t *tally) findKeywords(ctx context.Context, folded []string) error {
	texts := map[[sha256.Size]byte]string{}
	for _, text := range folded {
		texts[sha256.Sum256([]byte(text))] = text
	}
	hashes := slices.SortedFunc(maps.Keys(texts), func(a, b [sha256.Size]byte) int { return slices.Compare(a[:], b[:]) })
	for range 2 {
		var keys, missing [][]any
		for _, hash := range hashes {
			if t.keywords[texts[hash]] == nil {
				keys = append(keys, []any{hash[:]})
			}
		}
		find := table{keywordTable.name, keywordTable.key, []string{"id", "newest_at", "newest_id", "newest_books"}}
		err := t.bulk.load(ctx, find, keys, func(rows *sql.Rows) error {
			var hash []byte
			k := &keyword{}
			if err := rows.Scan(&hash, &k.id, &k.newestAt, &k.newestID, &k.books); err != nil {
				return err
			}
			t.keywords[texts[[sha256.Size]byte(hash)]] = k
			return nil
		})
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			if text := texts[hash]; t.keywords[text] == nil {
				missing = append(missing, []any{hash[:], text, 0, "", ""})
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if err := t.bulk.store(ctx, keywordTable, missing); err != nil {
			return err
		}
	}
	return fmt.Errorf("keywords that were added are missing")
}

// search counts one search of the batch in memory.
func (t *tally) search(s *trend.Search) {
	k, day, surface := t.keywords[s.Folded], trend.DayOf(s.At), trend.KindOf(s.Surface)
	t.count(s, k, surface)
	t.countTotal(s, trend.Scope{Kind: surface, Tag: s.Tag, Language: s.Language})
	if surface == trend.Demo {
		return
	}
	if s.First {
		t.text(k.id, day, s.Keyword).typed++
	}
	k.found(s, t.again)
	if s.Public == "" {
		return
	}
	public := t.keywords[s.PublicFolded()]
	t.text(public.id, day, s.Public).served++
	if public != k {
		t.count(s, public, trend.Served+surface)
		public.found(s, t.again)
	}
}

// count counts a search for a keyword.
func (t *tally) count(s *trend.Search, k *keyword, surface trend.Kind) {
	day, bucket := trend.DayOf(s.At), trend.BucketOf(s.At)
	of := visitKey{day, k.id, s.Visitor, surface, s.Tag}
	t.day(of.counts()).Add(bucket, trend.Counts{Requests: 1}, 1)
	switch {
	case s.Visitor == "":
		if s.First {
			t.day(of.counts()).Add(bucket, trend.CountsOf(s.Facts), 1)
		}
	case t.countable(s.Visitor, s.At):
		t.visit(of).Add(of.language(s.Language), day, bucket, s.Facts, s.At)
	}
}

// found keeps the books of the newest event that found any. again says that the event was
// counted before.
func (k *keyword) found(s *trend.Search, again bool) {
	at := s.At.UnixMilli()
	newer := cmp.Or(cmp.Compare(at, k.newestAt), cmp.Compare(s.ID, k.newestID))
	if len(s.Books) == 0 || newer < 0 || newer == 0 && !again {
		return
	}
	ids := make([]string, len(s.Books))
	for i, id := range s.Books {
		ids[i] = strconv.FormatUint(uint64(id), 10)
	}
	k.newestAt, k.newestID, k.books, k.changed = at, s.ID, strings.Join(ids, ","), true
}

func (t *tally) text(keyword int64, day trend.Day, spelling string) *text {
	sum := sha256.Sum256([]byte(spelling))
	key := textKey{day, keyword, [16]byte(sum[:])}
	if t.texts[key] == nil {
		t.texts[key] = &text{spelling: spelling}
	}
	return t.texts[key]
}

func (t *tally) visit(key visitKey) trend.Visit {
	if t.visits[key] == nil {
		t.visits[key] = trend.Visit{}
	}
	return t.visits[key]
}

// countable reports whether what a visitor did at a time was not erased.
func (t *tally) countable(visitor trend.Visitor, at time.Time) bool {
	return visitor != "" && at.UnixMilli() > t.erased[visitor]
}

func (t *tally) day(key countKey) trend.DayCounts {
	if t.counts[key] == nil {
		t.counts[key] = trend.DayCounts{}
	}
	return t.counts[key]
}

// write joins what the batch says with what is stored.
func (t *tally) write(ctx context.Context) error {
	for _, write := range []func(context.Context) error{t.writeVisits, t.writeTexts, t.writeKeywords, t.writeVisitors, t.writeCounts, t.writeTotals} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// writeVisits stores the facts of visitors, and counts by how much they change.
func (t *tally) writeVisits(ctx context.Context) error {
	keys := sortedKeys(t.visits, visitKey.compare)
	before := make(map[visitKey]trend.Visit, len(keys))
	if err := t.bulk.load(ctx, t.into.visits, rowsOf(keys), func(rows *sql.Rows) error {
		key, visit, err := scanVisit(rows)
		before[key] = visit
		return err
	}); err != nil {
		return err
	}
	var rows, gone [][]any
	for _, key := range keys {
		after := before[key].Join(t.visits[key])
		t.differ(key, before[key], after)
		if len(after) > 0 {
			rows = append(rows, visitRow(key, after))
		} else if len(before[key]) > 0 {
			gone = append(gone, key.row())
		}
	}
	if err := t.bulk.remove(ctx, t.into.visits, gone); err != nil {
		return err
	}
	return t.bulk.store(ctx, t.into.visits, rows)
}

func visitRow(key visitKey, v trend.Visit) []any {
	return append(key.row(), v.Facts().Encode(), v.EncodeLanguages())
}

// differ counts that facts have changed.
func (t *tally) differ(key visitKey, before, after trend.Visit) {
	day := t.day(key.counts())
	day.AddFacts(before.Facts(), -1)
	day.AddFacts(after.Facts(), 1)
	if key.surface > trend.Served {
		return
	}
	t.addTotals(key, before, -1)
	t.addTotals(key, after, 1)
}

func scanVisit(rows *sql.Rows) (key visitKey, visit trend.Visit, err error) {
	var visitor, facts, languages []byte
	if err = rows.Scan(&key.day, &key.keyword, &visitor, &key.surface, &key.tag, &facts, &languages); err != nil {
		return key, nil, err
	}
	key.visitor = trend.Visitor(visitor)
	visit, err = trend.DecodeVisit(facts, languages)
	return key, visit, err
}

func (t *tally) writeTexts(ctx context.Context) error {
	keys := sortedKeys(t.texts, textKey.compare)
	err := t.bulk.load(ctx, t.into.texts, rowsOf(keys), func(rows *sql.Rows) error {
		var key textKey
		var hash []byte
		var known text
		if err := rows.Scan(&key.day, &key.keyword, &hash, &known.spelling, &known.typed, &known.served); err != nil {
			return err
		}
		copy(key.hash[:], hash)
		t.texts[key].typed += known.typed
		t.texts[key].served += known.served
		return nil
	})
	if err != nil {
		return err
	}
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = append(key.row(), t.texts[key].spelling, t.texts[key].typed, t.texts[key].served)
	}
	return t.bulk.store(ctx, t.into.texts, rows)
}

func (t *tally) writeKeywords(ctx context.Context) error {
	var rows [][]any
	for _, folded := range slices.Sorted(maps.Keys(t.keywords)) {
		if k := t.keywords[folded]; k.changed {
			hash := sha256.Sum256([]byte(folded))
			rows = append(rows, []any{hash[:], folded, k.newestAt, k.newestID, k.books})
		}
	}
	return t.bulk.store(ctx, keywordTable, rows)
}

// writeCounts adds differences to the counts.
func (t *tally) writeCounts(ctx context.Context) error {
	maps.DeleteFunc(t.counts, func(_ countKey, d trend.DayCounts) bool { return len(d) == 0 })
	keys := sortedKeys(t.counts, countKey.compare)
	err := t.bulk.load(ctx, t.into.counts, rowsOf(keys), func(rows *sql.Rows) error {
		var key countKey
		var requests, searches, version int64
		var notFound *int64
		var data []byte
		if err := rows.Scan(&key.day, &key.keyword, &key.surface, &key.tag, &requests, &searches, &notFound, &data, &version); err != nil {
			return err
		}
		known, err := trend.DecodeDayCounts(data)
		for bucket, c := range known {
			t.counts[key].Add(bucket, c, 1)
		}
		return err
	})
	if err != nil {
		return err
	}
	rows := make([][]any, len(keys))
	for i, key := range keys {
		sum := t.counts[key].Sum(0, trend.Buckets)
		rows[i] = append(key.row(), sum.Requests, sum.Searches, sum.NotFound, t.counts[key].Encode(), t.version)
	}
	return t.bulk.store(ctx, t.into.counts, rows)
}

func (w *consumerTx) CountClicks(ctx context.Context, clicks []*trend.Click) error {
	if err := w.lockTrends(ctx); err != nil {
		return err
	}
	clicks, err := withoutCleared(ctx, w, clicks, demoClick)
	if err != nil {
		return err
	}
	t := w.newTally()
	byKey := map[clickKey]*trend.Click{}
	var folded []string
	var visitors []trend.Visitor
	for _, c := range clicks {
		key := clickKey{trend.DayOf(c.SearchedAt), searchBytes(c.SearchID), int64(c.Book)}
		if last := byKey[key]; last == nil || newer(c, milli(last.At), last.Language) {
			byKey[key] = c
		}
		folded, visitors = append(folded, c.Folded), append(visitors, c.Visitor)
	}
	if err := t.prepare(ctx, folded, visitors); err != nil {
		return err
	}
	return t.countClicks(ctx, byKey)
}

// knownClick is what is stored of a click.
type knownClick struct {
	at       int64
	language string
}

// knownClicks returns the clicks that are counted already.
func (t *tally) knownClicks(ctx context.Context, clicks map[clickKey]*trend.Click) (map[clickKey]knownClick, error) {
	known := map[clickKey]knownClick{}
	keys := sortedKeys(clicks, clickKey.compare)
	find := table{t.into.clicks.name, t.into.clicks.key, []string{"clicked_at", "language"}}
	return known, t.bulk.load(ctx, find, rowsOf(keys), func(rows *sql.Rows) error {
		var key clickKey
		var search []byte
		var click knownClick
		if err := rows.Scan(&key.day, &search, &key.book, &click.at, &click.language); err != nil {
			return err
		}
		key.search = string(search)
		known[key] = click
		return nil
	})
}

// countClicks counts clicks that are new. Of those that come again, it keeps the latest time,
// so an erasure takes the same away in whatever order they arrive.
func (t *tally) countClicks(ctx context.Context, clicks map[clickKey]*trend.Click) error {
	known, err := t.knownClicks(ctx, clicks)
	if err != nil {
		return err
	}
	opened, err := t.openedBooks(ctx, clicks)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, key := range sortedKeys(clicks, clickKey.compare) {
		c := clicks[key]
		before, again := known[key]
		if milli(c.At) <= t.erased[c.Visitor] || again && !newer(c, before.at, before.language) {
			continue
		}
		of := visitKey{key.day, t.keywords[c.Folded].id, c.Visitor, trend.KindOf(c.Surface), c.Tag}
		scope := trend.Scope{Kind: of.surface, Tag: of.tag, Language: c.Language}
		total := t.total(key.day, scope)
		bucket := trend.BucketOf(c.SearchedAt)
		if again { // the newest one decides
			scope.Language = before.language
			t.total(key.day, scope).addClick(bucket, c.Ordinal, -1)
			total.addClick(bucket, c.Ordinal, 1)
		} else {
			t.addClick(of.counts(), total, bucket, c.Ordinal, 1)
		}
		if c.Visitor != "" {
			t.visit(of).Add(c.Language, key.day, bucket, trend.Clicked, c.At)
		} else if c.First {
			t.clicked(of.counts(), bucket, opened[clickKey{day: key.day, search: key.search}], key.book, c.Language)
		}
		rows = append(rows, append(key.row(), of.keyword, []byte(c.Visitor), of.surface, c.Tag, c.Language, bucket, c.Ordinal, milli(c.At)))
	}
	if err := t.bulk.store(ctx, t.into.clicks, rows); err != nil {
		return err
	}
	return t.write(ctx)
}

// newer reports whether a click decides instead of one with the same identity: the latest one does,
// of equal times the one with the first language by bytes.
func newer(c *trend.Click, at int64, language string) bool {
	return cmp.Or(cmp.Compare(milli(c.At), at), cmp.Compare(language, c.Language)) > 0
}

// books are those that were opened from a search, with the languages of their clicks.
type books map[int64]string

// language is that of the first book, by id. Without books there is none.
func (b books) language() (language string, ok bool) {
	first := int64(-1)
	for book := range b {
		if !ok || book < first {
			first, ok = book, true
		}
	}
	return b[first], ok
}

// clicked counts that a book of a search without a visitor was opened. The search counts once, for
// the language of the first book.
func (t *tally) clicked(of countKey, bucket int, opened books, book int64, language string) {
	before, known := opened.language()
	opened[book] = language
	after, _ := opened.language()
	scope := func(language string) trend.Scope {
		return trend.Scope{Kind: of.surface, Tag: of.tag, Language: language}
	}
	if known {
		t.total(of.day, scope(before)).counts.Add(bucket, trend.Counts{Clicked: 1}, -1)
	} else {
		t.day(of).Add(bucket, trend.Counts{Clicked: 1}, 1)
	}
	t.total(of.day, scope(after)).counts.Add(bucket, trend.Counts{Clicked: 1}, 1)
}

// openedBooks returns the books that were opened from searches without a visitor, for each of them.
func (t *tally) openedBooks(ctx context.Context, clicks map[clickKey]*trend.Click) (map[clickKey]books, error) {
	opened := map[clickKey]books{}
	var keys [][]any
	for _, key := range sortedKeys(clicks, clickKey.compare) {
		search := clickKey{day: key.day, search: key.search}
		if clicks[key].Visitor == "" && opened[search] == nil {
			opened[search] = books{}
			keys = append(keys, []any{key.day, []byte(key.search)})
		}
	}
	find := table{t.into.clicks.name, []string{"day", "search_id"}, []string{"book_id", "language"}}
	err := t.bulk.load(ctx, find, keys, func(rows *sql.Rows) error {
		var day trend.Day
		var search []byte
		var book int64
		var language string
		err := rows.Scan(&day, &search, &book, &language)
		opened[clickKey{day: day, search: string(search)}][book] = language
		return err
	})
	return opened, err
}

// searchBytes returns the bytes of a UUID, or a hash of another program's id.
func searchBytes(id string) string {
	if parsed, err := uuid.Parse(id); err == nil {
		return string(parsed[:])
	}
	sum := sha256.Sum256([]byte(id))
	return string(sum[:16])
}

func (w *consumerTx) EraseVisitors(ctx context.Context, erasures []*trend.Erasure) error {
	if err := w.lockTrends(ctx); err != nil {
		return err
	}
	t := w.newTally()
	var err error
	if t.first, err = w.FirstDay(ctx); err != nil {
		return err
	}
	var visitors []trend.Visitor
	for _, e := range erasures {
		visitors = append(visitors, e.Visitor)
	}
	if err := t.prepare(ctx, nil, visitors); err != nil {
		return err
	}
	latest := map[trend.Visitor]time.Time{}
	for _, e := range erasures {
		if e.Visitor != "" && milli(e.Until) > max(t.erased[e.Visitor], milli(latest[e.Visitor])) {
			latest[e.Visitor] = e.Until
		}
	}
	var rows [][]any
	for _, visitor := range slices.Sorted(maps.Keys(latest)) {
		rows = append(rows, []any{[]byte(visitor), milli(latest[visitor])})
		if err := t.erase(ctx, visitor, latest[visitor]); err != nil {
			return err
		}
	}
	if err := t.bulk.store(ctx, t.into.erasures, rows); err != nil {
		return err
	}
	if err := t.writeCounts(ctx); err != nil {
		return err
	}
	return t.writeTotals(ctx)
}

// erase takes away what a visitor did up to a time.
func (t *tally) erase(ctx context.Context, visitor trend.Visitor, until time.Time) error {
	byVisitor := table{t.into.visits.name, []string{"visitor"}, []string{"day", "keyword_id", "surface", "tag", "facts", "languages"}}
	var changed, gone [][]any
	days := map[visitorKey]bool{}
	err := t.bulk.load(ctx, byVisitor, [][]any{{[]byte(visitor)}}, func(rows *sql.Rows) error {
		key := visitKey{visitor: visitor}
		var own, facts, languages []byte
		if err := rows.Scan(&own, &key.day, &key.keyword, &key.surface, &key.tag, &facts, &languages); err != nil {
			return err
		}
		before, err := trend.DecodeVisit(facts, languages)
		if err != nil {
			return err
		}
		after := before.Clone()
		if key.day >= t.first {
			after.Erase(key.day, until)
			days[visitorKey{key.day, visitor}] = true
		}
		t.differ(key, before, after)
		if len(after) == 0 {
			gone = append(gone, key.row())
		} else if !after.Equal(before) {
			changed = append(changed, visitRow(key, after))
		}
		return nil
	})
	if err == nil {
		err = t.bulk.store(ctx, t.into.visits, changed)
	}
	if err == nil {
		err = t.bulk.remove(ctx, t.into.visits, gone)
	}
	if err == nil {
		err = t.eraseActivity(ctx, days, until)
	}
	if err != nil {
		return err
	}
	return t.eraseClicks(ctx, visitor, until)
}

func (t *tally) eraseClicks(ctx context.Context, visitor trend.Visitor, until time.Time) error {
	byVisitor := table{t.into.clicks.name, []string{"visitor"}, []string{"day", "search_id", "book_id", "keyword_id", "surface", "tag", "language", "bucket", "ordinal", "clicked_at"}}
	var gone [][]any
	err := t.bulk.load(ctx, byVisitor, [][]any{{[]byte(visitor)}}, func(rows *sql.Rows) error {
		var key clickKey
		var of countKey
		var own, search []byte
		var language string
		var bucket, ordinal int
		var at int64
		if err := rows.Scan(&own, &key.day, &search, &key.book, &of.keyword, &of.surface, &of.tag, &language, &bucket, &ordinal, &at); err != nil {
			return err
		}
		if at > until.UnixMilli() || key.day < t.first {
			return nil
		}
		key.search, of.day = string(search), key.day
		t.addClick(of, t.total(of.day, trend.Scope{Kind: of.surface, Tag: of.tag, Language: language}), bucket, ordinal, -1)
		gone = append(gone, key.row())
		return nil
	})
	if err != nil {
		return err
	}
	return t.bulk.remove(ctx, t.into.clicks, gone)
}

// sortedKeys returns the keys of a map in the order of their columns.
func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}

func rowsOf[K interface{ row() []any }](keys []K) [][]any {
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = key.row()
	}
	return rows
}
