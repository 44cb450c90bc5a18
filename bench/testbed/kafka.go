//go:build unix

package testbed

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// startTimeout bounds the time from Kafka's start to its first answer, on a busy
// machine.
const startTimeout = 2 * time.Minute

// Kafka is an Apache Kafka that only the caller uses, so the caller may kill and freeze
// it. It has one or more brokers in one folder. Its methods act on all brokers at once.
type Kafka struct {
	libs    string
	Brokers []*Broker
}

// Broker is one broker of a Kafka. It is a controller, too.
type Broker struct {
	kafka *Kafka
	id    int
	dir   string
	// Address is the broker's address. Clients that connect at Behind are sent on to
	// the brokers' fronts.
	Address, Behind string
	process         *Process // nil while it is stopped
	log             *os.File
}

// KafkaOptions configure a Kafka.
type KafkaOptions struct {
	// Libs is the folder of Apache Kafka's jars, Dir an empty folder for its files.
	Libs, Dir string
	// Port is the first of three ports on 127.0.0.1 for each broker: its address, its
	// address behind the front, and the controller's. They are fixed, because another
	// program could get a free port while Kafka is down.
	Port int
	// Fronts are the addresses of forwarders, one for each broker. With three or more,
	// topics have three replicas, of which two must be in sync.
	Fronts []string
}

// NewKafka writes the configuration and formats the storage. It doesn't start Kafka.
func NewKafka(ctx context.Context, o KafkaOptions) (*Kafka, error) {
	k := &Kafka{libs: o.Libs}
	local := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	controller := func(i int) string { return local(o.Port + 3*i + 2) }
	voters := make([]string, len(o.Fronts))
	for i := range o.Fronts {
		voters[i] = fmt.Sprintf("%d@%s", i+1, controller(i))
	}
	formatting, ctx := errgroup.WithContext(ctx)
	for i, front := range o.Fronts {
		b := &Broker{kafka: k, id: i + 1, dir: o.Dir, Address: local(o.Port + 3*i), Behind: local(o.Port + 3*i + 1)}
		k.Brokers = append(k.Brokers, b)
		for _, address := range []string{b.Address, b.Behind, controller(i)} {
			free, err := net.Listen("tcp", address)
			if err != nil {
				return nil, fmt.Errorf("%d ports from %d on must be free: %w", 3*len(o.Fronts), o.Port, err)
			}
			free.Close()
		}
		properties := map[string]string{
			"process.roles":                  "broker,controller",
			"node.id":                        fmt.Sprint(b.id),
			"controller.quorum.voters":       strings.Join(voters, ","),
			"listeners":                      "DIRECT://" + b.Address + ",FORWARDED://" + b.Behind + ",CONTROLLER://" + controller(i),
			"advertised.listeners":           "DIRECT://" + b.Address + ",FORWARDED://" + front,
			"listener.security.protocol.map": "DIRECT:PLAINTEXT,FORWARDED:PLAINTEXT,CONTROLLER:PLAINTEXT",
			"controller.listener.names":      "CONTROLLER",
			"inter.broker.listener.name":     "DIRECT",
			"log.dirs":                       b.file("data"),
			// Kafka must not create topics on its own.
			"auto.create.topics.enable": "false",
		}
		if len(o.Fronts) >= 3 {
			maps.Copy(properties, map[string]string{"default.replication.factor": "3", "min.insync.replicas": "2"})
		}
		if err := b.prepare(properties); err != nil {
			return nil, err
		}
		formatting.Go(func() error { return b.format(ctx) })
	}
	if err := formatting.Wait(); err != nil {
		return nil, fmt.Errorf("format Kafka's storage: %w", err)
	}
	return k, nil
}

func (b *Broker) file(what string) string {
	return filepath.Join(b.dir, fmt.Sprintf("kafka-%d.%s", b.id, what))
}

func (b *Broker) prepare(properties map[string]string) (err error) {
	var text strings.Builder
	for name, value := range properties {
		fmt.Fprintf(&text, "%s=%s\n", name, value)
	}
	if err := os.WriteFile(b.file("properties"), []byte(text.String()), 0o600); err != nil {
		return err
	}
	b.log, err = os.Create(b.file("log"))
	return err
}

func (b *Broker) java(arguments ...string) []string {
	return append([]string{"-XX:+UseSerialGC", "-cp", filepath.Join(b.kafka.libs, "*")}, arguments...)
}

func (b *Broker) format(ctx context.Context) error {
	id := base64.RawURLEncoding.EncodeToString([]byte("event-books-test")) // any 16 bytes
	format := exec.CommandContext(ctx, "java", b.java("kafka.tools.StorageTool", "format", "-t", id, "-c", b.file("properties"))...)
	if output, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// Version returns Kafka's version, from the name of a jar.
func (k *Kafka) Version() string {
	jars, _ := filepath.Glob(filepath.Join(k.libs, "kafka-clients-*.jar"))
	if len(jars) == 0 {
		return "of unknown version"
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jars[0]), "kafka-clients-"), ".jar")
}

// Addresses returns the addresses of the brokers, without any forwarder.
func (k *Kafka) Addresses() (addresses []string) {
	for _, b := range k.Brokers {
		addresses = append(addresses, b.Address)
	}
	return addresses
}

// Start starts every broker and returns when all of them answer.
func (k *Kafka) Start(ctx context.Context) error {
	for _, b := range k.Brokers {
		if err := b.launch(); err != nil {
			return err
		}
	}
	return k.each(func(b *Broker) error { return b.answers(ctx) })
}

// Stop shuts Kafka down properly; Kill kills it.
func (k *Kafka) Stop() error   { return k.each((*Broker).Stop) }
func (k *Kafka) Kill() error   { return k.each((*Broker).Kill) }
func (k *Kafka) Freeze() error { return k.each((*Broker).Freeze) }
func (k *Kafka) Thaw() error   { return k.each((*Broker).Thaw) }

// each acts on all brokers at once, because the last of several brokers can't shut down
// properly without the others.
func (k *Kafka) each(do func(*Broker) error) error {
	var all errgroup.Group
	for _, b := range k.Brokers {
		all.Go(func() error { return do(b) })
	}
	return all.Wait()
}

// Start returns when the broker answers and has joined the cluster.
func (b *Broker) Start(ctx context.Context) error {
	if err := b.launch(); err != nil {
		return err
	}
	return b.answers(ctx)
}

func (b *Broker) launch() error {
	server := exec.Command("java", b.java("-Xms512m", "-Xmx512m", "kafka.Kafka", b.file("properties"))...)
	server.Stdout, server.Stderr = b.log, b.log
	var err error
	if b.process, err = Run(server); err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	return nil
}

func (b *Broker) answers(ctx context.Context) error {
	err := Eventually(ctx, startTimeout, func() error {
		if b.process.Ended() {
			return ErrEnded
		}
		return WithAdmin([]string{b.Address}, func(admin sarama.ClusterAdmin) error {
			present, _, err := admin.DescribeCluster()
			if err == nil && !slices.ContainsFunc(present, func(p *sarama.Broker) bool { return p.Addr() == b.Address }) {
				err = fmt.Errorf("broker %d is not in the cluster yet", b.id)
			}
			return err
		})
	})
	if err != nil {
		text, _ := os.ReadFile(b.log.Name())
		return fmt.Errorf("start Kafka: broker %d: %w\n%s", b.id, err, text[max(0, len(text)-4096):])
	}
	return nil
}

// Stop shuts the broker down properly; Kill kills it.
func (b *Broker) Stop() error { return b.end(syscall.SIGTERM) }
func (b *Broker) Kill() error { return b.end(syscall.SIGKILL) }

func (b *Broker) end(signal os.Signal) error {
	if b.process == nil {
		return nil
	}
	err := b.process.End(signal)
	b.process = nil
	return err
}

// Freeze stops the process. Its connections stay open but get no answers. Thaw
// continues it.
func (b *Broker) Freeze() error { return b.process.Process.Signal(syscall.SIGSTOP) }
func (b *Broker) Thaw() error   { return b.process.Process.Signal(syscall.SIGCONT) }

// saramaConfig gives up after a few seconds if a broker doesn't answer, because it may
// be frozen.
func saramaConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.Metadata.AllowAutoTopicCreation = false
	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	c.Metadata.Timeout, c.Metadata.Retry.Max = 5*time.Second, 1
	return c
}

// WithAdmin calls use with an administrator of this Kafka, without any forwarder.
func (k *Kafka) WithAdmin(use func(sarama.ClusterAdmin) error) error {
	return WithAdmin(k.Addresses(), use)
}

// WithAdmin calls use with an administrator of the brokers.
func WithAdmin(brokers []string, use func(sarama.ClusterAdmin) error) error {
	admin, err := sarama.NewClusterAdmin(brokers, saramaConfig())
	if err != nil {
		return err
	}
	return errors.Join(use(admin), admin.Close())
}
