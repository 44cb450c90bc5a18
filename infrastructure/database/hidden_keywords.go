package database

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"gorm.io/gorm/clause"
)

// hiddenKeyword is a keyword that the public doesn't see. HiddenAt is in unix milliseconds.
type hiddenKeyword struct {
	Hash     []byte `gorm:"primaryKey"` // SHA-256 of the folded keyword
	Folded   string
	HiddenAt int64
}

func (hiddenKeyword) TableName() string { return "hidden_keywords" }

func (db *DB) HideKeyword(ctx context.Context, folded string) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(folded))
	row := &hiddenKeyword{Hash: hash[:], Folded: folded, HiddenAt: time.Now().UnixMilli()}
	if err := session.Clauses(clause.OnConflict{DoNothing: true}).Create(row).Error; err != nil {
		return db.failed("hide a keyword", err)
	}
	return nil
}

func (db *DB) ShowKeyword(ctx context.Context, folded string) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(folded))
	if err := session.Where("hash = ?", hash[:]).Delete(&hiddenKeyword{}).Error; err != nil {
		return db.failed("show a keyword again", err)
	}
	return nil
}

func (db *DB) HiddenKeywords(ctx context.Context) (folded []string, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.Model(&hiddenKeyword{}).Pluck("folded", &folded).Error; err != nil {
		return nil, db.failed("read hidden keywords", err)
	}
	slices.Sort(folded)
	return folded, nil
}
