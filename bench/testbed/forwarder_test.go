//go:build unix

package testbed

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// If the forwarder let bytes through or refused connections, the fault "black-holed"
// would test something else.
func TestForwarderSwallows(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	f, err := NewForwarder("127.0.0.1:0", echo.Addr().String())
	require.NoError(t, err)
	defer f.Close()

	dial := func() net.Conn {
		conn, err := net.Dial("tcp", f.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	say := func(conn net.Conn, wait time.Duration) error {
		require.NoError(t, conn.SetDeadline(time.Now().Add(wait)))
		_, err := conn.Write([]byte("x"))
		require.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, 1))
		return err
	}
	old := dial()
	require.NoError(t, say(old, 10*time.Second))

	f.Swallow(true)
	for _, conn := range []net.Conn{old, dial()} {
		assert.ErrorIs(t, say(conn, 100*time.Millisecond), os.ErrDeadlineExceeded, "the connection stays open")
	}

	f.Swallow(false)
	require.NoError(t, old.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = old.Read(make([]byte, 1))
	require.Error(t, err)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "connections with missing bytes are closed")
	assert.NoError(t, say(dial(), 10*time.Second))
}
