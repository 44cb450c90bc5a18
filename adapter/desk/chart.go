package desk

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"literank.com/event-books/application/insights"
)

// The size of a chart, in units of its picture.
const (
	chartWidth, chartHeight = 640, 160
	chartFoot               = 18 // for the labels of the axis
)

// history draws searches over time as bars, with those that found nothing in front. The table
// beside it says the same to those who don't see it.
func history(points []insights.Point, layout string) template.HTML {
	most := int64(1)
	for _, p := range points {
		most = max(most, p.Searches)
	}
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg class="chart" viewBox="0 0 %d %d" aria-hidden="true" focusable="false">`, chartWidth, chartHeight)
	step := float64(chartWidth) / float64(max(1, len(points)))
	const room = chartHeight - chartFoot
	bar := func(class string, at int, n int64) {
		height := float64(room) * float64(n) / float64(most)
		if n > 0 {
			fmt.Fprintf(&svg, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, float64(at)*step+step*.1, room-height, step*.8, height)
		}
	}
	for i, p := range points {
		bar("searches", i, p.Searches)
		bar("missed", i, p.NotFound)
	}
	fmt.Fprintf(&svg, `<line class="axis" x1="0" y1="%d" x2="%d" y2="%d"/>`, room, chartWidth, room)
	for _, at := range []struct {
		i      int
		x      int
		anchor string
	}{{0, 0, "start"}, {len(points) / 2, chartWidth / 2, "middle"}, {len(points) - 1, chartWidth, "end"}} {
		if at.i >= 0 && at.i < len(points) {
			fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="%s">%s</text>`, at.x, chartHeight-4, at.anchor, points[at.i].From.UTC().Format(layout))
		}
	}
	svg.WriteString("</svg>")
	return template.HTML(svg.String()) // numbers and times alone
}

// layoutOf is how the times of a history are written.
func layoutOf(points []insights.Point) string {
	if len(points) > 1 && points[1].From.Sub(points[0].From) >= 24*time.Hour {
		return time.DateOnly
	}
	return "15:04"
}
