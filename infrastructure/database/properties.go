package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// idProperty is the property with the database's id.
const idProperty = "database_id"

// property is a value that belongs to the database, and so to all instances of a shop.
type property struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

func (property) TableName() string { return "properties" }

// ID returns the random id that the first Migrate gave the database, or "" before.
func (db *DB) ID(ctx context.Context) (id string, err error) {
	tables, err := db.dialect.tables(ctx, db.sql.main)
	if err == nil && slices.Contains(tables, property{}.TableName()) {
		err = db.sql.main.QueryRowContext(ctx, "SELECT value FROM properties WHERE name = ?", idProperty).Scan(&id)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", db.failed("read the database's id", err)
	}
	return id, nil
}

// Secret returns a random text that belongs to the database: all its instances get the
// same one. name tells several secrets apart.
func (db *DB) Secret(ctx context.Context, name string) (string, error) {
	session, err := db.session(ctx)
	if err != nil {
		return "", err
	}
	return db.property(session, "secret_"+name)
}

// property returns a property, which becomes a random text if it isn't set yet.
func (db *DB) property(session *gorm.DB, name string) (string, error) {
	p := property{Name: name, Value: rand.Text()}
	err := session.Clauses(clause.OnConflict{DoNothing: true}).Create(&p).Error
	if err == nil {
		err = session.Take(&p, "name = ?", name).Error
	}
	if err != nil {
		return "", db.failed("read a property of the database", err)
	}
	return p.Value, nil
}
