package database

import "context"

// authorsPage is the number of author lines that are read at once.
const authorsPage = 10_000

func (db *DB) Authors(ctx context.Context, after uint) (authors []string, last uint, err error) {
	tx, err := db.session(ctx)
	if err != nil {
		return nil, 0, err
	}
	var rows []struct {
		ID     uint
		Author *string
	}
	err = tx.Table("books").Select("id, author").Where("id > ?", after).Order("id").Limit(authorsPage).Find(&rows).Error
	if err != nil {
		return nil, 0, db.failed("read authors", err)
	}
	for _, row := range rows {
		last = row.ID
		if row.Author == nil { // another program wrote the row
			authors = append(authors, "")
		} else {
			authors = append(authors, *row.Author)
		}
	}
	return authors, last, nil
}
