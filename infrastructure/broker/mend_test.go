//go:build unix

package broker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// abortedTransaction sends a record in a transaction and aborts it.
func abortedTransaction(t *testing.T, addr, topic, value string) {
	t.Helper()
	config := saramaConfig()
	config.Producer.Transaction.ID = "transactions"
	producer, err := sarama.NewSyncProducer([]string{addr}, config)
	require.NoError(t, err)
	defer producer.Close()
	require.NoError(t, producer.BeginTxn())
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)})
	require.NoError(t, err)
	require.NoError(t, producer.AbortTxn())
}

// Records written after a torn write survive the next crash.
func TestTornWrites(t *testing.T) {
	opts := Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	kill := func(work func(addr string)) {
		child, _, r := startProcess(t, ChildCommand, opts)
		work(r.Addr)
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait())
	}
	kill(func(addr string) {
		createTopic(t, addr, "numbers")
		client := connect(t, addr)
		produce(t, client, "numbers", time.Now(), "0", "1", "2")
		commitOffset(t, client, "readers", "numbers", 1)
		abortedTransaction(t, addr, "numbers", "aborted")
	})
	tear := func(name string, size func(int64) int64) {
		path := filepath.Join(opts.Dir, name)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(path, size(info.Size())))
	}
	longer := func(size int64) int64 { return size + 13 }
	tear("groups.log", longer)
	tear("pids.log", longer)
	// The index lacks one entry of the transaction and a part of the other.
	tear("partitions/numbers-0/0.idx", func(size int64) int64 { return size - 2*15 + 7 })
	kill(func(addr string) {
		client := connect(t, addr)
		commitOffset(t, client, "readers", "numbers", 2)
		produce(t, client, "numbers", time.Now(), "3")
		abortedTransaction(t, addr, "numbers", "aborted")
		produce(t, client, "numbers", time.Now(), "4")
	})
	kill(func(addr string) {
		config := saramaConfig()
		config.Consumer.IsolationLevel = sarama.ReadCommitted
		client, err := sarama.NewClient([]string{addr}, config)
		require.NoError(t, err)
		defer client.Close()
		require.Equal(t, []string{"0", "1", "2", "3", "4"}, consume(t, client, "numbers"))
		require.Equal(t, int64(2), committedOffset(t, client, "readers", "numbers"))
		abortedTransaction(t, addr, "numbers", "aborted") // the broker still knows the producer
	})
}
