package database

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/trend"
)

func (db *DB) History(ctx context.Context, cookie trend.Visitor) (interest.History, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var row struct{ History []byte }
	err = session.Table(visitorTable.name).Select("history").Take(&row, "visitor = ?", []byte(cookie)).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	var history interest.History
	if err == nil {
		history, err = interest.DecodeHistory(row.History)
	}
	if err != nil {
		return nil, db.failed("read what a visitor opened", err)
	}
	return history, nil
}

// neighbours finds the count of a book, as that of the book 0, and its neighbours. A pair has one row,
// so each side of it is looked for.
const neighbours = `SELECT 0, 0.0, weight FROM interest_books WHERE book_id = ? UNION ALL
	SELECT * FROM (SELECT p.book_b, p.weight, b.weight AS own FROM interest_pairs p JOIN interest_books b ON b.book_id = p.book_b
		WHERE p.book_a = ? AND p.shown = 1 ORDER BY p.weight DESC LIMIT ?) AS greater UNION ALL
	SELECT * FROM (SELECT p.book_a, p.weight, b.weight AS own FROM interest_pairs p JOIN interest_books b ON b.book_id = p.book_a
		WHERE p.book_b = ? AND p.shown = 1 ORDER BY p.weight DESC LIMIT ?) AS smaller`

func (db *DB) Neighbours(ctx context.Context, book uint, n int) (own float64, list []interest.Neighbour, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return 0, nil, err
	}
	rows, err := session.Raw(neighbours, book, book, n, book, n).Rows()
	if err != nil {
		return 0, nil, db.failed("read what else readers opened", err)
	}
	defer rows.Close()
	for rows.Next() { // GORM's scanner would take most of the time
		var row interest.Neighbour
		if err := rows.Scan(&row.Book, &row.Pair, &row.Own); err != nil {
			return 0, nil, db.failed("read what else readers opened", err)
		}
		if row.Book == 0 {
			own = row.Own
		} else {
			list = append(list, row)
		}
	}
	if err := rows.Err(); err != nil {
		return 0, nil, db.failed("read what else readers opened", err)
	}
	return own, list, nil
}

func (db *DB) MostOpened(ctx context.Context, sessions, n int) (books []uint, err error) {
	session, err := db.session(ctx)
	if err == nil {
		err = session.Raw("SELECT book_id FROM interest_books WHERE sessions >= ? ORDER BY weight DESC LIMIT ?", sessions, n).Scan(&books).Error
	}
	if err != nil {
		return nil, db.failed("read which books were opened most", err)
	}
	return books, nil
}
