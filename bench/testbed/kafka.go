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

// startTimeout is how long Kafka may take to answer after its start, on a busy
// machine.
const startTimeout = 2 * time.Minute

// Kafka is an Apache Kafka of our own, which may be killed and frozen: one
// broker or several, in a folder of its own. Its methods do to all brokers at
// once what those of a Broker do to one.
type Kafka struct {
	libs    string
	Brokers []*Broker
}

// Broker is one broker of it, and a controller.
type Broker struct {
	kafka *Kafka
	id    int
	dir   string
	// Address is the broker's. Who asks at Behind is told to come to the
	// broker's front from then on, and to the fronts of the others.
	Address, Behind string
	process         *Process // nil while it is stopped
	log             *os.File
}

// KafkaOptions say how a Kafka is made.
type KafkaOptions struct {
	// Libs is the folder of Apache Kafka's jars, Dir an empty one of its own.
	Libs, Dir string
	// Port is the first of the three ports on 127.0.0.1 that each broker needs:
	// the broker's, the one behind its front, the controller's. They are fixed:
	// a port that the system chose for an earlier connection could be given to
	// somebody else while Kafka is down.
	Port int
	// Fronts has the address of a forwarder for each broker. With three or more
	// of them, topics have three replicas, of which two have to be in sync.
	Fronts []string
}

// NewKafka writes the configuration and formats the storage.
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
				return nil, fmt.Errorf("%d ports from %d on have to be free: %w", 3*len(o.Fronts), o.Port, err)
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
			// A missing topic stays missing.
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

// Version is in the name of a jar.
func (k *Kafka) Version() string {
	jars, _ := filepath.Glob(filepath.Join(k.libs, "kafka-clients-*.jar"))
	if len(jars) == 0 {
		return "of unknown version"
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jars[0]), "kafka-clients-"), ".jar")
}

// Addresses are the brokers', past any forwarder.
func (k *Kafka) Addresses() (addresses []string) {
	for _, b := range k.Brokers {
		addresses = append(addresses, b.Address)
	}
	return addresses
}

// Start returns when every broker answers.
func (k *Kafka) Start(ctx context.Context) error {
	for _, b := range k.Brokers {
		if err := b.launch(); err != nil {
			return err
		}
	}
	return k.each(func(b *Broker) error { return b.answers(ctx) })
}

// Stop lets Kafka end in its own way, Kill doesn't.
func (k *Kafka) Stop() error   { return k.each((*Broker).Stop) }
func (k *Kafka) Kill() error   { return k.each((*Broker).Kill) }
func (k *Kafka) Freeze() error { return k.each((*Broker).Freeze) }
func (k *Kafka) Thaw() error   { return k.each((*Broker).Thaw) }

// each is done at once: the last of several brokers can't stop in its own way
// without the others.
func (k *Kafka) each(do func(*Broker) error) error {
	var all errgroup.Group
	for _, b := range k.Brokers {
		all.Go(func() error { return do(b) })
	}
	return all.Wait()
}

// Start returns when the broker answers and belongs to the others.
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

// Stop lets the broker end in its own way, Kill doesn't.
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

// Freeze leaves the broker's connections open, and nobody answers there.
func (b *Broker) Freeze() error { return b.process.Process.Signal(syscall.SIGSTOP) }
func (b *Broker) Thaw() error   { return b.process.Process.Signal(syscall.SIGCONT) }

// saramaConfig gives up a broker that doesn't answer in seconds: it may be
// frozen.
func saramaConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.Metadata.AllowAutoTopicCreation = false
	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	c.Metadata.Timeout, c.Metadata.Retry.Max = 5*time.Second, 1
	return c
}

// WithAdmin is for administration past any forwarder.
func (k *Kafka) WithAdmin(use func(sarama.ClusterAdmin) error) error {
	return WithAdmin(k.Addresses(), use)
}

// WithAdmin is for administration of any Kafka.
func WithAdmin(brokers []string, use func(sarama.ClusterAdmin) error) error {
	admin, err := sarama.NewClusterAdmin(brokers, saramaConfig())
	if err != nil {
		return err
	}
	return errors.Join(use(admin), admin.Close())
}
