//go:build unix

package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// Clients in other languages can use topics, keyed records, groups of two members
// with a rebalance, stored offsets and transactions. If there is an Apache Kafka, it
// confirms that the scripts use nothing specific to the embedded broker.
func TestClients(t *testing.T) {
	scripts, err := filepath.Abs("testdata/clients")
	require.NoError(t, err)
	clients := map[string]func(t *testing.T) *exec.Cmd{
		"kafkajs": func(t *testing.T) *exec.Cmd {
			dir := os.Getenv("TEST_KAFKAJS_DIR")
			if dir == "" {
				t.Skip("TEST_KAFKAJS_DIR names no folder with kafkajs in its node_modules")
			}
			cmd := exec.Command("node", filepath.Join(scripts, "kafkajs.js"))
			cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
			return cmd
		},
		"confluent-kafka": func(t *testing.T) *exec.Cmd {
			python := os.Getenv("TEST_CONFLUENT_PYTHON")
			if python == "" {
				t.Skip("TEST_CONFLUENT_PYTHON names no python that has confluent-kafka")
			}
			return exec.Command(python, filepath.Join(scripts, "confluent.py"))
		},
	}
	for client, command := range clients {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			t.Run("embedded", func(t *testing.T) {
				t.Parallel()
				cmd := command(t)
				addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
				runClient(t, cmd, addr)
				require.Zero(t, log.count("exited unexpectedly"))
			})
			t.Run("Kafka", func(t *testing.T) {
				t.Parallel()
				cmd := command(t)
				brokers := os.Getenv("TEST_KAFKA_BROKERS")
				if brokers == "" {
					t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
				}
				runClient(t, cmd, brokers)
			})
		})
	}
}

// runClient runs a client's script. It compares the partitions in which the script
// found its keys with sarama's.
func runClient(t *testing.T, cmd *exec.Cmd, brokers string) {
	t.Helper()
	name := fmt.Sprintf("clients-%d", time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	timed := exec.CommandContext(ctx, cmd.Path, append(cmd.Args[1:], brokers, name)...)
	var stderr bytes.Buffer
	timed.Env, timed.Stderr = cmd.Env, &stderr
	output, err := timed.Output()
	require.NoError(t, err, "%s", &stderr)
	var partitions map[string]int32
	require.NoError(t, json.Unmarshal(output, &partitions), "%s", output)
	require.GreaterOrEqual(t, len(partitions), 8)
	for key, got := range partitions {
		want, err := sarama.NewMurmur2Partitioner(name).Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, 3)
		require.NoError(t, err)
		require.Equal(t, want, got, key)
	}
}
