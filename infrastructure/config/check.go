package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// The names that Kafka, an instance and a host may have.
var (
	topicName    = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	instanceName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,100}$`)
	hostName     = regexp.MustCompile(`^(\*\.)?[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*(:\d{1,5})?$`)
)

// MinSecret is the length of the shortest admin token and secret, in bytes. minDistinct is
// how many different characters one must have: random ones have more.
const (
	MinSecret   = 16
	minDistinct = 5
)

// WeakSecret returns why an admin token or a secret would be guessed, or "".
func WeakSecret(text string) string {
	distinct := map[rune]bool{}
	for _, r := range text {
		distinct[r] = true
	}
	switch {
	case len(text) < MinSecret:
		return fmt.Sprintf("has less than %d characters", MinSecret)
	case len(distinct) < minDistinct:
		return fmt.Sprintf("has less than %d different characters, so it is easily guessed", minDistinct)
	}
	return ""
}

// minSpoolBytes holds three segments of the spool.
const minSpoolBytes = 96 << 20

// minBrokerBytes holds the largest record of a search.
const minBrokerBytes = 16 << 20

// check returns an error for each impossible value.
func (c *Config) check() (errs []error) {
	c.checkApp(&errs)
	c.checkVisitors(&errs)
	c.checkDB(&errs)
	c.checkIndex(&errs)
	c.checkBrokers(&errs)
	c.checkTopic(&errs)
	c.checkTrends(&errs)
	return errs
}

func (c *Config) checkIndex(errs *[]error) {
	c.expect(errs)(slices.Contains(Engines, c.Index.Engine), "index.engine", "must be one of %s, not %q", strings.Join(Engines, ", "), c.Index.Engine)
}

func (c *Config) checkTrends(errs *[]error) {
	expect := c.expect(errs)
	expect(c.Trends.MinVisitors >= 1 && c.Trends.MinVisitors <= 1000, "trends.min_visitors", "must be 1 to 1000, not %d", c.Trends.MinVisitors)
	expect(c.Trends.KeepDays >= 35 && c.Trends.KeepDays <= 400, "trends.keep_days", "must be 35 to 400, not %d", c.Trends.KeepDays)
}

func (c *Config) checkApp(errs *[]error) {
	expect, app := c.expect(errs), c.App
	expect(app.Port >= 0 && app.Port <= 65535, "app.port", "must be 0 to 65535, not %d", app.Port)
	if app.Listen != "" {
		_, err := netip.ParseAddr(app.Listen)
		expect(err == nil || hostName.MatchString(app.Listen) && !strings.Contains(app.Listen, ":"),
			"app.listen", "must be an address or a host name, without a port, not %q", app.Listen)
	}
	expect(app.OpsListen == "" || validAddress(app.OpsListen, true), "app.ops_listen", "must be host:port, or empty for no metrics, not %q", app.OpsListen)
	if app.TemplatesPattern != "" {
		found, err := filepath.Glob(app.TemplatesPattern)
		expect(err == nil && len(found) > 0, "app.templates_pattern", "no file matches %q; leave it empty for the built-in templates", app.TemplatesPattern)
	}
	expect(app.PageSize >= 1 && app.PageSize <= 100, "app.page_size", "must be 1 to 100, not %d", app.PageSize)
	expect(app.DataDir != "", "app.data_dir", "must name a folder")
	expect(app.ShutdownTimeout > 0 && app.ShutdownTimeout <= 10*time.Minute, "app.shutdown_timeout", "must be more than 0 and at most 10m, not %s", app.ShutdownTimeout)
	expect(app.Instance == "" || instanceName.MatchString(app.Instance), "app.instance", "must be up to 100 letters, digits, '.', '_' or '-', not %q", app.Instance)
	expect(slices.Contains(LogLevels, app.LogLevel), "app.log_level", "must be one of %s, not %q", strings.Join(LogLevels, ", "), app.LogLevel)
	for _, secret := range []struct{ path, text string }{{"app.secret", app.Secret}, {"app.admin_token", app.AdminToken}} {
		weak := WeakSecret(secret.text)
		expect(secret.text == "" || weak == "", secret.path, "%s: use at least %d random characters", weak, MinSecret)
	}
}

// checkVisitors checks the settings of app that face visitors.
func (c *Config) checkVisitors(errs *[]error) {
	expect, app := c.expect(errs), c.App
	if app.BaseURL != "" {
		u, err := url.Parse(app.BaseURL)
		expect(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil,
			"app.base_url", "must be like https://books.example.com or https://example.com/books, not %q", app.BaseURL)
		expect(err != nil || !ambiguousBase(u.Path), "app.base_url", "can't have the path %s, below which the shop has addresses of its own; use another one, such as /shop", u.Path)
	}
	for _, host := range app.ImageHosts {
		expect(hostName.MatchString(host), "app.image_hosts", "%q is not a host name", host)
	}
	expect(slices.Contains(VisitorCookies, app.VisitorCookie), "app.visitor_cookie", "must be one of %s, not %q", strings.Join(VisitorCookies, ", "), app.VisitorCookie)
	expect(app.RateLimit >= 0 && app.RateLimit <= 1_000_000, "app.rate_limit", "must be 0 for no limit, or up to 1000000 requests a second, not %d", app.RateLimit)
	expect(validContact(app.Contact), "app.contact", "must be an e-mail address or a URL with http or https, not %q", app.Contact)
	expect(validContact(app.Imprint), "app.imprint", "must be an e-mail address or a URL with http or https, not %q", app.Imprint)
	for _, proxy := range app.TrustedProxies {
		_, addrErr := netip.ParseAddr(proxy)
		_, netErr := netip.ParsePrefix(proxy)
		expect(addrErr == nil || netErr == nil, "app.trusted_proxies", "%q is neither an address nor a network such as 10.0.0.0/8", proxy)
	}
}

// ambiguousBase reports whether the shop couldn't tell its own addresses from those below a
// base path, which a proxy may have stripped or not: /api/books/3 would be a book of the API
// or, below /api, the page of a book.
func ambiguousBase(base string) bool {
	base = strings.TrimRight(base, "/")
	return base == "/api" || strings.HasPrefix(base, "/api/") ||
		slices.Contains([]string{"/visitor", "/ping", "/privacy", "/robots.txt", "/livez", "/readyz"}, base)
}

// validContact accepts an e-mail address, also after mailto:, a URL, and nothing.
func validContact(contact string) bool {
	if contact == "" {
		return true
	}
	contact = strings.TrimPrefix(contact, "mailto:")
	if address, err := mail.ParseAddress(contact); err == nil && address.Address == contact {
		return true
	}
	u, err := url.Parse(contact)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (c *Config) checkDB(errs *[]error) {
	if c.DB.DSN == "" {
		return
	}
	expect := c.expect(errs)
	dsn, err := mysql.ParseDSN(c.DB.DSN)
	expect(err == nil, "db.dsn", "can't be parsed, it must be like user:password@tcp(127.0.0.1:3306)/database?charset=utf8mb4")
	expect(err != nil || dsn.DBName != "", "db.dsn", "names no database, it must be like user:password@tcp(127.0.0.1:3306)/database")
}

func (c *Config) checkBrokers(errs *[]error) {
	expect, mq := c.expect(errs), c.MQ
	for _, broker := range mq.Brokers {
		expect(validAddress(broker, false), "mq.brokers", "%q is not host:port", broker)
	}
	*errs = append(*errs, c.checkSecurity()...)
	expect(mq.BrokerMaxBytes >= minBrokerBytes, "mq.broker_max_bytes", "must be at least %d, not %d", minBrokerBytes, mq.BrokerMaxBytes)
	expect(validAddress(mq.Listen, true), "mq.listen", "must be host:port, not %q", mq.Listen)
	if mq.Advertise != "" {
		expect(validAddress(mq.Advertise, false), "mq.advertise", "must be host:port, not %q", mq.Advertise)
	} else if len(mq.Brokers) == 0 {
		expect(isLoopback(mq.Listen), "mq.listen", "must be a loopback address unless mq.advertise is set: the embedded broker has no authentication")
	}
}

// checkTopic checks the settings of topics and of the spool in front of them.
func (c *Config) checkTopic(errs *[]error) {
	expect, mq := c.expect(errs), c.MQ
	const topicRule = "must be letters, digits, '.', '_' or '-', not %q"
	expect(topicName.MatchString(mq.Topic) && mq.Topic != "." && mq.Topic != "..", "mq.topic", topicRule, mq.Topic)
	expect(mq.TopicPrefix == "" || topicName.MatchString(mq.TopicPrefix), "mq.topic_prefix", topicRule, mq.TopicPrefix)
	expect(mq.GroupPrefix == "" || topicName.MatchString(mq.GroupPrefix), "mq.group_prefix", topicRule, mq.GroupPrefix)
	expect(len(mq.GroupPrefix) <= 200, "mq.group_prefix", "may have 200 characters, not %d", len(mq.GroupPrefix))
	expect(len(mq.SearchTopic()) <= 249, "mq.topic_prefix", "is too long: with mq.topic it may have 249 characters")
	expect(len(mq.ClickTopic()) <= 249, "mq.topic_prefix", "is too long: with %s it may have 249 characters", ClickTopicName)
	expect(mq.Partitions >= 1 && mq.Partitions <= 10000, "mq.partitions", "must be 1 to 10000, not %d", mq.Partitions)
	expect(mq.Replication >= 0 && mq.Replication <= 100, "mq.replication", "must be 1 to 100, or 0 for the number of brokers, at most 3; not %d", mq.Replication)
	expect(mq.Retention >= time.Hour, "mq.retention", "must be at least 1h, not %s", mq.Retention)
	expect(mq.Durability == "fsync" || mq.Durability == "os", "mq.durability", "must be fsync or os, not %q", mq.Durability)
	expect(mq.OnFull == "answer" || mq.OnFull == "refuse", "mq.on_full", "must be answer or refuse, not %q", mq.OnFull)
	expect(mq.SpoolMaxBytes >= minSpoolBytes, "mq.spool_max_bytes", "must be at least %d, the size of three files, not %d", minSpoolBytes, mq.SpoolMaxBytes)
}

// expect returns a function that appends a *SettingError to errs if ok is false.
func (c *Config) expect(errs *[]error) func(ok bool, path, format string, args ...any) {
	return func(ok bool, path, format string, args ...any) {
		if !ok {
			*errs = append(*errs, &SettingError{path, c.originOf(path), fmt.Sprintf(format, args...)})
		}
	}
}

// checkSecurity checks mq.tls and mq.sasl. It also reads the files that they name.
func (c *Config) checkSecurity() (errs []error) {
	expect := c.expect(&errs)
	tls, sasl := c.MQ.TLS, c.MQ.SASL
	const embedded = "is set, but mq.brokers is empty: the embedded broker supports neither TLS nor SASL"
	expect(!tls.Enabled || len(c.MQ.Brokers) > 0, "mq.tls.enabled", embedded)
	expect(sasl.Mechanism == "" || len(c.MQ.Brokers) > 0, "mq.sasl.mechanism", embedded)

	for _, file := range []struct{ path, name string }{
		{"mq.tls.ca_file", tls.CAFile}, {"mq.tls.cert_file", tls.CertFile}, {"mq.tls.key_file", tls.KeyFile},
	} {
		expect(file.name == "" || tls.Enabled, file.path, "is set, but mq.tls.enabled is false: connections wouldn't be encrypted")
	}
	expect(tls.CertFile == "" || tls.KeyFile != "", "mq.tls.cert_file", "needs its key in mq.tls.key_file")
	expect(tls.KeyFile == "" || tls.CertFile != "", "mq.tls.key_file", "needs its certificate in mq.tls.cert_file")
	if tls.Enabled && len(errs) == 0 {
		if _, err := c.KafkaTLS(); err != nil {
			errs = append(errs, err)
		}
	}

	if sasl.Mechanism == "" {
		expect(sasl.Username == "", "mq.sasl.username", "is set, but mq.sasl.mechanism is empty: it must be one of %s", strings.Join(SASLMechanisms, ", "))
		expect(sasl.Password == "", "mq.sasl.password", "is set, but mq.sasl.mechanism is empty: it must be one of %s", strings.Join(SASLMechanisms, ", "))
		return errs
	}
	expect(slices.Contains(SASLMechanisms, sasl.Mechanism), "mq.sasl.mechanism", "must be one of %s, not %q", strings.Join(SASLMechanisms, ", "), sasl.Mechanism)
	expect(sasl.Username != "", "mq.sasl.username", "is empty, but mq.sasl.mechanism needs a user name")
	expect(sasl.Password != "", "mq.sasl.password", "is empty, but mq.sasl.mechanism needs a password")
	remote := slices.ContainsFunc(c.MQ.Brokers, func(b string) bool { return !isLoopback(b) })
	expect(sasl.Mechanism != "PLAIN" || tls.Enabled || !remote, "mq.sasl.mechanism",
		"PLAIN sends the password in plain text: set mq.tls.enabled, or use SCRAM-SHA-512")
	return errs
}

// validAddress reports whether address is host:port. Port 0 and an empty host are valid
// only for an address to listen on.
func validAddress(address string, listen bool) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" && !listen {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n <= 65535 && (n > 0 || listen && n == 0)
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true // already reported
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
