package database

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"literank.com/event-books/domain/trend"
)

// keywordsPerQuery bounds the keywords of one query.
const keywordsPerQuery = 200

func (db *DB) TrendVersion(ctx context.Context) (int64, error) {
	session, err := db.session(ctx)
	if err != nil {
		return 0, err
	}
	var c counter
	if err := session.Take(&c, "name = ?", trendCounter).Error; err != nil {
		return 0, db.failed("read the version of the trends", err)
	}
	return c.Value, nil
}

func (db *DB) KeywordIDs(ctx context.Context, folded []string) (map[string]int64, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(folded))
	for part := range slices.Chunk(folded, keywordsPerQuery) {
		hashes := make([][]byte, len(part))
		for i, text := range part {
			sum := sha256.Sum256([]byte(text))
			hashes[i] = sum[:]
		}
		var rows []struct {
			ID     int64
			Folded string
		}
		if err := session.Raw("SELECT id, folded FROM trend_keywords WHERE hash IN ?", hashes).Scan(&rows).Error; err != nil {
			return nil, db.failed("find keywords", err)
		}
		for _, row := range rows {
			ids[row.Folded] = row.ID
		}
	}
	return ids, nil
}

func (db *DB) ChangedKeywords(ctx context.Context, after int64) (keywords []int64, version int64, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, 0, err
	}
	var rows []struct{ KeywordID, Version int64 }
	if err := session.Raw("SELECT DISTINCT keyword_id, version FROM trend_counts WHERE version > ?", after).Scan(&rows).Error; err != nil {
		return nil, 0, db.failed("read changed keywords", err)
	}
	version = after
	for _, row := range rows {
		version = max(version, row.Version)
		keywords = append(keywords, row.KeywordID)
	}
	slices.Sort(keywords)
	return slices.Compact(keywords), version, nil
}

// rowColumns are the columns that visitRows reads.
const rowColumns = "keyword_id, day, surface, tag, requests, searches, not_found, buckets"

const selectRows = "SELECT " + rowColumns + " FROM trend_counts WHERE day >= ?"

func (db *DB) TrendRows(ctx context.Context, keywords []int64, from trend.Day, visit func(*trend.Row) error) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	if keywords == nil {
		return db.visitRows(session.Raw(selectRows, from), visit)
	}
	for part := range slices.Chunk(keywords, keywordsPerQuery) {
		if err := db.visitRows(session.Raw(selectRows+" AND keyword_id IN ?", from, part), visit); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) visitRows(query *gorm.DB, visit func(*trend.Row) error) error {
	rows, err := query.Rows()
	if err != nil {
		return db.failed("read trends", err)
	}
	defer rows.Close()
	var row trend.Row
	for rows.Next() {
		var data sql.RawBytes
		var notFound sql.NullInt64
		if err := rows.Scan(&row.Keyword, &row.Day, &row.Kind, &row.Tag, &row.Requests, &row.Searches, &notFound, &data); err != nil {
			return db.failed("read trends", err)
		}
		row.Encoded, row.NotFound = data, -1
		if notFound.Valid {
			row.NotFound = notFound.Int64
		}
		if err := visit(&row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return db.failed("read trends", err)
	}
	return nil
}

func (db *DB) PublicKeywords(ctx context.Context, keywords []int64, first, last trend.Day, crowd int) ([]trend.PublicKeyword, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	found := map[int64]*trend.PublicKeyword{}
	for part := range slices.Chunk(keywords, keywordsPerQuery) {
		if err := db.servedTexts(session, part, first, last, found); err != nil {
			return nil, db.failed("read the texts of keywords", err)
		}
	}
	ids := slices.Sorted(maps.Keys(found))
	for part := range slices.Chunk(ids, keywordsPerQuery) {
		if err := newestBooks(session, part, found); err != nil {
			return nil, db.failed("read the books of keywords", err)
		}
	}
	list := make([]trend.PublicKeyword, 0, len(ids))
	for _, id := range ids {
		for day := last; day >= first && found[id].Crowd < crowd; day-- {
			n, err := db.crowd(session, id, day, crowd)
			if err != nil {
				return nil, db.failed("count the visitors of a keyword", err)
			}
			found[id].Crowd = max(found[id].Crowd, n)
		}
		list = append(list, *found[id])
	}
	return list, nil
}

// servedTexts finds the spelling of each keyword that was served most often; of equal ones the
// first by bytes.
func (db *DB) servedTexts(session *gorm.DB, keywords []int64, first, last trend.Day, found map[int64]*trend.PublicKeyword) error {
	var rows []struct {
		KeywordID int64
		Spelling  string
		Served    int64
	}
	err := session.Raw(`SELECT keyword_id, spelling, SUM(served) AS served FROM trend_spellings
		WHERE day BETWEEN ? AND ? AND keyword_id IN ? AND served > 0 GROUP BY keyword_id, spelling`, first, last, keywords).Scan(&rows).Error
	if err != nil {
		return err
	}
	most := map[int64]int64{}
	for _, row := range rows {
		known := found[row.KeywordID]
		if known == nil {
			known = &trend.PublicKeyword{Keyword: row.KeywordID}
			found[row.KeywordID] = known
		}
		if cmp.Or(cmp.Compare(row.Served, most[row.KeywordID]), cmp.Compare(known.Text, row.Spelling)) > 0 {
			known.Text, most[row.KeywordID] = row.Spelling, row.Served
		}
	}
	return nil
}

func newestBooks(session *gorm.DB, keywords []int64, found map[int64]*trend.PublicKeyword) error {
	var rows []struct {
		ID          int64
		NewestBooks string
	}
	if err := session.Raw("SELECT id, newest_books FROM trend_keywords WHERE id IN ?", keywords).Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		found[row.ID].Books = bookIDs(row.NewestBooks)
	}
	return nil
}

// bookIDs reads the ids of newest_books.
func bookIDs(list string) (ids []uint) {
	for text := range strings.SplitSeq(list, ",") {
		if id, err := strconv.ParseUint(text, 10, 63); err == nil {
			ids = append(ids, uint(id))
		}
	}
	return ids
}

func (db *DB) NewestBooks(ctx context.Context, keyword int64) ([]uint, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var list string
	if err := session.Raw("SELECT newest_books FROM trend_keywords WHERE id = ?", keyword).Scan(&list).Error; err != nil {
		return nil, db.failed("read the books of a keyword", err)
	}
	return bookIDs(list), nil
}

// maxCookies bounds the cookies of a day that are looked at, so that nobody can make them many.
const maxCookies = 200

// crowd counts the networks of a keyword's visitors on a day, and their cookies that were seen
// before, up to a number. Visitors of one network lie side by side; after one of them it
// continues with the next network.
func (db *DB) crowd(session *gorm.DB, keyword int64, day trend.Day, most int) (n int, err error) {
	const visitors = "SELECT visitor FROM trend_visits WHERE day = ? AND keyword_id = ? AND surface IN ? AND LENGTH(visitor) "
	for after := []byte{}; after != nil && n < most; {
		var next [][]byte
		err := session.Raw(visitors+"= 8 AND visitor >= ? ORDER BY visitor LIMIT 1", day, keyword, trend.PublicKinds, after).Scan(&next).Error
		if err != nil {
			return 0, err
		}
		if len(next) == 0 {
			break
		}
		n++
		after = successor([]byte(trend.Visitor(next[0]).Network()))
	}
	if n >= most {
		return n, nil
	}
	var cookies int
	err = session.Raw(`SELECT COUNT(DISTINCT visitor) FROM (SELECT visitor FROM trend_visits AS today
		WHERE day = ? AND keyword_id = ? AND surface IN ? AND LENGTH(visitor) <> 8 AND EXISTS
			(SELECT 1 FROM trend_visits AS earlier WHERE earlier.visitor = today.visitor AND earlier.day < today.day AND earlier.surface IN ?)
		LIMIT ?) AS known`, day, keyword, trend.PublicKinds, trend.PublicKinds, maxCookies).Scan(&cookies).Error
	return min(most, n+cookies), err
}

// successor returns the first bytes behind all that begin with a prefix, or nil.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i]++; prefix[i] != 0 {
			return prefix[:i+1]
		}
	}
	return nil
}
