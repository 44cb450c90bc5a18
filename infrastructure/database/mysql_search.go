package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

const (
	// statementTimeout is how long the server works on one search at most, in
	// seconds. A request ends no later.
	statementTimeout = 10
	// killTimeout bounds the order to a server to stop a search.
	killTimeout = 2 * time.Second
)

// searchConnector makes the connections of searches. If the context of a query ends,
// the driver only closes the connection, and the server would go on with a scan that
// nobody waits for. So the query is killed through another connection. In case that
// fails, the server also bounds each statement.
type searchConnector struct {
	driver.Connector
	others *sql.DB // not the searches' connections, which may all be busy
	log    *slog.Logger
}

func (c *searchConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	search, err := c.prepare(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return search, nil
}

func (c *searchConnector) prepare(ctx context.Context, conn driver.Conn) (*searchConn, error) {
	full, ok := conn.(mysqlConn)
	if !ok {
		return nil, fmt.Errorf("the MySQL driver's %T lacks a method", conn)
	}
	rows, err := full.QueryContext(ctx, "SELECT CONNECTION_ID(), VERSION()", nil)
	if err != nil {
		return nil, err
	}
	values := make([]driver.Value, 2)
	if err := errors.Join(rows.Next(values), rows.Close()); err != nil {
		return nil, err
	}
	limit := fmt.Sprintf("SET SESSION max_execution_time = %d", 1000*statementTimeout)
	if strings.Contains(textOf(values[1]), "MariaDB") {
		limit = fmt.Sprintf("SET SESSION max_statement_time = %d", statementTimeout)
	}
	if _, err := full.ExecContext(ctx, limit, nil); err != nil {
		return nil, err
	}
	return &searchConn{mysqlConn: full, id: textOf(values[0]), connector: c}, nil
}

func textOf(value driver.Value) string {
	if bytes, ok := value.([]byte); ok {
		return string(bytes)
	}
	return fmt.Sprint(value)
}

// mysqlConn is what database/sql uses of the driver's connection.
type mysqlConn interface {
	driver.Conn
	driver.Pinger
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type searchConn struct {
	mysqlConn
	id        string // at the server
	connector *searchConnector
}

// QueryContext returns only when the server has stopped, or has been told to stop.
func (c *searchConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		c.kill()
	})
	rows, err := c.mysqlConn.QueryContext(ctx, query, args)
	if !stop() {
		<-killed
	}
	return rows, err
}

func (c *searchConn) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	if _, err := c.connector.others.ExecContext(ctx, "KILL QUERY "+c.id); err != nil {
		c.connector.log.Debug("a search whose client has gone runs on", "error", err)
	}
}
