package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/counting"
)

func TestTopIsReadable(t *testing.T) {
	since := time.Date(2026, 7, 1, 10, 30, 0, 0, time.UTC)
	begin := since.Add(time.Hour)
	local := func(at time.Time) string { return at.Local().Format(time.DateTime) }
	for name, test := range map[string]struct {
		report topReport
		want   string
	}{
		"a table": {
			topReport{
				Since:  since,
				Totals: counting.Totals{Keywords: 3, Requests: 120, Searches: 100, NotFound: 1, Bots: 7, Demo: 6, Unknown: 5, Copies: 4}, Unreadable: 3,
				Top: []counting.Keyword{{Keyword: "moon", Searches: 99, Requests: 119}, {Keyword: "a\x1b[2J", Searches: 1, Requests: 1, NotFound: 1}},
			},
			`searches  requests  not found  keyword
99        119       0          moon
1         1         1          a\x1b[2J

Since ` + local(since) + `: searches 100 (1 found nothing), keywords 3, requests 120.
Not counted: 7 from bots, 6 from the demo, 5 from unknown programs, 4 repeated, 3 unreadable.
`,
		},
		"bots alone": {
			topReport{Since: since, Totals: counting.Totals{Bots: 2}},
			"Since " + local(since) + ", everything came from bots. Programs such as curl count as bots.\nNot counted: 2 from bots.\n",
		},
		"nobody": {
			topReport{Since: since},
			"Since " + local(since) + ", nobody searched.\n",
		},
		"a trimmed topic": {
			topReport{Since: since, Trimmed: true, TrimmedUntil: &begin},
			"Since " + local(since) + ", nobody searched.\nSearches before " + local(begin) + " may be missing: the topic no longer has all of them.\n",
		},
		"an emptied topic": {
			topReport{Since: since, Trimmed: true},
			"Since " + local(since) + ", nobody searched.\nSearches may be missing: the topic no longer has all of them.\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			require.NoError(t, test.report.print(&out))
			assert.Equal(t, test.want, out.String())
		})
	}
	text, err := json.Marshal(topReport{Since: since, Until: begin, Top: []counting.Keyword{{Keyword: "moon", Searches: 2, Requests: 3, NotFound: 1}}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"since":"2026-07-01T10:30:00Z","until":"2026-07-01T11:30:00Z","trimmed":false,
		"keywords":0,"requests":0,"searches":0,"not_found":0,"copies":0,"bots":0,"demo":0,"unknown":0,"unreadable":0,
		"top":[{"keyword":"moon","searches":2,"requests":3,"not_found":1}]}`, string(text))
}

func TestTopRefusesBadArguments(t *testing.T) {
	for _, cmd := range []topCommand{{Since: "yesterday", Limit: 1}, {Since: "-1h", Limit: 1}, {Since: "", Limit: 1}, {Since: "1h", Limit: 0}} {
		var usage usageError
		assert.ErrorAs(t, cmd.Run(&shell{ctx: t.Context()}), &usage, "%v", cmd)
	}
}
