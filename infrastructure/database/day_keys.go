package database

import (
	"context"
	"crypto/rand"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/trend"
)

// dayKey is the random key of a UTC day. MadeAt is in unix milliseconds of the database's
// clock.
type dayKey struct {
	Day    int32 `gorm:"primaryKey;autoIncrement:false"`
	Secret []byte
	MadeAt int64
}

func (dayKey) TableName() string { return "day_keys" }

// dayKeyBytes is the length of a key.
const dayKeyBytes = 32

// DayKeys implements gateway.DayKeys. Usually it only reads.
func (db *DB) DayKeys(ctx context.Context, today trend.Day, within time.Duration) (keys []gateway.DayKey, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, err
	}
	keys, err = db.readDayKeys(session)
	if err == nil && needsChange(keys, today, within) {
		if err = db.changeDayKeys(session, today, within); err == nil {
			keys, err = db.readDayKeys(session)
		}
	}
	if err != nil {
		return nil, db.failed("read the keys of days", err)
	}
	return keys, nil
}

func (db *DB) readDayKeys(session *gorm.DB) ([]gateway.DayKey, error) {
	var rows []struct {
		Day     int32
		Secret  []byte
		MadeAt  int64
		Present int64
	}
	err := session.Raw("SELECT day, secret, made_at, " + db.dialect.now() + " AS present FROM day_keys ORDER BY day").Scan(&rows).Error
	keys := make([]gateway.DayKey, len(rows))
	for i, row := range rows {
		keys[i] = gateway.DayKey{Day: trend.Day(row.Day), Key: row.Secret, Age: time.Duration(row.Present-row.MadeAt) * time.Millisecond}
	}
	return keys, err
}

func needsChange(keys []gateway.DayKey, today trend.Day, within time.Duration) bool {
	missing := true
	for _, k := range keys {
		if k.Age >= gateway.DayKeyAge-within {
			return true
		}
		missing = missing && k.Day != today
	}
	return missing
}

// changeDayKeys makes and deletes keys. Of several instances that make the key of a day, one
// succeeds, and the others read its key.
func (db *DB) changeDayKeys(session *gorm.DB, today trend.Day, within time.Duration) error {
	return db.transaction(session, deadlock, func(tx *gorm.DB) error {
		var now int64
		if err := tx.Raw("SELECT " + db.dialect.now()).Scan(&now).Error; err != nil {
			return err
		}
		if err := tx.Where("made_at <= ?", now-(gateway.DayKeyAge-within).Milliseconds()).Delete(&dayKey{}).Error; err != nil {
			return err
		}
		row := &dayKey{Day: int32(today), Secret: make([]byte, dayKeyBytes), MadeAt: now}
		rand.Read(row.Secret) // never fails
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row).Error
	})
}
