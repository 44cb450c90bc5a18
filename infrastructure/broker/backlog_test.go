//go:build unix

package broker

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// position is the place of a record in a topic.
type position struct {
	partition int32
	offset    int64
}

// reader reads count records of a topic with some client, or a few more, and stops
// properly. With a group it continues where the group stopped, and commits. Without a
// group it reads from the beginning.
type reader func(t *testing.T, brokers, topic, group string, count int) []position

// backlogClients are the clients in the table of docs/consuming.md.
var backlogClients = map[string]reader{
	"kafka-console-consumer":          consoleConsumer("classic"),
	"kafka-console-consumer, KIP-848": consoleConsumer("consumer"),
	"kafka-python": func(t *testing.T, brokers, topic, group string, count int) []position {
		return printed(t, python(t, "TEST_KAFKA_PYTHON", "read_kafka_python.py", brokers, topic, group, strconv.Itoa(count)))
	},
	"confluent-kafka": func(t *testing.T, brokers, topic, group string, count int) []position {
		return printed(t, python(t, "TEST_CONFLUENT_PYTHON", "read_confluent.py", brokers, topic, group, strconv.Itoa(count)))
	},
	"kafkajs": func(t *testing.T, brokers, topic, group string, count int) []position {
		return printed(t, node(t, "read_kafkajs.js", brokers, topic, group, strconv.Itoa(count)))
	},
	"kcat":     kcat,
	"franz-go": franzGo,
	"sarama":   readWithSarama,
}

// Each client reads a backlog of more than 5 MB on three partitions: from the beginning,
// and in a group that stops in the middle and continues.
func TestClientsReadBacklogs(t *testing.T) {
	t.Parallel()
	const topic, partitions, records = "searches", 3, 900
	const total = partitions * records
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	backlog(t, addr, topic, partitions, repeated(records, 2_000)...)
	t.Cleanup(func() { require.Zero(t, log.count("exited unexpectedly")) })
	for client, read := range backlogClients {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			require.Len(t, once(t, read(t, addr, topic, "", total)), total)

			first := once(t, read(t, addr, topic, client, total/2))
			committed := committedOffsets(t, addr, client, topic, partitions)
			rest := total
			for partition, offset := range committed {
				rest -= int(offset)
				for lost := range offset {
					require.Contains(t, first, position{int32(partition), lost}, "committed, but never read")
				}
			}
			require.Positive(t, rest, "it didn't stop in the middle")
			require.Less(t, rest, total, "it committed nothing")
			second := once(t, read(t, addr, topic, client, rest))
			require.Len(t, second, rest)
			for p := range second {
				first[p] = true
			}
			require.Len(t, first, total)
		})
	}
}

// docs/consuming.md lists these clients, in the versions that the tests use.
func TestClientsAreDocumented(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		content, err := os.ReadFile(filepath.Join("../..", file))
		require.NoError(t, err)
		return string(content)
	}
	versions := read("go.mod") + read("deploy/test/install.sh") + read("deploy/test/kafka-jars.xml")
	documented := make(map[string]string)
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z-]+) \| (\d+\.\d+\.\d+) \|`).FindAllStringSubmatch(read("docs/consuming.md"), -1) {
		documented[row[1]] = row[2]
	}
	for client := range backlogClients {
		client, _, _ = strings.Cut(client, ",")
		require.Contains(t, documented, client)
		if client != "kcat" { // Debian's
			require.Contains(t, versions, documented[client], client)
		}
	}
}

// once returns a set of positions, none of which may come twice.
func once(t *testing.T, read []position) map[position]bool {
	t.Helper()
	set := make(map[position]bool)
	for _, p := range read {
		require.False(t, set[p], "%v came twice", p)
		set[p] = true
	}
	return set
}

func committedOffsets(t *testing.T, addr, group, topic string, partitions int32) (offsets []int64) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer admin.Close()
	committed, err := admin.ListConsumerGroupOffsets(group, nil)
	require.NoError(t, err)
	for partition := range partitions {
		block := committed.GetBlock(topic, partition)
		if block == nil {
			offsets = append(offsets, 0)
			continue
		}
		offsets = append(offsets, max(0, block.Offset))
	}
	return offsets
}

var printedPosition = regexp.MustCompile(`(?m)^(?:Partition:)?(\d+)\s(?:Offset:)?(\d+)$`)

// printed runs a program that prints a line for each record that it read.
func printed(t *testing.T, cmd *exec.Cmd) (read []position) {
	t.Helper()
	for _, match := range printedPosition.FindAllStringSubmatch(output(t, cmd), -1) {
		partition, err := strconv.ParseInt(match[1], 10, 32)
		require.NoError(t, err)
		offset, err := strconv.ParseInt(match[2], 10, 64)
		require.NoError(t, err)
		read = append(read, position{int32(partition), offset})
	}
	return read
}

func consoleConsumer(protocol string) reader {
	return func(t *testing.T, brokers, topic, group string, count int) []position {
		args := []string{"--bootstrap-server", brokers, "--topic", topic, "--from-beginning", "--max-messages", strconv.Itoa(count),
			"--timeout-ms", "60000", "--property", "print.partition=true", "--property", "print.offset=true", "--property", "print.value=false",
			"--consumer-property", "group.protocol=" + protocol}
		if group != "" {
			args = append(args, "--group", group)
		}
		return printed(t, java(t, "org.apache.kafka.tools.consumer.ConsoleConsumer", args...))
	}
}

func kcat(t *testing.T, brokers, topic, group string, count int) []position {
	if _, err := exec.LookPath("kcat"); err != nil {
		t.Skip("kcat is not installed")
	}
	args := []string{"-b", brokers, "-c", strconv.Itoa(count), "-f", "%p %o\n"}
	if group == "" {
		args = append(args, "-C", "-o", "beginning", "-t", topic)
	} else {
		args = append(args, "-X", "auto.offset.reset=earliest", "-G", group, topic)
	}
	return printed(t, exec.Command("kcat", args...))
}

func franzGo(t *testing.T, brokers, topic, group string, count int) (read []position) {
	opts := []kgo.Opt{kgo.SeedBrokers(brokers), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	if group != "" {
		opts = append(opts, kgo.ConsumerGroup(group))
	}
	client, err := kgo.NewClient(opts...)
	require.NoError(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(read) < count {
		fetches := client.PollRecords(ctx, count-len(read))
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) { read = append(read, position{r.Partition, r.Offset}) })
	}
	if group != "" {
		require.NoError(t, client.CommitUncommittedOffsets(ctx))
	}
	return read
}

func readWithSarama(t *testing.T, brokers, topic, group string, count int) (read []position) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	messages := make(chan *sarama.ConsumerMessage)
	if group == "" {
		consumer, err := sarama.NewConsumer([]string{brokers}, saramaConfig())
		require.NoError(t, err)
		defer consumer.Close()
		partitions, err := consumer.Partitions(topic)
		require.NoError(t, err)
		for _, partition := range partitions {
			claim, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
			require.NoError(t, err)
			defer claim.AsyncClose()
			go forward(ctx, claim.Messages(), messages, nil)
		}
	} else {
		config := saramaConfig()
		config.Consumer.Offsets.Initial = sarama.OffsetOldest
		consumer, err := sarama.NewConsumerGroup([]string{brokers}, group, config)
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- consumer.Consume(ctx, []string{topic}, groupHandler{messages}) }()
		defer func() {
			cancel()
			require.NoError(t, <-ended)
			require.NoError(t, consumer.Close())
		}()
	}
	for len(read) < count {
		select {
		case message := <-messages:
			read = append(read, position{message.Partition, message.Offset})
		case <-ctx.Done():
			t.Fatalf("only %d records of %d", len(read), count)
		}
	}
	return read
}

// groupHandler forwards what a member of a group reads, and marks it as read.
type groupHandler struct {
	to chan<- *sarama.ConsumerMessage
}

func (groupHandler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (groupHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h groupHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	forward(session.Context(), claim.Messages(), h.to, func(m *sarama.ConsumerMessage) { session.MarkMessage(m, "") })
	return nil
}

// forward passes messages on until ctx or from ends, and calls taken for each that was
// received.
func forward(ctx context.Context, from <-chan *sarama.ConsumerMessage, to chan<- *sarama.ConsumerMessage, taken func(*sarama.ConsumerMessage)) {
	for message := range from {
		select {
		case to <- message:
			if taken != nil {
				taken(message)
			}
		case <-ctx.Done():
			return
		}
	}
}
