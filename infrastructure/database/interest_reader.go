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

func (db *DB) Neighbours(ctx context.Context, book uint, n int) (own float64, neighbours []interest.Neighbour, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return 0, nil, err
	}
	if err := session.Raw("SELECT weight FROM interest_books WHERE book_id = ?", book).Scan(&own).Error; err != nil {
		return 0, nil, db.failed("read how often a book was opened", err)
	}
	// A pair has one row, so each side of it is looked for.
	for _, side := range [][2]string{{"book_a", "book_b"}, {"book_b", "book_a"}} {
		var some []interest.Neighbour
		err := session.Raw(`SELECT p.`+side[1]+` AS book, p.weight AS pair, b.weight AS own FROM interest_pairs p
			JOIN interest_books b ON b.book_id = p.`+side[1]+` WHERE p.`+side[0]+` = ? AND p.shown = 1 ORDER BY p.weight DESC LIMIT ?`, book, n).Scan(&some).Error
		if err != nil {
			return 0, nil, db.failed("read what else readers opened", err)
		}
		neighbours = append(neighbours, some...)
	}
	return own, neighbours, nil
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
