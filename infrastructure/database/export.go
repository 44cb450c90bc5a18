package database

import (
	"context"

	"literank.com/event-books/domain/model"
)

// exportRows is the number of books that are read at once.
const exportRows = 1000

func (db *DB) ExportBooks(ctx context.Context, after uint) ([]*model.ImportRow, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var list []*knownRow
	if err := session.Where("id > ?", after).Order("id").Limit(exportRows).Find(&list).Error; err != nil {
		return nil, db.failed("export books", err)
	}
	rows := make([]*model.ImportRow, len(list))
	for i, stored := range list {
		row := &model.ImportRow{Book: *stored.Shown.book()}
		if identity := stored.Identity; identity.ExternalID != nil && identity.Source != nil {
			row.Source, row.ExternalID = *identity.Source, *identity.ExternalID
		}
		if len(stored.Identity.Fingerprint) == len(row.Fingerprint) {
			row.Fingerprint = model.Fingerprint(stored.Identity.Fingerprint)
		}
		rows[i] = row
	}
	return rows, nil
}
