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

// boundedServer has at most a number of connections. It answers requests for /wait when
// release is closed.
type boundedServer struct {
	*connections
	address          string
	entered, release chan struct{}
	log              *testbed.Output
}

func newBoundedServer(t *testing.T, bound, failures int) *boundedServer {
	t.Helper()
	s := &boundedServer{entered: make(chan struct{}), release: make(chan struct{}), log: &testbed.Output{}}
	s.connections = newConnections(bound, slog.New(slog.NewTextHandler(s.log, nil)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.address = listener.Addr().String()
	server := &http.Server{ConnState: s.track, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			s.entered <- struct{}{}
			<-s.release
		}
		_, _ = io.WriteString(w, "ok")
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener(&brokenListener{listener, failures})) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return s
}

// settle waits until that number of connections is idle.
func (s *boundedServer) settle(t *testing.T, idle int) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.idle.Len() == idle
	}, time.Minute, time.Millisecond)
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
	s := newBoundedServer(t, 3, 0)
	var clients []*client
	for i := range 6 {
		c := connect(t, s.address)
		c.ask(t, "/")
		c.answered(t)
		s.settle(t, min(i+1, 3))
		clients = append(clients, c)
	}
	for i, c := range clients[:3] {
		_, err := c.in.ReadByte()
		require.ErrorIs(t, err, io.EOF, "connection %d was idle for longest", i)
	}
	for _, c := range clients[3:] {
		c.ask(t, "/")
		c.answered(t)
	}
	assert.Equal(t, 1, strings.Count(s.log.String(), "too many connections"), s.log)
}

func TestSilentConnectionsMakeRoom(t *testing.T) {
	s := newBoundedServer(t, 3, 0)
	for range 10 {
		connect(t, s.address)
	}
	c := connect(t, s.address)
	c.ask(t, "/")
	c.answered(t)
}

func TestBusyConnectionsStay(t *testing.T) {
	s := newBoundedServer(t, 2, 0)
	var busy []*client
	for range 2 {
		c := connect(t, s.address)
		c.ask(t, "/wait")
		<-s.entered
		busy = append(busy, c)
	}
	late := connect(t, s.address)
	late.ask(t, "/")
	close(s.release)
	for _, c := range append(busy, late) {
		c.answered(t)
	}
}

func TestNoDescriptors(t *testing.T) {
	s := newBoundedServer(t, 10, 3)
	c := connect(t, s.address)
	c.ask(t, "/")
	c.answered(t)
	assert.Equal(t, 1, strings.Count(s.log.String(), "too many open files"), s.log)
}
