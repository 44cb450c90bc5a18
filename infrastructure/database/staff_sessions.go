package database

import (
	"context"
	"crypto/sha256"
	"time"

	"gorm.io/gorm/clause"
)

// staffSession is somebody who is signed in. ExpiresAt is in unix milliseconds.
type staffSession struct {
	Hash      []byte `gorm:"primaryKey"` // SHA-256 of the token
	Data      []byte
	ExpiresAt int64
}

func (staffSession) TableName() string { return "staff_sessions" }

func hashOfToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func (db *DB) FindSession(ctx context.Context, token string) (data []byte, found bool, err error) {
	session, err := db.session(ctx)
	if err != nil {
		return nil, false, err
	}
	var rows []staffSession
	if err := session.Where("hash = ? AND expires_at > ?", hashOfToken(token), time.Now().UnixMilli()).Find(&rows).Error; err != nil {
		return nil, false, db.failed("find a session", err)
	}
	if len(rows) == 0 {
		return nil, false, nil
	}
	return rows[0].Data, true, nil
}

func (db *DB) StoreSession(ctx context.Context, token string, data []byte, expires time.Time) error {
	session, err := db.session(ctx)
	if err != nil {
		return err
	}
	if err := session.Where("expires_at <= ?", time.Now().UnixMilli()).Delete(&staffSession{}).Error; err != nil {
		return db.failed("forget sessions", err)
	}
	row := &staffSession{Hash: hashOfToken(token), Data: data, ExpiresAt: milli(expires)}
	if err := session.Clauses(clause.OnConflict{UpdateAll: true}).Create(row).Error; err != nil {
		return db.failed("store a session", err)
	}
	return nil
}

func (db *DB) DeleteSession(ctx context.Context, token string) error {
	session, err := db.session(ctx)
	if err == nil {
		err = session.Where("hash = ?", hashOfToken(token)).Delete(&staffSession{}).Error
	}
	if err != nil {
		return db.failed("end a session", err)
	}
	return nil
}

func (db *DB) DeleteSessions(ctx context.Context) error {
	session, err := db.session(ctx)
	if err == nil {
		err = session.Where("expires_at > 0").Delete(&staffSession{}).Error
	}
	if err != nil {
		return db.failed("end all sessions", err)
	}
	return nil
}
