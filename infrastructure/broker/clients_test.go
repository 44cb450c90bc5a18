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

// script returns the path of a client's program.
func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata/clients", name))
	require.NoError(t, err)
	return path
}

// node returns a command that runs a program with kafkajs, or skips the test.
func node(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir := os.Getenv("TEST_KAFKAJS_DIR")
	if dir == "" {
		t.Skip("TEST_KAFKAJS_DIR names no folder with kafkajs in its node_modules")
	}
	cmd := exec.Command("node", append([]string{script(t, name)}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
	return cmd
}

// python returns a command that runs a program with the Python that the variable names,
// or skips the test.
func python(t *testing.T, variable, name string, args ...string) *exec.Cmd {
	t.Helper()
	interpreter := os.Getenv(variable)
	if interpreter == "" {
		t.Skipf("%s names no python that has its client", variable)
	}
	return exec.Command(interpreter, append([]string{script(t, name)}, args...)...)
}

// java returns a command that runs one of Kafka's tools, or skips the test.
func java(t *testing.T, class string, args ...string) *exec.Cmd {
	t.Helper()
	dir := os.Getenv("TEST_KAFKA_TOOLS")
	if jars, _ := filepath.Glob(filepath.Join(dir, "kafka-tools-*.jar")); dir == "" || len(jars) == 0 {
		t.Skip("TEST_KAFKA_TOOLS names no folder with the jars of kafka-tools")
	}
	flags := []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
		"-cp", filepath.Join(dir, "*"), class}
	return exec.Command("java", append(flags, args...)...)
}

// output runs a client's program and returns what it printed.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	timed := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	var stdout, stderr bytes.Buffer
	timed.Env, timed.Stdin, timed.Stdout, timed.Stderr = cmd.Env, cmd.Stdin, &stdout, &stderr
	require.NoError(t, timed.Run(), "%v\n%.2000s\n%.4000s", cmd.Args, &stdout, &stderr)
	return stdout.String()
}

// Clients in other languages can use topics, keyed records, groups of two members
// with a rebalance, stored offsets and transactions. If there is an Apache Kafka, it
// confirms that the scripts use nothing specific to the embedded broker.
func TestClients(t *testing.T) {
	clients := map[string]func(t *testing.T, args ...string) *exec.Cmd{
		"kafkajs": func(t *testing.T, args ...string) *exec.Cmd { return node(t, "kafkajs.js", args...) },
		"confluent-kafka": func(t *testing.T, args ...string) *exec.Cmd {
			return python(t, "TEST_CONFLUENT_PYTHON", "confluent.py", args...)
		},
	}
	for client, command := range clients {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			t.Run("embedded", func(t *testing.T) {
				t.Parallel()
				command(t) // skips
				addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
				runClient(t, command, addr)
				require.Zero(t, log.count("exited unexpectedly"))
			})
			t.Run("Kafka", func(t *testing.T) {
				t.Parallel()
				brokers := os.Getenv("TEST_KAFKA_BROKERS")
				if brokers == "" {
					t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
				}
				runClient(t, command, brokers)
			})
		})
	}
}

// runClient runs a client's script. It compares the partitions in which the script
// found its keys with sarama's.
func runClient(t *testing.T, command func(t *testing.T, args ...string) *exec.Cmd, brokers string) {
	t.Helper()
	name := fmt.Sprintf("clients-%d", time.Now().UnixNano())
	printed := output(t, command(t, brokers, name))
	var partitions map[string]int32
	require.NoError(t, json.Unmarshal([]byte(printed), &partitions), "%s", printed)
	require.GreaterOrEqual(t, len(partitions), 8)
	for key, got := range partitions {
		want, err := sarama.NewMurmur2Partitioner(name).Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, 3)
		require.NoError(t, err)
		require.Equal(t, want, got, key)
	}
}
