package mqtest

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/broker"
)

// Line is a network connection to a broker that can be black-holed.
type Line struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	open     chan struct{} // closed while bytes pass
}

// BehindLine serves a broker that clients reach through a line.
func BehindLine(t *testing.T) (line *Line, address string) {
	t.Helper()
	direct := Nowhere(t)
	line = newLine(t, direct)
	address = line.listener.Addr().String()
	_, stop := EmbeddedUntil(t, broker.Options{Dir: t.TempDir(), Listen: direct, Advertise: address})
	t.Cleanup(stop)
	return line, address
}

func newLine(t *testing.T, to string) *Line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &Line{listener: listener, to: to, open: make(chan struct{})}
	close(l.open)
	t.Cleanup(func() { listener.Close() })
	go l.serve()
	return l
}

func (l *Line) serve() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			server, err := net.Dial("tcp", l.to)
			if err != nil {
				client.Close()
				return
			}
			go l.copy(server, client)
			l.copy(client, server)
		}()
	}
}

func (l *Line) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		<-open
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Hold lets nothing through until release is called. What was held then arrives.
func (l *Line) Hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := make(chan struct{})
	l.open = open
	return sync.OnceFunc(func() { close(open) })
}
