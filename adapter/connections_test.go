package adapter

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
)

// brokenListener fails a few times, as a process without descriptors does.
type brokenListener struct {
	net.Listener
	failures int
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, &net.OpError{Op: "accept", Err: errors.New("too many open files")}
	}
	return l.Listener.Accept()
}

// bounded serves with at most that number of connections. A request for /wait takes
// something from waiting, and is answered when that is closed.
func bounded(t *testing.T, bound, failures int) (address string, waiting chan struct{}, log *testbed.Output) {
	t.Helper()
	log = &testbed.Output{}
	c := newConnections(bound, slog.New(slog.NewTextHandler(log, nil)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	waiting = make(chan struct{})
	server := &http.Server{ConnState: c.track, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-waiting
			<-waiting
		}
		_, _ = io.WriteString(w, "ok")
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(c.listener(&brokenListener{listener, failures})) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return listener.Addr().String(), waiting, log
}

// client is one connection.
type client struct {
	net.Conn
	in *bufio.Reader
}

func connect(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return &client{conn, bufio.NewReader(conn)}
}

func (c *client) ask(t *testing.T, path string) {
	t.Helper()
	_, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
}

func (c *client) answered(t *testing.T) {
	t.Helper()
	response, err := http.ReadResponse(c.in, nil)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "ok", string(body))
}

func TestIdleConnectionsMakeRoom(t *testing.T) {
	address, _, log := bounded(t, 3, 0)
	var clients []*client
	for range 6 {
		c := connect(t, address)
		c.ask(t, "/")
		c.answered(t)
		clients = append(clients, c)
	}
	for i, c := range clients[:3] {
		_, err := c.in.ReadByte()
		assert.ErrorIs(t, err, io.EOF, "connection %d was idle for longest", i)
	}
	for _, c := range clients[3:] {
		c.ask(t, "/")
		c.answered(t)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "too many connections"), log.String())
}

func TestSilentConnectionsMakeRoom(t *testing.T) {
	address, _, _ := bounded(t, 3, 0)
	for range 10 {
		connect(t, address)
	}
	c := connect(t, address)
	c.ask(t, "/")
	c.answered(t)
}

func TestBusyConnectionsStay(t *testing.T) {
	address, waiting, _ := bounded(t, 2, 0)
	var busy []*client
	for range 2 {
		c := connect(t, address)
		c.ask(t, "/wait")
		waiting <- struct{}{} // its request has begun
		busy = append(busy, c)
	}
	late := connect(t, address)
	late.ask(t, "/")
	close(waiting)
	for _, c := range append(busy, late) {
		c.answered(t)
	}
}

func TestNoDescriptors(t *testing.T) {
	address, _, log := bounded(t, 10, 3)
	c := connect(t, address)
	c.ask(t, "/")
	c.answered(t)
	assert.Equal(t, 1, strings.Count(log.String(), "too many open files"), log.String())
}
