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

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/infrastructure/disk"
)

const (
	// maxConnections is lower if the process may open few files: connections get
	// half of them, and the log the other half.
	maxConnections = 512
	// frameTimeout bounds the time between the first and the last byte of a frame,
	// and the time until a client reads an answer.
	frameTimeout = 30 * time.Second

	// A frame is a length of four bytes and a request. The request's header has at
	// least a key (2), a version (2), a correlation id (4) and a client id (2).
	lengthSize = 4
	minRequest = 10
	// A produce request may hold batches for many partitions.
	maxProduceRequest = 16 << 20
	// All other requests are small. Decoding takes up to fifty times their size in
	// memory.
	maxRequest = 256 << 10
	// At most maxLargeRequests requests above smallRequest are read at a time. That
	// bounds memory, even if clients announce large requests and send them slowly.
	smallRequest     = 64 << 10
	maxLargeRequests = 4
	// maxAnswers bounds the memory of answers, in bytes. For each connection, kfake
	// keeps a buffer of the size of its largest answer.
	maxAnswers = 128 << 20
)

// guard stands between the network and kfake, which trusts its input: kfake
// allocates as many bytes as a length says, panics on unknown API keys, and stops
// listening after the first failed accept.
type guard struct {
	net.Listener
	advertised net.Addr
	latest     map[int16]int16 // latest version by API key
	bound      int             // limit of connections
	large      chan struct{}   // slots for large requests
	timeout    time.Duration
	log        *slog.Logger
	closed     chan struct{}
	closeOnce  sync.Once
	cluster    atomic.Pointer[kfake.Cluster] // nil while it starts
	folder     *folder
	lost       func(reason string) // ends the broker

	mu       sync.Mutex
	conns    map[*guardedConn]struct{}
	accepted uint64
	answers  int // the sum of the connections' largest answers, in bytes
}

func newGuard(listener net.Listener, advertised net.Addr, log *slog.Logger) *guard {
	g := &guard{
		Listener:   listener,
		advertised: advertised,
		latest:     make(map[int16]int16),
		bound:      max(1, min(maxConnections, disk.MaxFiles()/2)),
		large:      make(chan struct{}, maxLargeRequests),
		conns:      make(map[*guardedConn]struct{}),
		timeout:    frameTimeout,
		log:        log,
		closed:     make(chan struct{}),
	}
	servedVersions().EachMaxKeyVersion(func(key, version int16) { g.latest[key] = version })
	return g
}

// Addr returns the advertised address, which kfake sends to clients.
func (g *guard) Addr() net.Addr { return g.advertised }

func (g *guard) Close() error {
	g.closeOnce.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

// Accept fails only after the listener was closed. Other errors are temporary, such
// as too many open files or a client that hung up early, and Accept retries.
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
			g.log.Warn("broker: can't accept a connection, retrying", "error", err)
		}
		pause = min(max(5*time.Millisecond, 2*pause), time.Second)
		select {
		case <-time.After(pause):
		case <-g.closed:
			return nil, net.ErrClosed
		}
	}
}

// admit adds a connection. Above the limit it closes the connection that was idle
// for longest, and prefers those that never sent a request. Thousands of idle
// connections can't keep a client out.
func (g *guard) admit(conn net.Conn) *guardedConn {
	c := &guardedConn{Conn: conn, guard: g, in: bufio.NewReader(conn)}
	var idlest *guardedConn
	g.mu.Lock()
	if len(g.conns) >= g.bound {
		idlest = g.idlest(func(*guardedConn) bool { return true })
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

// idlest returns the connection that was idle for longest, or nil. The caller holds
// the lock.
func (g *guard) idlest(eligible func(*guardedConn) bool) (idlest *guardedConn) {
	for c := range g.conns {
		if eligible(c) && (idlest == nil || c.idler(idlest)) {
			idlest = c
		}
	}
	return idlest
}

// noteAnswer adds the size of an answer before it is written. Above maxAnswers it closes
// other connections that had large answers, those that were idle for longest first.
func (g *guard) noteAnswer(c *guardedConn, size int) {
	g.mu.Lock()
	if _, open := g.conns[c]; open && size > c.answer {
		g.answers += size - c.answer
		c.answer = size
	}
	var closing []*guardedConn
	for g.answers > maxAnswers {
		idlest := g.idlest(func(other *guardedConn) bool { return other != c && other.answer > smallRequest })
		if idlest == nil {
			break
		}
		g.remove(idlest)
		closing = append(closing, idlest)
	}
	g.mu.Unlock()
	for _, other := range closing {
		g.log.Debug("broker: too many large answers", "closed", other.RemoteAddr(), "bound", maxAnswers)
		other.Close()
	}
}

// remove forgets a connection. The caller holds the lock.
func (g *guard) remove(c *guardedConn) {
	delete(g.conns, c)
	g.answers -= c.answer
	c.answer = 0
}

// check returns an error if the start of a request's header shows that kfake must
// not see the request.
func (g *guard) check(size int32, key, version int16) error {
	latest, known := g.latest[key]
	switch {
	case !known:
		return fmt.Errorf("API key %d is not served", key)
	case key != int16(kmsg.Produce) && size > maxRequest:
		return fmt.Errorf("API key %d: a request of %d bytes is too large", key, size)
	case version < 0:
		return fmt.Errorf("API key %d: version %d is invalid", key, version)
	case version > latest && key != int16(kmsg.ApiVersions): // clients use this one to find the latest versions
		return fmt.Errorf("API key %d: version %d is newer than %d", key, version, latest)
	}
	return nil
}

// guardedConn passes on complete frames that passed all checks. At the first bad
// frame, Read fails, and so does every later Read; kfake then closes the connection.
type guardedConn struct {
	net.Conn
	guard  *guard
	in     *bufio.Reader
	buffer []byte // reused for small frames
	frame  []byte // unread rest of the current frame

	number uint64       // counts accepted connections
	answer int          // size of the largest answer; the guard's lock protects it
	used   atomic.Int64 // unix nanoseconds of the last frame in either direction; 0 before the first
	large  atomic.Bool  // the current frame holds a slot for large requests
	// expected holds the key and the version of requests whose answers the guard
	// looks at, by correlation id.
	expected sync.Map
	// member is the last request of a group's member whose answer may take long.
	member atomic.Pointer[membership]
	closed atomic.Bool
}

func (c *guardedConn) idler(other *guardedConn) bool {
	if mine, others := c.used.Load(), other.used.Load(); mine != others {
		return mine < others
	}
	return c.number < other.number
}

// Read returns bytes of the current frame. kfake calls it again when it has handled
// that frame.
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
		c.frame = nil // frees a large one
	}
	return n, nil
}

// nextFrame waits without a timeout for the first byte of a frame, because clients
// keep idle connections.
func (c *guardedConn) nextFrame() ([]byte, error) {
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if _, err := c.in.Peek(1); err != nil {
		c.awaitMembership()
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
	c.expectAnswer(frame)
	return frame, nil
}

// room returns a buffer for a frame. For a large frame it waits for a free slot.
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
		return nil, fmt.Errorf("no slot for a request of %d bytes within %s", size, c.guard.timeout)
	}
	c.large.Store(true)
	if c.closed.Load() { // closed while it waited: nobody else would free the slot
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

// refuse logs at debug level, so a port scanner can't fill the log.
func (c *guardedConn) refuse(err error) error {
	c.guard.log.Debug("broker: refused a request", "client", c.RemoteAddr(), "error", err)
	return err
}

func (c *guardedConn) Write(p []byte) (int, error) {
	c.guard.noteAnswer(c, len(p))
	if err := c.SetWriteDeadline(time.Now().Add(c.guard.timeout)); err != nil {
		return 0, err
	}
	answer, err := c.inspect(p)
	if err != nil {
		c.guard.lost(err.Error())
		return 0, err
	}
	_, err = c.Conn.Write(answer)
	c.used.Store(time.Now().UnixNano())
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *guardedConn) Close() error {
	c.guard.mu.Lock()
	c.guard.remove(c)
	c.guard.mu.Unlock()
	c.closed.Store(true)
	c.leaveLarge()
	return c.Conn.Close()
}
