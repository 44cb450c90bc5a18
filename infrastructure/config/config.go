// Package config reads the configuration: the defaults, overlaid by one YAML file, overlaid
// by environment variables. It is strict: an unknown key, a wrong type or an impossible
// value is an error that names the place (file and line, or variable) and the expected
// value. It must not know the packages that use the settings.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Config holds all settings. Each leaf is one setting. Its YAML path joins the yaml tags
// ("app.port"), and its environment variable follows from the path ("EVENT_BOOKS_APP_PORT").
// The tag secret marks values that Print masks.
type Config struct {
	App   AppConfig   `yaml:"app"`
	DB    DBConfig    `yaml:"db"`
	Index IndexConfig `yaml:"index"`
	MQ    MQConfig    `yaml:"mq"`
	// Trends configures what is counted of searches.
	Trends TrendsConfig `yaml:"trends"`

	origin map[string]string
}

// AppConfig configures the web service and this instance.
type AppConfig struct {
	// Listen is the address of the interface to listen on; empty = all interfaces.
	Listen string `yaml:"listen"`
	// Port is the port to listen on; 0 = a free port.
	Port int `yaml:"port"`
	// PageSize is the number of books on a page, 1 to 100.
	PageSize int `yaml:"page_size"`
	// TemplatesPattern names template files that replace the built-in ones; empty = built-in.
	TemplatesPattern string `yaml:"templates_pattern"`
	// DataDir is the folder for all files.
	DataDir string `yaml:"data_dir"`
	// BaseURL is the shop's public address, optionally with a path; empty = as requested.
	BaseURL string `yaml:"base_url"`
	// ImageHosts are the hosts from which covers may be shown.
	ImageHosts []string `yaml:"image_hosts"`
	// OpsListen is the host:port of the metrics; empty = no metrics.
	OpsListen string `yaml:"ops_listen"`
	// AdminToken lets staff write; empty = a random token in DataDir/admin-token.
	AdminToken string `yaml:"admin_token" secret:"true"`
	// VisitorCookie is one of VisitorCookies.
	VisitorCookie string `yaml:"visitor_cookie"`
	// DailyVisitor counts people of a day who have no cookie.
	DailyVisitor bool `yaml:"daily_visitor"`
	// TrustedProxies are the addresses or networks whose X-Forwarded-For and
	// X-Forwarded-Proto are trusted.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// RateLimit is the number of requests a second that one client may send in the long
	// run; 0 = no limit.
	RateLimit int `yaml:"rate_limit"`
	// Secret signs cookies; empty = a random one in the database.
	Secret string `yaml:"secret" secret:"true"`
	// Contact and Imprint are an e-mail address or a URL; pages show what isn't empty.
	Contact string `yaml:"contact"`
	Imprint string `yaml:"imprint"`
	// LogLevel is one of LogLevels.
	LogLevel string `yaml:"log_level"`
	// Instance is this instance's name in events; empty = the host name.
	Instance string `yaml:"instance"`
	// ShutdownTimeout bounds a graceful shutdown.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
}

// VisitorCookies are the rules for the visitor cookie: never, after consent, or unless the
// visitor objects.
var VisitorCookies = []string{"off", "ask", "on"}

// LogLevels are the levels of the log, the most verbose first.
var LogLevels = []string{"debug", "info", "warn", "error"}

// DBConfig configures the catalogue's database.
type DBConfig struct {
	// DSN is the Go driver's DSN of MySQL or MariaDB; empty = SQLite in DataDir.
	DSN string `yaml:"dsn" secret:"dsn"`
}

// IndexConfig configures the search of the catalogue.
type IndexConfig struct {
	// Engine is one of Engines.
	Engine string `yaml:"engine"`
}

// The search engines: an index in DataDir, and the database itself.
const (
	BleveEngine = "bleve"
	SQLEngine   = "sql"
)

// Engines are the search engines, the default first.
var Engines = []string{BleveEngine, SQLEngine}

// TrendsConfig configures what is counted of searches.
type TrendsConfig struct {
	// MinVisitors is how many visitors must have searched a keyword on one day before the
	// public sees it.
	MinVisitors int `yaml:"min_visitors"`
	// KeepDays is how many days are kept for each keyword.
	KeepDays int `yaml:"keep_days"`
}

// MQConfig configures the stream of events.
type MQConfig struct {
	// Brokers are Apache Kafka's addresses as host:port; empty = the embedded broker at
	// Listen.
	Brokers []string `yaml:"brokers"`
	// TLS and SASL apply to Brokers; the embedded broker supports neither.
	TLS  TLSConfig  `yaml:"tls"`
	SASL SASLConfig `yaml:"sasl"`
	// Topic is the topic of searches, without TopicPrefix.
	Topic string `yaml:"topic"`
	// TopicPrefix keeps two shops on one Kafka apart.
	TopicPrefix string `yaml:"topic_prefix"`
	// GroupPrefix keeps the consumer groups of two shops on one Kafka apart.
	GroupPrefix string `yaml:"group_prefix"`
	// Partitions, Replication and Retention apply to topics that the program creates.
	// Replication 0 = the number of brokers, at most 3.
	Partitions  int           `yaml:"partitions"`
	Replication int           `yaml:"replication"`
	Retention   time.Duration `yaml:"retention"`
	// Durability is "fsync" (an event is on disk before its search is answered) or "os"
	// (the event has been handed to the operating system).
	Durability string `yaml:"durability"`
	// OnFull is "answer" or "refuse": the treatment of a search whose event doesn't fit
	// into the spool.
	OnFull string `yaml:"on_full"`
	// SpoolMaxBytes limits the files of each spool, in bytes.
	SpoolMaxBytes int `yaml:"spool_max_bytes"`
	// Listen is the embedded broker's address.
	Listen string `yaml:"listen"`
	// Advertise is the host:port that the embedded broker sends to clients; empty = Listen.
	Advertise string `yaml:"advertise"`
	// BrokerMaxBytes limits each partition of the embedded broker, in bytes.
	BrokerMaxBytes int `yaml:"broker_max_bytes"`
}

// TLSConfig configures TLS to Kafka.
type TLSConfig struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds the PEM certificates of the authority that signs Kafka's; empty = the
	// system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile hold the PEM certificate and key for a Kafka that requests them.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// SASLConfig is the program's login at Kafka.
type SASLConfig struct {
	// Mechanism is one of SASLMechanisms; empty = no login.
	Mechanism string `yaml:"mechanism"`
	Username  string `yaml:"username"`
	Password  string `yaml:"password" secret:"true"`
}

// SASLMechanisms are the supported mechanisms.
var SASLMechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// SearchTopic returns the full name of the topic of searches.
func (c MQConfig) SearchTopic() string { return c.TopicPrefix + c.Topic }

// ClickTopicName is the name of the topic of clicks, without TopicPrefix.
const ClickTopicName = "lr-book-clicks"

// ClickTopic returns the full name of the topic of clicks.
func (c MQConfig) ClickTopic() string { return c.TopicPrefix + ClickTopicName }

// ChangeTopic returns the full name of the topic of catalogue changes.
func (c MQConfig) ChangeTopic() string { return c.TopicPrefix + "lr-book-changes" }

// PingTopic and PongTopic return the full names of the topics of pings and their replies.
func (c MQConfig) PingTopic() string { return c.TopicPrefix + "ping" }
func (c MQConfig) PongTopic() string { return c.TopicPrefix + "pong" }

// EchoGroup returns the full name of the consumer group that answers pings.
func (c MQConfig) EchoGroup() string { return c.GroupPrefix + "echo" }

// Default returns the default settings.
func Default() *Config {
	return &Config{
		App: AppConfig{
			Port:            8080,
			PageSize:        20,
			DataDir:         "data",
			OpsListen:       "127.0.0.1:8081",
			VisitorCookie:   "ask",
			DailyVisitor:    true,
			LogLevel:        "info",
			ShutdownTimeout: 15 * time.Second,
		},
		Index:  IndexConfig{Engine: BleveEngine},
		Trends: TrendsConfig{MinVisitors: 3, KeepDays: 35},
		MQ: MQConfig{
			Topic:          "lr-book-searches",
			Partitions:     3,
			Retention:      35 * 24 * time.Hour,
			Durability:     "fsync",
			OnFull:         "answer",
			SpoolMaxBytes:  2 << 30,
			Listen:         "127.0.0.1:9092",
			BrokerMaxBytes: 128 << 20,
		},
		origin: map[string]string{},
	}
}

// Parse returns the defaults, overlaid by the file, overlaid by the environment. An empty
// filename means no file. The error joins a *SettingError for each wrong setting.
func Parse(filename string) (*Config, error) {
	return parse(filename, os.Environ())
}

// ParseDefault parses config.yml in the working directory, or no file if it doesn't exist.
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
