package application

import (
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/config"
)

var quiet = slog.New(slog.DiscardHandler)

// settings are those of a shop on free ports whose Kafka is away.
func settings(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.ParseDefault()
	require.NoError(t, err)
	c.App.DataDir, c.App.Listen, c.App.Port, c.App.OpsListen = t.TempDir(), "127.0.0.1", 0, "127.0.0.1:0"
	c.MQ.Brokers = []string{"127.0.0.1:1"}
	return c
}

// If a part can't be opened, the error says so and the others are closed.
func TestAPartThatCannotBeOpened(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, c *config.Config)
		want  string
	}{
		"port taken": {func(_ *testing.T, c *config.Config) { c.App.Port = taken.Addr().(*net.TCPAddr).Port },
			"another program listens on " + taken.Addr().String() + " (app.listen, app.port): set app.port to a free port, or to 0 for any"},
		"ops port taken": {func(_ *testing.T, c *config.Config) { c.App.OpsListen = taken.Addr().String() },
			"another program listens on " + taken.Addr().String() + ` (app.ops_listen): name another address, or "" for no metrics`},
		"no such interface": {func(_ *testing.T, c *config.Config) { c.App.Listen = "192.0.2.1" }, "app.listen, app.port: listen tcp 192.0.2.1:0: "},
		"folder in use": {func(t *testing.T, c *config.Config) {
			unlock, err := lockDataDir(c.App.DataDir)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, unlock()) })
		}, "another shop runs on the folder"},
		"spool in use": {func(t *testing.T, c *config.Config) {
			other, err := OpenEvents(SpoolDir(c), c, quiet)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, other.Close(t.Context())) })
		}, "each shop needs an app.data_dir of its own"},
		"no templates": {func(_ *testing.T, c *config.Config) { c.App.TemplatesPattern = "none/*.html" }, "app.templates_pattern"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := settings(t)
			c.spoil(t, settings)
			_, err := NewWireHelper(t.Context(), settings, false, quiet, Parts{})
			require.ErrorContains(t, err, c.want)
			if name == "spool in use" {
				return
			}
			events, err := OpenEvents(SpoolDir(settings), settings, quiet)
			require.NoError(t, err, "the spool is closed")
			assert.NoError(t, events.Close(t.Context()))
		})
	}
}

// A process beside the shop, with the same configuration, goes without metrics. Any other address
// that can't be had is an error.
func TestMetricsOfAProcessBesideTheShop(t *testing.T) {
	c, log := settings(t), &testbed.Output{}
	first, stop, err := serveOps(c, nil, quiet)
	require.NoError(t, err)
	c.App.OpsListen = first
	none, stopNothing, err := serveOps(c, nil, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	assert.Empty(t, none)
	stopNothing()
	assert.Contains(t, log.String(), "this process has no metrics")
	assert.Contains(t, log.String(), "another program listens on "+first)
	stop()
	again, stop, err := serveOps(c, nil, quiet)
	require.NoError(t, err)
	assert.Equal(t, first, again, "it can be had again")
	stop()
	c.App.OpsListen = "192.0.2.1:1"
	_, _, err = serveOps(c, nil, quiet)
	assert.ErrorContains(t, err, "app.ops_listen")
}
