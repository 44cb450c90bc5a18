// Package config reads what the operator decides: the defaults, overlaid by
// one YAML file, overlaid by environment variables. It is strict: a key that
// doesn't exist, a value of the wrong type or an impossible one is an error
// that names file, line or variable and what is expected.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Config is all that can be set. Every leaf is a setting: its YAML path is
// made of the yaml tags ("app.port"), its environment variable of the path
// ("EVENT_BOOKS_APP_PORT"). The tag secret marks what is never shown.
type Config struct {
	App AppConfig `yaml:"app"`
	DB  DBConfig  `yaml:"db"`
	MQ  MQConfig  `yaml:"mq"`

	origin map[string]string
}

// AppConfig is about the web service and this instance.
type AppConfig struct {
	// Listen is the address of the interface to listen on, empty for all.
	Listen string `yaml:"listen"`
	// Port 0 takes a free one.
	Port int `yaml:"port"`
	// PageSize is how many books a page shows, 1 to 100.
	PageSize int `yaml:"page_size"`
	// TemplatesPattern names template files that replace the built-in ones; empty = built-in.
	TemplatesPattern string `yaml:"templates_pattern"`
	// DataDir is the folder for everything kept on disk.
	DataDir string `yaml:"data_dir"`
	// BaseURL is the public address of the shop, possibly with a path; empty = as requested.
	BaseURL string `yaml:"base_url"`
	// ImageHosts are the hosts that covers may be shown from.
	ImageHosts []string `yaml:"image_hosts"`
	// OpsListen is the host:port that metrics are served at; empty = nowhere.
	OpsListen string `yaml:"ops_listen"`
	// AdminToken lets staff write; empty = a random one in DataDir/admin-token.
	AdminToken string `yaml:"admin_token" secret:"true"`
	// VisitorCookie is one of VisitorCookies.
	VisitorCookie string `yaml:"visitor_cookie"`
	// TrustedProxies are the addresses or networks whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Instance names this instance in events; empty = the host's name.
	Instance string `yaml:"instance"`
	// ShutdownTimeout bounds a graceful stop.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
}

// VisitorCookies are the rules by which browsers are given a random number:
// never, to who agrees, to who doesn't object.
var VisitorCookies = []string{"off", "ask", "on"}

// DBConfig is about the catalogue's database.
type DBConfig struct {
	// DSN of MySQL or MariaDB in the Go driver's form; empty = SQLite in DataDir.
	DSN string `yaml:"dsn" secret:"dsn"`
}

// MQConfig is about the stream of events.
type MQConfig struct {
	// Brokers of Apache Kafka as host:port; empty = the embedded broker at Listen.
	Brokers []string `yaml:"brokers"`
	// TLS and SASL are for Brokers; the embedded broker takes neither.
	TLS  TLSConfig  `yaml:"tls"`
	SASL SASLConfig `yaml:"sasl"`
	// Topic of the searches, before TopicPrefix.
	Topic string `yaml:"topic"`
	// TopicPrefix keeps two shops on one Kafka apart.
	TopicPrefix string `yaml:"topic_prefix"`
	// Partitions, Replication and Retention are used for topics that the
	// program creates. Replication 0 = as many as there are brokers, at most 3.
	Partitions  int           `yaml:"partitions"`
	Replication int           `yaml:"replication"`
	Retention   time.Duration `yaml:"retention"`
	// Durability is "fsync" or "os": whether an event is on disk before its search
	// is answered, or handed to the operating system.
	Durability string `yaml:"durability"`
	// OnFull is "answer" or "refuse": what becomes of a search whose event finds
	// no space in the spool.
	OnFull string `yaml:"on_full"`
	// SpoolMaxBytes bounds the files of the spool.
	SpoolMaxBytes int `yaml:"spool_max_bytes"`
	// Listen is the embedded broker's address.
	Listen string `yaml:"listen"`
	// Advertise is the host:port that the embedded broker tells its clients; empty = Listen.
	Advertise string `yaml:"advertise"`
}

// TLSConfig is about the encryption of the connections to Kafka.
type TLSConfig struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds the certificates, as PEM, that Kafka's is signed by; empty = the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile, as PEM, are shown to a Kafka that asks for them.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// SASLConfig is the name by which Kafka knows the program.
type SASLConfig struct {
	// Mechanism is one of SASLMechanisms; empty = no name.
	Mechanism string `yaml:"mechanism"`
	Username  string `yaml:"username"`
	Password  string `yaml:"password" secret:"true"`
}

// SASLMechanisms are the ways to prove a name that are known here.
var SASLMechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// SearchTopic is the full name of the topic of searches.
func (c MQConfig) SearchTopic() string { return c.TopicPrefix + c.Topic }

// Default returns what holds where nothing is set.
func Default() *Config {
	return &Config{
		App: AppConfig{
			Port:            8080,
			PageSize:        20,
			DataDir:         "data",
			OpsListen:       "127.0.0.1:8081",
			VisitorCookie:   "ask",
			ShutdownTimeout: 15 * time.Second,
		},
		MQ: MQConfig{
			Topic:         "lr-book-searches",
			Partitions:    3,
			Retention:     35 * 24 * time.Hour,
			Durability:    "fsync",
			OnFull:        "answer",
			SpoolMaxBytes: 2 << 30,
			Listen:        "127.0.0.1:9092",
		},
		origin: map[string]string{},
	}
}

// Parse reads the file over the defaults and the environment over both. An
// empty filename means no file. The error joins one *SettingError for each
// setting at fault.
func Parse(filename string) (*Config, error) {
	return parse(filename, os.Environ())
}

// ParseDefault is Parse of config.yml in the working directory, or of no
// file if there is none.
func ParseDefault() (*Config, error) {
	const filename = "config.yml"
	if _, err := os.Stat(filename); errors.Is(err, fs.ErrNotExist) {
		return Parse("")
	}
	return Parse(filename)
}

func parse(filename string, environ []string) (*Config, error) {
	c := Default()
	settings := c.settings()
	var errs []error
	if filename != "" {
		content, err := os.ReadFile(filename)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		errs = append(errs, c.overlayYAML(settings, filename, content)...)
	}
	errs = append(errs, c.overlayEnv(settings, environ)...)
	if len(errs) == 0 {
		errs = c.check()
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}
