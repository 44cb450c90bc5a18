// Package grafana has a dashboard for Grafana.
package grafana

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const file = "event-books.json"

// classic is the format that all versions of Grafana import.
//
//lint:ignore SA1019 its successor is for newer versions only
type classic = dashboard.Dashboard

// problems are what Grafana's own schema says about a dashboard.
func problems(content []byte) (*classic, cog.BuildErrors) {
	known := cog.NewRuntime()
	known.RegisterPanelcfgVariant(timeseries.VariantConfig())
	known.RegisterPanelcfgVariant(stat.VariantConfig())
	known.RegisterDataqueryVariant(prometheus.VariantConfig())
	d, strict := &classic{}, &classic{} // strictly decoded panels are empty
	var all cog.BuildErrors
	for _, err := range []error{json.Unmarshal(content, d), d.Validate(), strict.UnmarshalJSONStrict(content)} {
		if found, ok := errors.AsType[cog.BuildErrors](err); ok { // without any, too
			all = append(all, found...)
		} else if err != nil {
			all = append(all, &cog.BuildError{Message: err.Error()})
		}
	}
	return d, all
}

func read(t *testing.T) (content []byte, panels []*dashboard.Panel) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	d, wrong := problems(content)
	require.Empty(t, wrong)
	for _, p := range d.Panels {
		switch {
		case p.RowPanel != nil:
			row := &dashboard.Panel{Type: p.RowPanel.Type, Title: p.RowPanel.Title, Id: &p.RowPanel.Id, GridPos: p.RowPanel.GridPos}
			assert.Empty(t, p.RowPanel.Panels, "an open row has no panels of its own")
			panels = append(panels, row)
		default:
			panels = append(panels, p.Panel)
		}
	}
	return content, panels
}

func TestTheDashboardFollowsGrafanasSchema(t *testing.T) {
	content, panels := read(t)
	assert.Greater(t, len(panels), 30)
	for old, mistyped := range map[string]string{
		`"legendFormat"`: `"legendFromat"`, `"showLegend"`: `"shwoLegend"`, `"gridPos"`: `"gridpos"`, `"schemaVersion": 39`: `"schemaVersion": "39"`,
		`"lineWidth": 1`: `"lineWidth": "1"`,
	} {
		require.Contains(t, string(content), old)
		_, wrong := problems([]byte(strings.Replace(string(content), old, mistyped, 1)))
		assert.NotEmpty(t, wrong, mistyped)
	}
}

func TestEachPanelIsDescribed(t *testing.T) {
	_, panels := read(t)
	ids, titles := map[uint32]bool{}, map[string]bool{}
	for _, p := range panels {
		name := *p.Title
		assert.NotEmpty(t, name)
		assert.False(t, ids[*p.Id], "the id %d comes twice", *p.Id)
		assert.False(t, titles[name], "the title %s comes twice", name)
		ids[*p.Id], titles[name] = true, true
		if p.Type == "row" {
			continue
		}
		assert.Contains(t, []string{"timeseries", "stat"}, p.Type, "%s needs a plugin", name)
		require.NotNil(t, p.FieldConfig, name)
		require.NotNil(t, p.FieldConfig.Defaults.Unit, name)
		assert.NotEmpty(t, *p.FieldConfig.Defaults.Unit, name)
		require.NotNil(t, p.Description, name)
		assert.Regexp(t, `^[A-Z][^.]+(mq\.[^.]+)?\.$`, *p.Description, "%s: one sentence", name)
		require.NotNil(t, p.Datasource, name)
		assert.Equal(t, "${datasource}", *p.Datasource.Uid, name)
		require.NotEmpty(t, p.Targets, name)
		refs := map[string]bool{}
		for _, target := range p.Targets {
			query := target.(*prometheus.Dataquery)
			assert.False(t, refs[*query.RefId], name)
			refs[*query.RefId] = true
			assert.Equal(t, "${datasource}", *query.Datasource.Uid, name)
			assert.Contains(t, query.Expr, `instance=~"$instance"`, name)
			kept := regexp.MustCompile(`\bby \(([^)]*)\)`).FindStringSubmatch(query.Expr)
			require.NotNil(t, kept, "%s: the expression sums over instances", name)
			for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(*query.LegendFormat, -1) {
				assert.Contains(t, strings.Split(kept[1], ", "), label[1], "%s: the legend needs a label", name)
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	_, panels := read(t)
	const width = 24
	taken := map[string]string{}
	for _, p := range panels {
		at := p.GridPos
		require.NotNil(t, at, *p.Title)
		assert.Positive(t, at.H, *p.Title)
		assert.LessOrEqual(t, at.X+at.W, uint32(width), *p.Title)
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				cell := fmt.Sprint(x, " ", y)
				assert.Empty(t, taken[cell], "%s overlaps another panel", *p.Title)
				taken[cell] = *p.Title
			}
		}
	}
}
