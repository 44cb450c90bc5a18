package desk

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

var english = message.NewPrinter(language.English)

// number writes 33629 as "33,629".
func number(n int64) string { return english.Sprint(n) }

// percent writes a part of one, or a dash for none.
func percent(part *float64) string {
	if part == nil {
		return "–"
	}
	return strconv.FormatFloat(100**part, 'f', 1, 64) + " %"
}

// decimal writes a number with one digit after the point, or a dash for none.
func decimal(n *float64) string {
	if n == nil {
		return "–"
	}
	return strconv.FormatFloat(*n, 'f', 1, 64)
}

// change says by how much a number has grown, as "+12 %", or nothing if there was nothing before.
func change(now, before int64) string {
	if before == 0 {
		return ""
	}
	return fmt.Sprintf("%+.0f %%", 100*float64(now-before)/float64(before))
}

// clock writes a time in UTC.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
