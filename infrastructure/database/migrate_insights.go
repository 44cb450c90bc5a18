package database

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// addInsights adds what numbers over all keywords need, and makes them for the days that are
// counted already.
func (db *DB) addInsights(ctx context.Context, conn *sql.DB) error {
	of := db.dialect.columnType
	tag, language := "tag "+of(tagText)+" NOT NULL", "language "+of(languageTag)+" NOT NULL"
	var tables []string
	for _, suffix := range []string{"", rebuiltSuffix} {
		for _, added := range []struct{ table, column, definition string }{
			{"trend_visits", "languages", of(content) + " NULL"},
			{"trend_counts", "not_found", "BIGINT NULL"},
			{"trend_clicks", "language", of(languageTag) + " NOT NULL DEFAULT ''"},
		} {
			if err := db.addColumn(ctx, conn, added.table+suffix, added.column, added.definition); err != nil {
				return err
			}
		}
		scope := "day INT NOT NULL, surface INT NOT NULL, " + tag + ", " + language
		tables = append(tables,
			"trend_totals"+suffix+" ("+scope+", requests BIGINT NOT NULL, searches BIGINT NOT NULL, buckets "+of(content)+", places "+of(content)+", PRIMARY KEY (day, surface, tag, language))",
			"trend_visitors"+suffix+" (day INT NOT NULL, visitor "+of(code)+" NOT NULL, activity "+of(content)+", PRIMARY KEY (day, visitor))",
			"trend_presence"+suffix+" ("+scope+", visitors "+of(content)+", PRIMARY KEY (day, surface, tag, language))",
		)
	}
	if err := db.createTables(ctx, conn, tables, []tableIndex{{"trend_clicks_keyword", "trend_clicks", "keyword_id, day"}}); err != nil {
		return err
	}
	for _, fill := range []func(context.Context) error{db.fillTotals, db.fillVisitors} {
		if err := fill(ctx); err != nil {
			return err
		}
	}
	return nil
}

// formerSums is the keyword_id under which version 12 of the schema kept the sums over all
// keywords.
const formerSums = 0

// fillTotals moves the sums over all keywords to a table of their own, and counts the places of
// clicks.
func (db *DB) fillTotals(ctx context.Context) error {
	return db.transaction(db.gorm.WithContext(ctx), deadlock, func(tx *gorm.DB) error {
		var sums []struct {
			Day                trend.Day
			Surface            trend.Kind
			Tag                string
			Requests, Searches int64
			Buckets            []byte
		}
		if err := tx.Raw("SELECT day, surface, tag, requests, searches, buckets FROM trend_counts WHERE keyword_id = ?", formerSums).Scan(&sums).Error; err != nil || len(sums) == 0 {
			return err
		}
		places := map[totalKey]trend.Places{}
		rows, err := tx.Raw("SELECT day, surface, tag, bucket, ordinal, COUNT(*) FROM trend_clicks GROUP BY day, surface, tag, bucket, ordinal").Rows()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key totalKey
			var bucket, ordinal int
			var n int64
			if err := rows.Scan(&key.day, &key.Kind, &key.Tag, &bucket, &ordinal, &n); err != nil {
				return err
			}
			if places[key] == nil {
				places[key] = trend.Places{}
			}
			places[key].Add(bucket, ordinal, n)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var totals [][]any
		for _, sum := range sums {
			key := totalKey{sum.Day, trend.Scope{Kind: sum.Surface, Tag: sum.Tag}}
			totals = append(totals, append(key.row(), sum.Requests, sum.Searches, sum.Buckets, places[key].Encode()))
		}
		w := db.newConsumerTx(tx, model.Shard{})
		defer w.bulk.close()
		if err := w.bulk.store(ctx, liveTables.totals, totals); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM trend_counts WHERE keyword_id = ?", formerSums).Error
	})
}

// fillVisitors finds out when visitors searched, one day at a time.
func (db *DB) fillVisitors(ctx context.Context) error {
	session := db.gorm.WithContext(ctx)
	var days []trend.Day
	err := session.Raw("SELECT DISTINCT day FROM trend_counts AS c WHERE NOT EXISTS (SELECT 1 FROM trend_presence AS p WHERE p.day = c.day) ORDER BY day").Scan(&days).Error
	for _, day := range days {
		if err != nil {
			break
		}
		err = db.transaction(session, deadlock, func(tx *gorm.DB) error {
			w := db.newConsumerTx(tx, model.Shard{})
			defer w.bulk.close()
			t := w.newTally()
			if err := t.readActivity(day); err != nil {
				return err
			}
			return t.writeVisitors(ctx)
		})
	}
	return err
}

// readActivity reads when visitors searched on a day from what they did for each keyword.
func (t *tally) readActivity(day trend.Day) error {
	rows, err := t.tx.Raw("SELECT day, keyword_id, visitor, surface, tag, facts, languages FROM trend_visits WHERE day = ? AND surface < ? AND LENGTH(visitor) > 0", day, trend.Served).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		key, visit, err := scanVisit(rows)
		if err != nil {
			return err
		}
		of := visitorKey{day, key.visitor}
		activity := trend.Activity{}
		for language, facts := range visit {
			activity[trend.Scope{Kind: key.surface, Tag: key.tag, Language: language}] = facts.Of(trend.Searched)
		}
		t.visitors[of] = t.visitors[of].Join(activity)
	}
	return rows.Err()
}
