package application

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/spool"
)

// stuck is a topic that takes nothing.
type stuck struct{ spool.Broker }

func (stuck) Partitions(ctx context.Context) (int32, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// Trouble with one topic holds up neither the other one nor the stop.
func TestTroubleWithOneTopicHoldsNothingUp(t *testing.T) {
	for _, trouble := range []string{"clicks", "searches"} {
		t.Run(trouble, func(t *testing.T) {
			c := settings(t)
			c.MQ.OnFull = "refuse"
			brokers := []string{mqtest.Embedded(t, t.TempDir(), "127.0.0.1:0")}
			c.MQ.TopicPrefix = mqtest.NewTopic() + "."
			broken, sound := clickStream(c), searchStream(c)
			if trouble == "searches" {
				broken, sound = sound, broken
			}
			replace := func(real spool.Broker, _ []string, topic string) spool.Broker {
				if topic == broken.topic {
					return stuck{real}
				}
				return real
			}
			waiting, err := openEvents(broken, c, brokers, quiet, replace)
			require.NoError(t, err)
			moving, err := openEvents(sound, c, brokers, quiet, replace)
			require.NoError(t, err)
			assert.Equal(t, spool.Topic(broken.dir), broken.topic, "the folder names its topic")
			for range 10 {
				for _, e := range []*Events{waiting, moving} {
					ok, err := e.SendEvent("k", []byte("[]"))
					require.NoError(t, err)
					require.True(t, ok)
				}
			}
			bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			require.NoError(t, moving.Empty(bounded))
			records := mqtest.Read(t, brokers, sound.topic, 10)
			assert.Equal(t, trouble == "searches", strings.HasSuffix(records[0].Header("ce_source"), "/clicks"))
			assert.EqualValues(t, 10, waiting.EventStats().Waiting)

			registry := prometheus.NewRegistry()
			require.NoError(t, registry.Register(waiting))
			require.NoError(t, registry.Register(moving), "metrics of two spools don't collide")
			_, err = registry.Gather()
			require.NoError(t, err)
			ended, end := context.WithCancel(t.Context())
			end()
			require.NoError(t, closeAll(ended, waiting, moving, nil))
		})
	}
}

func TestAFolderNamesItsTopic(t *testing.T) {
	c := settings(t)
	c.MQ.TopicPrefix = "shop."
	named := func(folder, topic string) string {
		dir := filepath.Join(t.TempDir(), folder)
		require.NoError(t, os.Mkdir(dir, 0o700))
		if topic != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "partitions.json"), []byte(`{"topic":"`+topic+`","partitions":3}`), 0o600))
		}
		return dir
	}
	for dir, clicks := range map[string]bool{
		SpoolDir(c): false, ClickSpoolDir(c): true, named("spool", ""): false, named("spool-clicks", ""): true,
		named("backup", "shop.lr-book-clicks"): true, named("backup", "lr-book-clicks"): true, named("spool-clicks", "shop.lr-book-searches"): false,
		named("backup", "shop.lr-book-searches"): false, named("backup", "renamed"): false,
	} {
		want := searchStream(c)
		if clicks {
			want = clickStream(c)
		}
		want.dir = dir
		assert.Equal(t, want, streamIn(dir, c))
	}
	c.MQ.TopicPrefix, c.MQ.Topic = "", "my-lr-book-clicks"
	assert.Equal(t, "my-lr-book-clicks", streamIn(named("backup", "my-lr-book-clicks"), c).topic)
}

// A click that finds no space is lost, even if searches would be refused then.
func TestClicksAreNeverRefused(t *testing.T) {
	c := settings(t)
	c.MQ.OnFull = "refuse"
	for _, s := range []stream{searchStream(c), clickStream(c)} {
		e, err := openEvents(s, c, []string{"127.0.0.1:1"}, quiet, nil)
		require.NoError(t, err)
		require.NoError(t, e.Close(t.Context()))
		_, err = e.SendEvent("k", []byte("[]")) // as if it were full
		want := mq.ErrRefused
		if s.name == clicksName {
			want = mq.ErrLost
			assert.EqualValues(t, 1, e.EventStats().Lost)
		}
		assert.ErrorIs(t, err, want)
	}
}
