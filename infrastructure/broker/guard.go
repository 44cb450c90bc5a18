package broker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// maxConnections is lower where the process may open fewer files: half of
	// them are for the log.
	maxConnections = 512
	// frameTimeout bounds how long a frame that was begun may take, and how
	// long a client may leave an answer unread.
	frameTimeout = 30 * time.Second

	// A frame is a length of four bytes and a request, whose header has at
	// least key (2), version (2), correlation id (4) and client id (2).
	lengthSize = 4
	minRequest = 10
	// Room for many partitions' batches in one produce request.
	maxProduceRequest = 16 << 20
	// All others are small. What is read from one takes up to fifty times its
	// size.
	maxRequest = 256 << 10
	// A request larger than smallRequest takes one of few places, so that
	// memory is bounded whatever clients announce and however slowly they send.
	smallRequest     = 64 << 10
	maxLargeRequests = 4
)

// guard stands between the network and kfake, which trusts what it reads: it
// allocates whatever a length says, panics at an API key that it doesn't know,
// and stops listening at the first failed accept.
type guard struct {
	net.Listener
	advertised net.Addr
	latest     map[int16]int16 // newest version by API key
	bound      int             // of connections
	large      chan struct{}   // places of large requests
	timeout    time.Duration
	log        *slog.Logger
	closed     chan struct{}
	closeOnce  sync.Once

	mu       sync.Mutex
	conns    map[*guardedConn]struct{}
	accepted uint64
}

func newGuard(listener net.Listener, advertised net.Addr, log *slog.Logger) *guard {
	g := &guard{
		Listener:   listener,
		advertised: advertised,
		latest:     make(map[int16]int16),
		bound:      max(1, min(maxConnections, maxFiles()/2)),
		large:      make(chan struct{}, maxLargeRequests),
		conns:      make(map[*guardedConn]struct{}),
		timeout:    frameTimeout,
		log:        log,
		closed:     make(chan struct{}),
	}
	servedVersions().EachMaxKeyVersion(func(key, version int16) { g.latest[key] = version })
	return g
}

// Addr returns the advertised address, which kfake tells its clients.
func (g *guard) Addr() net.Addr { return g.advertised }

func (g *guard) Close() error {
	g.closeOnce.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

// Accept fails only once the listener is closed. Running out of file handles
// passes, and so do clients that are gone before their turn.
func (g *guard) Accept() (net.Conn, error) {
	var pause time.Duration
	for {
		conn, err := g.Listener.Accept()
		if err == nil {
			return g.admit(conn), nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if pause == 0 {
			g.log.Warn("broker: can't accept a connection, trying on", "error", err)
		}
		pause = min(max(5*time.Millisecond, 2*pause), time.Second)
		select {
		case <-time.After(pause):
		case <-g.closed:
			return nil, net.ErrClosed
		}
	}
}

// admit takes a connection over. Above the bound it closes the one that was
// idle for longest, first of all those that never sent a request: thousands of
// connections that do nothing don't keep a client out.
func (g *guard) admit(conn net.Conn) *guardedConn {
	c := &guardedConn{Conn: conn, guard: g, in: bufio.NewReader(conn)}
	var idlest *guardedConn
	g.mu.Lock()
	if len(g.conns) >= g.bound {
		for other := range g.conns {
			if idlest == nil || other.idler(idlest) {
				idlest = other
			}
		}
	}
	g.accepted++
	c.number = g.accepted
	g.conns[c] = struct{}{}
	g.mu.Unlock()
	if idlest != nil {
		g.log.Debug("broker: too many connections", "closed", idlest.RemoteAddr(), "bound", g.bound)
		idlest.Close()
	}
	return c
}

// check tells what is wrong with a request by the start of its header.
func (g *guard) check(size int32, key, version int16) error {
	latest, known := g.latest[key]
	switch {
	case !known:
		return fmt.Errorf("API key %d is not served", key)
	case key != int16(kmsg.Produce) && size > maxRequest:
		return fmt.Errorf("a request of %d bytes with API key %d", size, key)
	case version < 0:
		return fmt.Errorf("version %d of API key %d", version, key)
	case version > latest && key != int16(kmsg.ApiVersions): // that one is how clients find out
		return fmt.Errorf("version %d of API key %d, of which %d is the latest", version, key, latest)
	}
	return nil
}

// guardedConn passes whole, checked frames on. A Read fails for good at the
// first frame that kfake must not see, and kfake closes the connection then.
type guardedConn struct {
	net.Conn
	guard  *guard
	in     *bufio.Reader
	buffer []byte // of small frames
	frame  []byte // what is left of the current one

	number uint64       // in the order of being accepted
	used   atomic.Int64 // when a frame last came or went, 0 before the first
	large  atomic.Bool  // the current frame has a large one's place
	closed atomic.Bool
}

func (c *guardedConn) idler(other *guardedConn) bool {
	if mine, others := c.used.Load(), other.used.Load(); mine != others {
		return mine < others
	}
	return c.number < other.number
}

// Read is called again when kfake is done with the last frame.
func (c *guardedConn) Read(p []byte) (int, error) {
	if len(c.frame) == 0 {
		c.leaveLarge()
		frame, err := c.nextFrame()
		if err != nil {
			return 0, err
		}
		c.frame = frame
		c.used.Store(time.Now().UnixNano())
	}
	n := copy(p, c.frame)
	if c.frame = c.frame[n:]; len(c.frame) == 0 {
		c.frame = nil // lets go of a large one
	}
	return n, nil
}

// nextFrame waits without bound for a frame to begin: clients keep idle
// connections.
func (c *guardedConn) nextFrame() ([]byte, error) {
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(c.guard.timeout)); err != nil {
		return nil, err
	}
	length, err := c.in.Peek(lengthSize)
	if err != nil {
		return nil, err
	}
	size := int32(binary.BigEndian.Uint32(length))
	if size < minRequest || size > maxProduceRequest {
		return nil, c.refuse(fmt.Errorf("a request of %d bytes", size))
	}
	header, err := c.in.Peek(lengthSize + minRequest)
	if err != nil {
		return nil, err
	}
	key := int16(binary.BigEndian.Uint16(header[4:]))
	version := int16(binary.BigEndian.Uint16(header[6:]))
	if err := c.guard.check(size, key, version); err != nil {
		return nil, c.refuse(err)
	}
	frame, err := c.room(lengthSize + int(size))
	if err != nil {
		return nil, c.refuse(err)
	}
	if _, err := io.ReadFull(c.in, frame); err != nil {
		return nil, err
	}
	if err := follow(frame); err != nil {
		return nil, c.refuse(err)
	}
	if frame, err = tame(frame, c.guard.log); err != nil {
		return nil, c.refuse(err)
	}
	return frame, nil
}

// room returns a buffer for a frame, for a large one as soon as there is a
// place.
func (c *guardedConn) room(size int) ([]byte, error) {
	if size <= smallRequest {
		if cap(c.buffer) < size {
			c.buffer = make([]byte, size)
		}
		return c.buffer[:size], nil
	}
	select {
	case c.guard.large <- struct{}{}:
	case <-time.After(c.guard.timeout):
		return nil, fmt.Errorf("a request of %d bytes found no place", size)
	}
	c.large.Store(true)
	if c.closed.Load() { // meanwhile, or the place would never be left
		c.leaveLarge()
		return nil, net.ErrClosed
	}
	return make([]byte, size), c.SetReadDeadline(time.Now().Add(c.guard.timeout))
}

func (c *guardedConn) leaveLarge() {
	if c.large.Swap(false) {
		<-c.guard.large
	}
}

// refuse is quiet: a port scanner must not fill the log.
func (c *guardedConn) refuse(err error) error {
	c.guard.log.Debug("broker: refused a request", "client", c.RemoteAddr(), "error", err)
	return err
}

func (c *guardedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.guard.timeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	c.used.Store(time.Now().UnixNano())
	return n, err
}

func (c *guardedConn) Close() error {
	c.guard.mu.Lock()
	delete(c.guard.conns, c)
	c.guard.mu.Unlock()
	c.closed.Store(true)
	c.leaveLarge()
	return c.Conn.Close()
}
