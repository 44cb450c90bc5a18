package database

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"literank.com/event-books/domain/trend"
)

func (db *DB) TotalRows(ctx context.Context, first, last trend.Day, visit func(*trend.Total) error) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	const failed = "read the totals of searches"
	rows, err := session.Raw("SELECT day, surface, tag, language, requests, searches, buckets, places FROM trend_totals WHERE day BETWEEN ? AND ? ORDER BY day", first, last).Rows()
	if err != nil {
		return db.failed(failed, err)
	}
	defer rows.Close()
	for rows.Next() {
		key, sum, err := scanTotal(rows)
		if err != nil {
			return db.failed(failed, err)
		}
		if err := visit(&trend.Total{Day: key.day, Scope: key.Scope, Counts: sum.counts, Places: sum.places}); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return db.failed(failed, err)
	}
	return nil
}

func (db *DB) Presences(ctx context.Context, group trend.Scope, first, last trend.Day) (map[trend.Day]trend.Presence, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Day      trend.Day
		Visitors []byte
	}
	const failed = "read the visitors"
	err = session.Raw("SELECT day, visitors FROM trend_presence WHERE day BETWEEN ? AND ? AND surface = ? AND tag = ? AND language = ?", first, last, group.Kind, group.Tag, group.Language).Scan(&rows).Error
	if err != nil {
		return nil, db.failed(failed, err)
	}
	present := make(map[trend.Day]trend.Presence, len(rows))
	for _, row := range rows {
		if present[row.Day], err = trend.DecodePresence(row.Visitors); err != nil {
			return nil, db.failed(failed, err)
		}
	}
	return present, nil
}

// ofGroup restricts a query to the rows of a group.
func ofGroup(session *gorm.DB, group trend.Scope, first, last trend.Day) *gorm.DB {
	session = session.Where("day BETWEEN ? AND ? AND surface IN ?", first, last, group.Kinds())
	if group.Tag != trend.Any {
		session = session.Where("tag = ?", group.Tag)
	}
	return session
}

func (db *DB) KeywordRows(ctx context.Context, group trend.Scope, first, last trend.Day, visit func(*trend.Row) error) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	return db.visitRows(ofGroup(session, group, first, last).Table(liveTables.counts.name).Select(rowColumns), visit)
}

func (db *DB) Spellings(ctx context.Context, keywords []int64, first, last trend.Day) (map[int64]string, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	spellings, most := make(map[int64]string, len(keywords)), map[int64]int64{}
	for part := range slices.Chunk(keywords, keywordsPerQuery) {
		var folded []struct {
			ID     int64
			Folded string
		}
		if err := session.Raw("SELECT id, folded FROM trend_keywords WHERE id IN ?", part).Scan(&folded).Error; err != nil {
			return nil, db.failed("read keywords", err)
		}
		for _, row := range folded {
			spellings[row.ID] = row.Folded
		}
		var rows []struct {
			KeywordID int64
			Spelling  string
			Typed     int64
		}
		err := session.Raw(`SELECT keyword_id, spelling, SUM(typed) AS typed FROM trend_spellings
			WHERE day BETWEEN ? AND ? AND keyword_id IN ? AND typed > 0 GROUP BY keyword_id, spelling`, first, last, part).Scan(&rows).Error
		if err != nil {
			return nil, db.failed("read the spellings of keywords", err)
		}
		for _, row := range rows {
			if cmp.Or(cmp.Compare(row.Typed, most[row.KeywordID]), cmp.Compare(spellings[row.KeywordID], row.Spelling)) > 0 {
				spellings[row.KeywordID], most[row.KeywordID] = row.Spelling, row.Typed
			}
		}
	}
	return spellings, nil
}

func (db *DB) KeywordVisits(ctx context.Context, keyword int64, group trend.Scope, first, last trend.Day, visit func(day trend.Day, visitor trend.Visitor, facts trend.Facts)) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	const failed = "read the visitors of a keyword"
	for day := first; day <= last; day++ { // the primary key begins with the day
		rows, err := ofGroup(session, group, day, day).Table("trend_visits").Select("day, visitor, facts").Where("keyword_id = ? AND LENGTH(visitor) > 0", keyword).Rows()
		if err != nil {
			return db.failed(failed, err)
		}
		for rows.Next() {
			var day trend.Day
			var visitor, data []byte
			err := rows.Scan(&day, &visitor, &data)
			var facts trend.Facts
			if err == nil {
				facts, err = trend.DecodeFacts(data)
			}
			if err != nil {
				_ = rows.Close()
				return db.failed(failed, err)
			}
			visit(day, trend.Visitor(visitor), facts)
		}
		if err := cmp.Or(rows.Err(), rows.Close()); err != nil {
			return db.failed(failed, err)
		}
	}
	return nil
}

func (db *DB) ClickedBooks(ctx context.Context, keyword int64, group trend.Scope, first, last trend.Day, n int) ([]trend.ClickedBook, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		BookID           uint
		Clicks, Ordinals int64
	}
	err = ofGroup(session, group, first, last).Table("trend_clicks").Select("book_id, COUNT(*) AS clicks, SUM(ordinal) AS ordinals").
		Where("keyword_id = ?", keyword).Group("book_id").Order("clicks DESC, book_id").Limit(n).Scan(&rows).Error
	if err != nil {
		return nil, db.failed("read the clicks of a keyword", err)
	}
	books := make([]trend.ClickedBook, len(rows))
	for i, row := range rows {
		books[i] = trend.ClickedBook{Book: row.BookID, Clicks: row.Clicks, Ordinals: row.Ordinals}
	}
	return books, nil
}
