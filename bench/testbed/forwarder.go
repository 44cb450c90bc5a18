//go:build unix

package testbed

import (
	"net"
	"sync"
)

// Forwarder copies bytes between its address and another. When it swallows, connections
// stay open, new ones are accepted, and no byte arrives on either side, like a network
// that silently drops packets. Its methods may be called concurrently.
type Forwarder struct {
	net.Listener
	target string

	mu      sync.Mutex
	swallow bool
	conns   []net.Conn
}

// NewForwarder listens at one address and forwards to target until it is closed.
func NewForwarder(listen, target string) (*Forwarder, error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	f := &Forwarder{Listener: listener, target: target}
	go f.serve()
	return f, nil
}

func (f *Forwarder) serve() {
	for {
		client, err := f.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", f.target)
		if err != nil {
			client.Close()
			continue
		}
		f.mu.Lock()
		f.conns = append(f.conns, client, server)
		f.mu.Unlock()
		go f.carry(client, server)
		go f.carry(server, client)
	}
}

func (f *Forwarder) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if f.swallows() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (f *Forwarder) swallows() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.swallow
}

// Swallow starts or stops swallowing. When it stops, it closes every connection,
// because bytes are missing in them.
func (f *Forwarder) Swallow(swallow bool) {
	f.mu.Lock()
	f.swallow = swallow
	f.mu.Unlock()
	if !swallow {
		f.Cut()
	}
}

// Cut closes every connection, even in the middle of a message. New ones are accepted.
func (f *Forwarder) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		conn.Close()
	}
	f.conns = nil
}
