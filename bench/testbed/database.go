package testbed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
)

// NewDatabase creates an empty database on a MySQL or MariaDB server, whose name begins with
// prefix. drop deletes it.
func NewDatabase(ctx context.Context, server, prefix string) (dsn string, db *sql.DB, drop func() error, err error) {
	cfg, err := mysql.ParseDSN(server)
	if err != nil {
		return "", nil, nil, fmt.Errorf("create a database: %w", err)
	}
	name := prefix + "_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	admin, err := sql.Open("mysql", server)
	if err != nil {
		return "", nil, nil, fmt.Errorf("create a database: %w", err)
	}
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		return "", nil, nil, fmt.Errorf("create a database: %w", errors.Join(err, admin.Close()))
	}
	cfg.DBName = name
	db, err = sql.Open("mysql", cfg.FormatDSN())
	drop = func() error {
		_, err := admin.Exec("DROP DATABASE " + name)
		return errors.Join(err, db.Close(), admin.Close())
	}
	return cfg.FormatDSN(), db, drop, err
}
