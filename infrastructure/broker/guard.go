package broker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
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
	// All others are small. Reading one can take two hundred times its size,
	// since arrays are allocated by their announced length.
	maxRequest = 1 << 20
)

// guard stands between the network and kfake, which trusts what it reads: it
// allocates whatever a length says, panics at an API key that it doesn't know,
// and stops listening at the first failed accept.
type guard struct {
	net.Listener
	advertised net.Addr
	latest     map[int16]int16 // newest version by API key
	places     chan struct{}
	timeout    time.Duration
	log        *slog.Logger
	closed     chan struct{}
	closeOnce  sync.Once
}

func newGuard(listener net.Listener, advertised net.Addr, log *slog.Logger) *guard {
	g := &guard{
		Listener:   listener,
		advertised: advertised,
		latest:     make(map[int16]int16),
		places:     make(chan struct{}, maxConnections),
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
// passes, and so do clients that are gone before their turn. A client above
// the bound finds its connection closed.
func (g *guard) Accept() (net.Conn, error) {
	var pause time.Duration
	for {
		conn, err := g.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			if pause == 0 {
				g.log.Warn("broker: can't accept a connection, trying on", "error", err)
			}
			pause = min(max(5*time.Millisecond, 2*pause), time.Second)
			select {
			case <-time.After(pause):
			case <-g.closed:
				return nil, net.ErrClosed
			}
			continue
		}
		select {
		case g.places <- struct{}{}:
			return newGuardedConn(g, conn), nil
		default:
			g.log.Debug("broker: too many connections", "client", conn.RemoteAddr(), "bound", cap(g.places))
			conn.Close()
		}
	}
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
	guard   *guard
	in      *bufio.Reader
	frame   io.Reader // what is left of the current frame
	release sync.Once
}

// newGuardedConn takes over a connection that has a place.
func newGuardedConn(g *guard, conn net.Conn) *guardedConn {
	return &guardedConn{Conn: conn, guard: g, in: bufio.NewReader(conn), frame: bytes.NewReader(nil)}
}

func (c *guardedConn) Read(p []byte) (int, error) {
	for {
		if n, err := c.frame.Read(p); n > 0 || err != io.EOF {
			return n, err
		}
		frame, err := c.nextFrame()
		if err != nil {
			return 0, err
		}
		c.frame = frame
	}
}

// nextFrame waits without bound for a frame to begin: clients keep idle
// connections.
func (c *guardedConn) nextFrame() (io.Reader, error) {
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
	if !needsTaming(key) {
		return io.LimitReader(c.in, lengthSize+int64(size)), nil
	}
	frame := make([]byte, lengthSize+int(size))
	if _, err := io.ReadFull(c.in, frame); err != nil {
		return nil, err
	}
	if frame, err = tame(frame, c.guard.log); err != nil {
		return nil, c.refuse(err)
	}
	return bytes.NewReader(frame), nil
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
	return c.Conn.Write(p)
}

func (c *guardedConn) Close() error {
	c.release.Do(func() { <-c.guard.places })
	return c.Conn.Close()
}
