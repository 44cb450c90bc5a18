package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/model"
)

// importedRow is the progress of an import. Times are unix milliseconds.
type importedRow struct {
	FileHash                                       string `gorm:"primaryKey"`
	Digest                                         string
	Created, Updated, Unchanged, Deleted, Rejected int
	Kept                                           int64
	SavedAt                                        int64
}

func (importedRow) TableName() string { return "imports" }

func hashOfFile(file string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(file))) }

func (db *DB) SaveImport(ctx context.Context, p *model.ImportProgress) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	row := &importedRow{
		FileHash: hashOfFile(p.File), Digest: hex.EncodeToString(p.Digest[:]),
		Created: p.Created, Updated: p.Updated, Unchanged: p.Unchanged, Deleted: p.Deleted, Rejected: p.Rejected,
		Kept: p.Kept, SavedAt: session.NowFunc().UnixMilli(),
	}
	if err := session.Clauses(clause.OnConflict{UpdateAll: true}).Create(row).Error; err != nil {
		return db.failed("save the progress of an import", err)
	}
	return nil
}

func (db *DB) InterruptedImport(ctx context.Context, file string) (*model.ImportProgress, error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	var row importedRow
	err = session.Take(&row, "file_hash = ?", hashOfFile(file)).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, db.failed("read the progress of an import", err)
	}
	digest, err := hex.DecodeString(row.Digest)
	if err != nil || len(digest) != sha256.Size {
		return nil, fmt.Errorf("read the progress of an import: its digest is %q", row.Digest)
	}
	return &model.ImportProgress{
		File: file, Digest: [sha256.Size]byte(digest), Kept: row.Kept, SavedAt: time.UnixMilli(row.SavedAt),
		ImportCounts: model.ImportCounts{
			Rows:    row.Created + row.Updated + row.Unchanged + row.Deleted + row.Rejected,
			Created: row.Created, Updated: row.Updated, Unchanged: row.Unchanged, Deleted: row.Deleted, Rejected: row.Rejected,
		},
	}, nil
}

func (db *DB) EndImport(ctx context.Context, file string) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	if err := session.Delete(&importedRow{FileHash: hashOfFile(file)}).Error; err != nil {
		return db.failed("delete the progress of an import", err)
	}
	return nil
}
