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
	chartWidth, chartHeight = 640, 140
)

// history draws searches over time as bars, with those that found nothing in front. The table
// beside it says the same to those who don't see it.
func history(points []insights.Point) template.HTML {
	most := int64(1)
	for _, p := range points {
		most = max(most, p.Searches)
	}
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg class="chart" viewBox="0 0 %d %d" aria-hidden="true" focusable="false">`, chartWidth, chartHeight)
	step := float64(chartWidth) / float64(max(1, len(points)))
	const room = chartHeight - 1 // for the axis
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
	fmt.Fprintf(&svg, `<line x1="0" y1="%d" x2="%d" y2="%d"/>`, room, chartWidth, room)
	svg.WriteString("</svg>")
	return template.HTML(svg.String()) // numbers and times alone
}

// axis are the labels below a history: its first time, the middle and the last one.
func axis(points []insights.Point) (labels []string) {
	layout := "15:04"
	if len(points) > 1 && points[1].From.Sub(points[0].From) >= 24*time.Hour {
		layout = "2 Jan"
	}
	for _, i := range []int{0, len(points) / 2, len(points) - 1} {
		labels = append(labels, points[i].From.UTC().Format(layout))
	}
	return labels
}
