//go:build unix

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

// kafka is an Apache Kafka of our own, which may be killed and frozen: one
// broker, in a folder of its own.
type kafka struct {
	libs, dir string
	// address is the broker's. Who asks at behind is told to come to the
	// forwarder's address from then on.
	address, behind string
	process         *process // nil while it is stopped
	log             *os.File
}

// newKafka writes the configuration and formats the storage. It uses four
// ports: the broker's, the one behind the forwarder, the controller's, and the
// forwarder's. They are fixed: a port that the system chose for an earlier
// connection could be given to somebody else while Kafka is down.
func newKafka(ctx context.Context, libs, dir string, port int, forwarder string) (*kafka, error) {
	local := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	k := &kafka{libs: libs, dir: dir, address: local(port), behind: local(port + 1)}
	controller := local(port + 2)
	for _, address := range []string{k.address, k.behind, controller} {
		free, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("WEATHER_KAFKA_PORT=%d: this port and the three after it have to be free: %w", port, err)
		}
		free.Close()
	}
	properties := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        "1",
		"controller.quorum.voters":       "1@" + controller,
		"listeners":                      "DIRECT://" + k.address + ",FORWARDED://" + k.behind + ",CONTROLLER://" + controller,
		"advertised.listeners":           "DIRECT://" + k.address + ",FORWARDED://" + forwarder,
		"listener.security.protocol.map": "DIRECT:PLAINTEXT,FORWARDED:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names":      "CONTROLLER",
		"inter.broker.listener.name":     "DIRECT",
		"log.dirs":                       filepath.Join(dir, "kafka"),
		// A missing topic stays missing.
		"auto.create.topics.enable": "false",
	}
	var text strings.Builder
	for name, value := range properties {
		fmt.Fprintf(&text, "%s=%s\n", name, value)
	}
	if err := os.WriteFile(k.properties(), []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	id := base64.RawURLEncoding.EncodeToString([]byte("rough-weather-01")) // any 16 bytes
	format := exec.CommandContext(ctx, "java", "-cp", k.classes(), "kafka.tools.StorageTool", "format", "-t", id, "-c", k.properties())
	if output, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format Kafka's storage: %w\n%s", err, output)
	}
	log, err := os.Create(filepath.Join(dir, "kafka.log"))
	k.log = log
	return k, err
}

func (k *kafka) properties() string { return filepath.Join(k.dir, "server.properties") }
func (k *kafka) classes() string    { return filepath.Join(k.libs, "*") }

// version is in the name of a jar.
func (k *kafka) version() string {
	jars, _ := filepath.Glob(filepath.Join(k.libs, "kafka-clients-*.jar"))
	if len(jars) == 0 {
		return "of unknown version"
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jars[0]), "kafka-clients-"), ".jar")
}

// start returns when Kafka answers.
func (k *kafka) start(ctx context.Context) error {
	server := exec.Command("java", "-Xms512m", "-Xmx512m", "-cp", k.classes(), "kafka.Kafka", k.properties())
	server.Stdout, server.Stderr = k.log, k.log
	var err error
	if k.process, err = run(server); err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	err = eventually(ctx, time.Minute, func() error {
		if k.process.ended() {
			return errEnded
		}
		return k.withAdmin(func(admin sarama.ClusterAdmin) error {
			_, err := admin.ListTopics()
			return err
		})
	})
	if err != nil {
		text, _ := os.ReadFile(k.log.Name())
		return fmt.Errorf("start Kafka: %w\n%s", err, text)
	}
	return nil
}

// stop lets Kafka end in its own way, kill doesn't.
func (k *kafka) stop() error { return k.end(syscall.SIGTERM) }
func (k *kafka) kill() error { return k.end(syscall.SIGKILL) }

func (k *kafka) end(signal os.Signal) error {
	if k.process == nil {
		return nil
	}
	err := k.process.end(signal)
	k.process = nil
	return err
}

func (k *kafka) freeze() error { return k.process.Process.Signal(syscall.SIGSTOP) }
func (k *kafka) thaw() error   { return k.process.Process.Signal(syscall.SIGCONT) }

func (k *kafka) withAdmin(use func(sarama.ClusterAdmin) error) error {
	c := sarama.NewConfig()
	c.Metadata.AllowAutoTopicCreation = false
	admin, err := sarama.NewClusterAdmin([]string{k.address}, c)
	if err != nil {
		return err
	}
	return errors.Join(use(admin), admin.Close())
}

func (k *kafka) createTopic(name string) error {
	return k.withAdmin(func(admin sarama.ClusterAdmin) error {
		return admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false)
	})
}

// keys reads a topic to its present end and counts its records by their keys.
// A topic that doesn't exist has none.
func (k *kafka) keys(ctx context.Context, topic string) (map[string]int, error) {
	c := sarama.NewConfig()
	c.Metadata.AllowAutoTopicCreation = false
	client, err := sarama.NewClient([]string{k.address}, c)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partitions, err := client.Partitions(topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keys := map[string]int{}
	for _, partition := range partitions {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return nil, err
		}
		if end == 0 {
			continue
		}
		records, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		if err != nil {
			return nil, err
		}
		for last := int64(-1); last < end-1; {
			select {
			case record := <-records.Messages():
				keys[string(record.Key)]++
				last = record.Offset
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if err := records.Close(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
