package database

import (
	"context"

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
