//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// dashboardQueries are the expressions of the dashboard, by panel.
func dashboardQueries(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile("../deploy/grafana/event-books.json")
	require.NoError(t, err)
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(content, &d))
	queries := map[string]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			queries["dashboard, "+p.Title+" "+target.RefID] = strings.NewReplacer("$instance", ".*", "$__rate_interval", "5m").Replace(target.Expr)
		}
	}
	require.Greater(t, len(queries), 40)
	return queries
}

// alertQueries are the expressions of the alert rules, by alert.
func alertQueries(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile("../docs/alerts.yml")
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(content, &rules))
	queries := map[string]string{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			queries[r.Alert] = r.Expr
		}
	}
	require.Greater(t, len(queries), 10)
	return queries
}

// sample is a metric that a process exposes, with its labels.
type sample struct {
	name   string
	labels map[string]string
}

var labelPair = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)

// samplesOf reads the text that a process exposes to Prometheus.
func samplesOf(exposed string) (samples []sample) {
	for _, m := range regexp.MustCompile(`(?m)^(\w+)(\{.*\})? \S+$`).FindAllStringSubmatch(exposed, -1) {
		s := sample{m[1], map[string]string{"instance": "any"}} // which Prometheus adds
		for _, label := range labelPair.FindAllStringSubmatch(m[2], -1) {
			s.labels[label[1]] = label[2]
		}
		samples = append(samples, s)
	}
	return samples
}

// selector is a metric that a query names, with its matchers.
type selector struct{ name, matchers string }

// selectorsOf returns the metrics of a query, and the labels that it groups by.
func selectorsOf(query string) (selectors []selector, labels []string) {
	for _, by := range regexp.MustCompile(`\bby ?\(([^)]*)\)`).FindAllStringSubmatch(query, -1) {
		labels = append(labels, strings.Split(by[1], ", ")...)
	}
	query = regexp.MustCompile(`\b(?:by|without|on|ignoring) ?\([^)]*\)|\[[^]]*\]`).ReplaceAllString(query, " ")
	for _, m := range regexp.MustCompile(`([a-zA-Z_:][\w:]*)(\{[^}]*\}|\s*\()?`).FindAllStringSubmatch(query, -1) {
		if strings.HasSuffix(m[2], "(") || slices.Contains([]string{"and", "or", "unless"}, m[1]) {
			continue // a function or an operator
		}
		selectors = append(selectors, selector{m[1], m[2]})
	}
	return selectors, labels
}

// selects reports whether the labels of a sample satisfy matchers.
func (s sample) selects(matchers string) bool {
	for _, m := range regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`).FindAllStringSubmatch(matchers, -1) {
		value, operator := s.labels[m[1]], m[2]
		matches := value == m[3]
		if strings.HasSuffix(operator, "~") {
			matches = regexp.MustCompile("^(?:" + m[3] + ")$").MatchString(value)
		}
		if matches == strings.HasPrefix(operator, "!") {
			return false
		}
	}
	return true
}

// missing says which part of a query selects nothing that is exposed.
func missing(query string, samples []sample) (complaints []string) {
	selectors, labels := selectorsOf(query)
	for _, s := range selectors {
		selected := slices.DeleteFunc(slices.Clone(samples), func(found sample) bool { return found.name != s.name || !found.selects(s.matchers) })
		if len(selected) == 0 {
			complaints = append(complaints, s.name+s.matchers)
			continue
		}
		for _, label := range labels {
			if _, known := selected[0].labels[label]; !known {
				complaints = append(complaints, "label "+label+" of "+s.name)
			}
		}
	}
	return complaints
}

// Dashboard and alert rules ask for what a running shop exposes: metrics, labels and their values.
func TestQueriesAskForWhatIsExposed(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	url := p.ready()
	p.connected()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=love").code)
	p.counted(1)
	p.eventually("a ping is answered", func() bool { return get(t, url+"/ping").code == http.StatusOK })
	samples := samplesOf(get(t, "http://"+p.log.Attr("listening", "ops")+"/metrics").body)
	require.Greater(t, len(samples), 100)
	// No request of this test fails.
	samples = append(samples, sample{"event_books_http_request_duration_seconds_count", map[string]string{"instance": "any", "route": "/", "method": "GET", "status": "500"}})
	for _, queries := range []map[string]string{dashboardQueries(t), alertQueries(t)} {
		for name, query := range queries {
			selectors, _ := selectorsOf(query)
			assert.NotEmpty(t, selectors, name)
			assert.Empty(t, missing(query, samples), "%s: %s", name, query)
		}
	}
	for query, want := range map[string]string{
		`rate(event_books_searches_lost_total[5m])`:                                "event_books_searches_lost_total",
		`event_books_consumer_records{outcome="lost"}`:                             `event_books_consumer_records{outcome="lost"}`,
		`sum by (instance, topic) (event_books_spool_records)`:                     "label topic of event_books_spool_records",
		`event_books_spool_records{spool!~"searches|clicks"} > 1`:                  `event_books_spool_records{spool!~"searches|clicks"}`,
		`histogram_quantile(0.9, sum by (le) (rate(event_books_spool_bytes[5m])))`: "label le of event_books_spool_bytes",
	} {
		assert.Equal(t, []string{want}, missing(query, samples), query)
	}
}

// Prometheus parses the queries of the dashboard, as those of a rule.
func TestPromtoolParsesTheDashboard(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, of Prometheus, is not installed: ", err)
	}
	check := func(queries map[string]string) (string, error) {
		type rule struct {
			Record string
			Expr   string
		}
		var rules []rule
		for _, query := range queries {
			rules = append(rules, rule{fmt.Sprint("query:", len(rules)), query})
		}
		content, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "rules.yml")
		require.NoError(t, os.WriteFile(file, content, 0o600))
		output, err := exec.Command(promtool, "check", "rules", file).CombinedOutput()
		return string(output), err
	}
	output, err := check(dashboardQueries(t))
	assert.NoError(t, err, output)
	output, err = check(map[string]string{"broken": "sum by (instance (event_books_spool_records)"})
	assert.Error(t, err, output)
}
