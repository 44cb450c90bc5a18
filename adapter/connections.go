package adapter

import (
	"container/list"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// acceptPause is the time between two attempts to accept a connection, after one
	// failed because the process or the system has no descriptor left.
	acceptPause = 50 * time.Millisecond
	// shortageEvery is the time between two log lines about too many connections.
	shortageEvery = time.Minute
)

// connections bounds the connections of clients, so that files, the database and Kafka
// have descriptors left. At the bound it closes the connection that was idle for longest;
// one that never sent a request is idle, too. If none is idle, new ones wait in the
// system's queue.
type connections struct {
	bound int
	log   *slog.Logger

	mu     sync.Mutex
	less   *sync.Cond // there is one connection less, or one is idle
	open   map[net.Conn]*list.Element
	idle   list.List // of connections, the longest idle first
	closed bool
	logged rate.Sometimes // of too many connections
}

func newConnections(bound int, log *slog.Logger) *connections {
	c := &connections{bound: bound, log: log, open: map[net.Conn]*list.Element{}, logged: rate.Sometimes{Interval: shortageEvery}}
	c.less = sync.NewCond(&c.mu)
	return c
}

// track follows the states of a server's connections.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.open[conn]; element != nil {
		c.idle.Remove(element)
		c.open[conn] = nil
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.idle.PushBack(conn)
		c.less.Signal()
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
		c.less.Signal()
	}
}

// listener bounds what a listener accepts.
func (c *connections) listener(l net.Listener) net.Listener { return &boundListener{l, c} }

type boundListener struct {
	net.Listener
	connections *connections
}

// Accept fails only after the listener was closed. Other errors are temporary.
func (l *boundListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			return conn, l.connections.admit(conn)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		l.connections.shortage(err)
		time.Sleep(acceptPause)
	}
}

func (l *boundListener) Close() error {
	l.connections.mu.Lock()
	l.connections.closed = true
	l.connections.less.Broadcast()
	l.connections.mu.Unlock()
	return l.Listener.Close()
}

// admit waits until there may be one connection more.
func (c *connections) admit(conn net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) >= c.bound && !c.closed {
		c.warn("too many connections: idle ones are closed, and new ones wait", "bound", c.bound)
		if !c.closeIdle() {
			c.less.Wait()
		}
	}
	if c.closed {
		_ = conn.Close()
		return net.ErrClosed
	}
	c.open[conn] = c.idle.PushBack(conn)
	return nil
}

// shortage closes an idle connection after the system refused to accept another one.
func (c *connections) shortage(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warn("connections can't be accepted; idle ones are closed", "error", err)
	c.closeIdle()
}

// closeIdle closes the connection that was idle for longest, and reports whether there was
// one.
func (c *connections) closeIdle() bool {
	oldest := c.idle.Front()
	if oldest == nil {
		return false
	}
	conn := c.idle.Remove(oldest).(net.Conn)
	delete(c.open, conn)
	_ = conn.Close()
	return true
}

func (c *connections) warn(message string, attributes ...any) {
	c.logged.Do(func() { c.log.Warn(message, attributes...) })
}
