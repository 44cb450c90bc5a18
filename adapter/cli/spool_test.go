package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/spool"
)

// An interrupted drain tells what is really left.
func TestInterruptedDrainSendsNoMore(t *testing.T) {
	const events, topic = 2500, "interrupted"
	dir := t.TempDir()
	spoolDir := spoolDir{filepath.Join(dir, "spool")}
	nobody, err := mq.NewProducer([]string{"127.0.0.1:1"}, topic)
	require.NoError(t, err)
	defer nobody.Close()
	spool, err := spool.Open(spoolDir.Dir, nobody, nobody, spool.Options{Topic: topic})
	require.NoError(t, err)
	ended, end := context.WithCancel(t.Context())
	end()
	for n := range events {
		_, err := spool.SendEvent(fmt.Sprint(n), []byte("[]"))
		require.NoError(t, err)
	}
	require.NoError(t, spool.Close(ended))

	t.Setenv("EVENT_BOOKS_MQ_BROKERS", mqtest.Embedded(t, filepath.Join(dir, "kafka"), "127.0.0.1:0"))
	t.Setenv("EVENT_BOOKS_MQ_TOPIC", topic)

	var out strings.Builder
	interrupted := &shell{Streams: Streams{Out: &out, Err: io.Discard}, ctx: ended}
	assert.ErrorContains(t, spoolDrainCommand{spoolDir: spoolDir}.Run(interrupted), "interrupted")
	folders, err := spoolDir.look(nil)
	require.NoError(t, err)
	status := folders[0].status
	if status.Events > 0 { // or the first batches were sent before it looked
		assert.Contains(t, out.String(), fmt.Sprintf("still waiting: %d\n", status.Events))
	} else {
		assert.NotContains(t, out.String(), "still waiting")
	}

	out.Reset()
	patient := &shell{Streams: Streams{Out: &out, Err: io.Discard}, ctx: t.Context()}
	require.NoError(t, spoolDrainCommand{spoolDir: spoolDir}.Run(patient))
	assert.Equal(t, fmt.Sprintf("delivered:     %d\n", status.Events), out.String())
}
