package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tutorial is the configuration file of the tutorial.
const tutorial = `app:
  port: 8080
  page_size: 5
  templates_pattern: "adapter/templates/*.html"
db:
  dsn: "test_user:test_pass@tcp(127.0.0.1:3306)/lr_event_book?charset=utf8mb4&parseTime=True&loc=Local"
mq:
  brokers:
    - localhost:9092
  topic: "lr-book-searches"
`

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func TestShippedFileHoldsTheDefaults(t *testing.T) {
	c, err := parse(filepath.Join("..", "..", "config.yml"), nil)
	require.NoError(t, err)
	want := Default().settings()
	for i, s := range c.settings() {
		assert.Equal(t, want[i].String(), s.String(), s.path)
		assert.Contains(t, c.origin, s.path, "config.yml must name every setting")
	}
}

func TestTutorialsFile(t *testing.T) {
	t.Chdir(filepath.Join("..", "..")) // the folder that the pattern of templates refers to
	c, err := parse(write(t, tutorial), nil)
	require.NoError(t, err)
	assert.Equal(t, 5, c.App.PageSize)
	assert.Equal(t, "adapter/templates/*.html", c.App.TemplatesPattern)
	assert.Equal(t, []string{"localhost:9092"}, c.MQ.Brokers)
	assert.Equal(t, "lr-book-searches", c.MQ.SearchTopic())
	assert.Equal(t, "lr-book-clicks", c.MQ.ClickTopic())
	assert.True(t, c.App.DailyVisitor)
	assert.True(t, strings.HasPrefix(c.DB.DSN, "test_user:test_pass@"))
}

func TestEmptyFileAndEmptySectionsAreDefaults(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", "app:\nmq:\n"} {
		c, err := parse(write(t, content), nil)
		require.NoError(t, err, content)
		assert.Equal(t, 8080, c.App.Port)
	}
}

func TestBadFilesNameLineAndExpectation(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"unknown key", "app:\n  prot: 1\n", "config.yml:2: app.prot: is not a setting, expected one of: listen, port"},
		{"unknown section", "apps:\n  port: 1\n", "config.yml:1: apps: is not a setting, expected one of: app, db, index, mq"},
		{"later setting", "mq:\n  format: protobuf\n", "config.yml:2: mq.format: is not a setting"},
		{"small partitions", "mq:\n  broker_max_bytes: 1000\n", "config.yml:2: mq.broker_max_bytes: must be at least 16777216"},
		{"small spool", "mq:\n  spool_max_bytes: 1000\n", "config.yml:2: mq.spool_max_bytes: must be at least 100663296"},
		{"durability", "mq:\n  durability: always\n", "config.yml:2: mq.durability: must be fsync or os"},
		{"on full", "mq:\n  on_full: drop\n", "config.yml:2: mq.on_full: must be answer or refuse"},
		{"ops address", "app:\n  ops_listen: 8081\n", "config.yml:2: app.ops_listen: must be host:port"},
		{"text for a number", "app:\n  port: http\n", `config.yml:2: app.port: must be a whole number, not "http"`},
		{"quoted number", "app:\n  port: \"80\"\n", "must be a whole number without quotes"},
		{"second document", "app:\n---\nmq:\n", "more than one YAML document"},
		{"listen with port", "app:\n  listen: 127.0.0.1:80\n", "config.yml:2: app.listen: must be an address or a host name, without a port"},
		{"bogus host", "app:\n  listen: bogus host\n", "config.yml:2: app.listen: must be"},
		{"templates", "app:\n  templates_pattern: none/*.html\n", "config.yml:2: app.templates_pattern: no file matches"},
		{"templates' pattern", "app:\n  templates_pattern: \"[bad\"\n", "config.yml:2: app.templates_pattern: no file matches"},
		{"group's prefix", "mq:\n  group_prefix: sp ace\n", "config.yml:2: mq.group_prefix: must be letters"},
		{"topic's prefix", "mq:\n  topic_prefix: sp ace\n", "config.yml:2: mq.topic_prefix: must be letters"},
		{"DSN without a database", "db:\n  dsn: u:p@tcp(h:1)/\n", "config.yml:2: db.dsn: names no database"},
		{"list for a value", "app:\n  port: [1]\n", "config.yml:2: app.port: must be a single value"},
		{"value for a list", "mq:\n  brokers: a:1\n", "config.yml:2: mq.brokers: must be a list"},
		{"value for a section", "app: 1\n", "config.yml:1: app: must be a section"},
		{"list as the file", "- a\n", "config.yml:1: the file: must be a section"},
		{"twice", "app:\n  port: 1\n  port: 2\n", "config.yml:3: app.port: is already set in line 2"},
		{"port", "app:\n  port: 70000\n", "config.yml:2: app.port: must be 0 to 65535"},
		{"page size", "app:\n  page_size: 0\n", "app.page_size: must be 1 to 100"},
		{"duration", "app:\n  shutdown_timeout: 15\n", "config.yml:2: app.shutdown_timeout: must be a duration such as"},
		{"DSN", "db:\n  dsn: nonsense\n", "config.yml:2: db.dsn: can't be parsed"},
		{"broker", "mq:\n  brokers: [kafka]\n", `mq.brokers: "kafka" is not host:port`},
		{"topic", "mq:\n  topic: a b\n", "mq.topic: must be letters"},
		{"public broker", "mq:\n  listen: 0.0.0.0:9092\n", "mq.listen: must be a loopback address unless mq.advertise is set"},
		{"short token", "app:\n  admin_token: hushhush\n", "app.admin_token: has less than 16 characters: use at least 16 random characters"},
		{"simple token", "app:\n  admin_token: aaaaaaaaaaaaaaaaaaaa\n", "app.admin_token: has less than 5 different characters, so it is easily guessed: use at least 16 random characters"},
		{"simple secret", "app:\n  secret: abcdabcdabcdabcd\n", "app.secret: has less than 5 different characters"},
		{"base URL below the API", "app:\n  base_url: https://example.com/api/\n", "config.yml:2: app.base_url: can't have the path /api/, below which the shop has addresses of its own"},
		{"base URL of a page", "app:\n  base_url: https://example.com/privacy\n", "app.base_url: can't have the path /privacy"},
		{"daily visitor", "app:\n  daily_visitor: sometimes\n", `config.yml:2: app.daily_visitor: must be true or false without quotes, not "sometimes"`},
		{"base URL of a probe", "app:\n  base_url: https://example.com/livez\n", "app.base_url: can't have the path /livez"},
		{"contact", "app:\n  contact: the shop\n", `app.contact: must be an e-mail address or a URL with http or https, not "the shop"`},
		{"contact without an address", "app:\n  contact: \"mailto:\"\n", "app.contact: must be an e-mail address"},
		{"base URL", "app:\n  base_url: example.com\n", "app.base_url: must be like"},
		{"visitor's cookie", "app:\n  visitor_cookie: always\n", `config.yml:2: app.visitor_cookie: must be one of off, ask, on, not "always"`},
		{"proxy", "app:\n  trusted_proxies: [here]\n", "app.trusted_proxies"},
		{"not YAML", "app: [\n", "config.yml: yaml: line"},
		{"text for true or false", "mq:\n  tls:\n    enabled: maybe\n", `config.yml:3: mq.tls.enabled: must be true or false without quotes, not "maybe"`},
		{"quoted true", "mq:\n  tls:\n    enabled: \"true\"\n", "mq.tls.enabled: must be true or false without quotes"},
		{"value for a section within", "mq:\n  tls: true\n", "config.yml:2: mq.tls: must be a section of settings, expected keys: enabled, ca_file, cert_file, key_file"},
		{"unknown key of a section within", "mq:\n  sasl:\n    user: x\n", "config.yml:3: mq.sasl.user: is not a setting, expected one of: mechanism, username, password"},
		{"TLS for the embedded broker", "mq:\n  tls: {enabled: true}\n", "config.yml:2: mq.tls.enabled: is set, but mq.brokers is empty"},
		{"name for the embedded broker", "mq:\n  sasl: {mechanism: PLAIN, username: u, password: hushhush}\n", "config.yml:2: mq.sasl.mechanism: is set, but mq.brokers is empty"},
		{"CA without TLS", "mq:\n  brokers: [a:1]\n  tls: {ca_file: x}\n", "config.yml:3: mq.tls.ca_file: is set, but mq.tls.enabled is false"},
		{"no such CA", "mq:\n  brokers: [a:1]\n  tls: {enabled: true, ca_file: none.pem}\n", "config.yml:3: mq.tls.ca_file: can't be read: open none.pem"},
		{"CA file without a certificate", "mq:\n  brokers: [a:1]\n  tls: {enabled: true, ca_file: config.go}\n", "mq.tls.ca_file: config.go holds no PEM certificate"},
		{"certificate without key", "mq:\n  brokers: [a:1]\n  tls: {enabled: true, cert_file: x}\n", "mq.tls.cert_file: needs its key in mq.tls.key_file"},
		{"key without certificate", "mq:\n  brokers: [a:1]\n  tls: {enabled: true, key_file: x}\n", "mq.tls.key_file: needs its certificate in mq.tls.cert_file"},
		{"no such certificate", "mq:\n  brokers: [a:1]\n  tls: {enabled: true, cert_file: none.pem, key_file: x}\n", "mq.tls.cert_file: can't be used with mq.tls.key_file: open none.pem"},
		{"certificate file without a certificate", "mq:\n  brokers: [a:1]\n  tls: {enabled: true, cert_file: config.go, key_file: config.go}\n", "mq.tls.cert_file: can't be used with mq.tls.key_file"},
		{"mechanism", "mq:\n  brokers: [a:1]\n  sasl: {mechanism: GSSAPI, username: u, password: hushhush}\n", `mq.sasl.mechanism: must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, not "GSSAPI"`},
		{"name without mechanism", "mq:\n  brokers: [a:1]\n  sasl: {username: u}\n", "mq.sasl.username: is set, but mq.sasl.mechanism is empty"},
		{"password without mechanism", "mq:\n  brokers: [a:1]\n  sasl: {password: hushhush}\n", "mq.sasl.password: is set, but mq.sasl.mechanism is empty"},
		{"mechanism without name", "mq:\n  brokers: [a:1]\n  sasl: {mechanism: SCRAM-SHA-512, password: hushhush}\n", "mq.sasl.username: is empty"},
		{"mechanism without password", "mq:\n  brokers: [a:1]\n  sasl: {mechanism: SCRAM-SHA-512, username: u}\n", "mq.sasl.password: is empty"},
		{"password in plain text", "mq:\n  brokers: [\"127.0.0.1:1\", a:1]\n  sasl: {mechanism: PLAIN, username: u, password: hushhush}\n", "mq.sasl.mechanism: PLAIN sends the password in plain text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(write(t, test.content), nil)
			require.Error(t, err)
			assert.Contains(t, err.Error(), test.want)
			assert.NotContains(t, err.Error(), "hushhush")
		})
	}
}

func TestEdgesOfAcceptedValues(t *testing.T) {
	for _, content := range []string{
		"app:\n  contact: mailto:shop@example.com\n  imprint: shop@example.com\n",
		"app:\n  admin_token: 0123401234012340\n",
		"app:\n  base_url: https://example.com/books\n",
		"app:\n  base_url: https://example.com/static/\n",
		"app:\n  base_url: https://example.com/apis\n",
	} {
		_, err := parse(write(t, content), nil)
		assert.NoError(t, err, content)
	}
}

func TestEnvironmentWinsOverFile(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	secret := write(t, "user:pass@tcp(db:3306)/shop\n")
	c, err := parse(write(t, tutorial), []string{
		"EVENT_BOOKS_APP_PORT=0",
		"EVENT_BOOKS_DB_DSN_FILE=" + secret,
		"EVENT_BOOKS_MQ_BROKERS=a:1, b:2",
		"EVENT_BOOKS_MQ_RETENTION=7d",
		"EVENT_BOOKS_MQ_TOPIC_PREFIX=shop-2.",
		"EVENT_BOOKS_APP_DAILY_VISITOR=false",
		"OTHER=1",
	})
	require.NoError(t, err)
	assert.Equal(t, 0, c.App.Port)
	assert.Equal(t, "user:pass@tcp(db:3306)/shop", c.DB.DSN)
	assert.Equal(t, []string{"a:1", "b:2"}, c.MQ.Brokers)
	assert.Equal(t, 7*24*time.Hour, c.MQ.Retention)
	assert.Equal(t, "shop-2.lr-book-clicks", c.MQ.ClickTopic())
	assert.False(t, c.App.DailyVisitor)
}

func TestBadEnvironment(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    string
	}{
		{[]string{"EVENT_BOOKS_APP_PORT=x"}, "EVENT_BOOKS_APP_PORT: app.port: must be a whole number"},
		{[]string{"EVENT_BOOKS_APP_PROT=1"}, "EVENT_BOOKS_APP_PROT: is not a setting"},
		{[]string{"EVENT_BOOKS_DB_DSN_FILE=/does/not/exist"}, "EVENT_BOOKS_DB_DSN_FILE: db.dsn: can't be read"},
		{[]string{"EVENT_BOOKS_DB_DSN=a", "EVENT_BOOKS_DB_DSN_FILE=b"}, "is set together with EVENT_BOOKS_DB_DSN"},
	} {
		_, err := parse("", test.environ)
		require.Error(t, err)
		assert.Contains(t, err.Error(), test.want)
	}
}

// Print writes nested sections, and its output parses to the same settings.
func TestSectionsWithinSections(t *testing.T) {
	password := write(t, "correct horse\n")
	c, err := parse(write(t, "mq:\n  brokers: [\"127.0.0.1:1\"]\n  tls: {enabled: true}\n  topic: later\n"), []string{
		"EVENT_BOOKS_MQ_SASL_MECHANISM=PLAIN", "EVENT_BOOKS_MQ_SASL_USERNAME=u", "EVENT_BOOKS_MQ_SASL_PASSWORD_FILE=" + password,
		"EVENT_BOOKS_MQ_TLS_ENABLED=FALSE",
	})
	require.NoError(t, err)
	assert.False(t, c.MQ.TLS.Enabled)
	assert.Equal(t, SASLConfig{"PLAIN", "u", "correct horse"}, c.MQ.SASL)
	var out strings.Builder
	require.NoError(t, c.Print(&out))
	assert.NotContains(t, out.String(), "correct horse")
	assert.Regexp(t, `\n  tls:\n    enabled: false +# EVENT_BOOKS_MQ_TLS_ENABLED\n    ca_file: "" +# default\n(.+\n){2}  sasl:\n    mechanism: "PLAIN"`, out.String())
	again, err := parse(write(t, out.String()), nil)
	require.NoError(t, err, out.String())
	assert.Equal(t, "later", again.MQ.Topic)
	assert.Equal(t, SASLConfig{"PLAIN", "u", "***"}, again.MQ.SASL)

	for text, want := range map[string]string{"off": "off", "on": "on", `"ask"`: "ask"} { // on and off aren't booleans here
		c, err := parse(write(t, "app:\n  visitor_cookie: "+text+"\n"), nil)
		require.NoError(t, err)
		assert.Equal(t, want, c.App.VisitorCookie)
	}
	_, err = parse("", []string{"EVENT_BOOKS_MQ_TLS_ENABLED=yes"})
	assert.ErrorContains(t, err, `EVENT_BOOKS_MQ_TLS_ENABLED: mq.tls.enabled: must be true or false, not "yes"`)
}

func TestPrintMasksSecretsAndNamesOrigins(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	c, err := parse(write(t, tutorial), []string{"EVENT_BOOKS_APP_ADMIN_TOKEN=0123456789abcdef"})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, c.Print(&out))
	assert.NotContains(t, out.String(), "test_pass")
	assert.NotContains(t, out.String(), "0123456789abcdef")
	assert.Contains(t, out.String(), "test_user:***@tcp(127.0.0.1:3306)/lr_event_book")
	assert.Regexp(t, `admin_token: "\*\*\*" +# EVENT_BOOKS_APP_ADMIN_TOKEN`, out.String())
	assert.Regexp(t, `page_size: 5 +# .*config.yml:3`, out.String())
	assert.Regexp(t, `retention: 35d +# default`, out.String())

	again, err := parse(write(t, strings.ReplaceAll(out.String(), "***", "0123456789abcdef")), nil)
	require.NoError(t, err, "Print's output is a valid file")
	for i, s := range again.settings() {
		if s.secret == "" {
			assert.Equal(t, c.settings()[i].String(), s.String(), s.path)
		}
	}
}
