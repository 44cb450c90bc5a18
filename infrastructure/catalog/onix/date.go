package onix

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"literank.com/event-books/infrastructure/catalog/notation"
)

// dateOf reads the date of a composite by its format.
func dateOf(n *node) string {
	format := n.get("DateFormat")
	for _, date := range n.all("Date") {
		format = cmp.Or(date.format, format)
	}
	return onixDate(n.get("Date"), format)
}

var onixDigits = regexp.MustCompile(`^(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?(?:T.*)?$`)

// onixDate reads a date by its format (list 55). If the format is empty, the length
// of the date decides. A date that is less precise than a month is reduced to its
// year, and a range to its beginning.
func onixDate(text, format string) string {
	switch format {
	case "02", "08": // weeks
		return weekDate(text)
	case "03", "04", "09", "10", "05", "11": // quarters, seasons and years
		return yearOf(text)
	case "06":
		return plainDate(text[:min(len(text), 8)])
	case "07":
		return plainDate(text[:min(len(text), 6)])
	case "12":
		date, _ := notation.Date(text, notation.DayOrder{})
		return date
	case "20", "21", "25":
		return hijriDate(text)
	case "32":
		return ""
	}
	return plainDate(text)
}

// plainDate turns 20060807 into 2006-08-07. If only the year can be read it returns
// the year.
func plainDate(text string) string {
	m := onixDigits.FindStringSubmatch(text)
	switch {
	case m == nil:
		return yearOf(text)
	case m[2] == "" || m[2] == "00" || m[2] > "12":
		return m[1]
	case m[3] == "" || m[3] == "00" || m[3] > "31":
		return m[1] + "-" + m[2]
	}
	return m[1] + "-" + m[2] + "-" + m[3]
}

func yearOf(text string) string {
	if len(text) >= 4 && onixDigits.MatchString(text[:4]) {
		return text[:4]
	}
	return ""
}

// weekDate returns the month of a week (ISO 8601), or its year if the week lies in
// two months.
func weekDate(text string) string {
	year, err := strconv.Atoi(yearOf(text))
	if err != nil || len(text) < 6 {
		return yearOf(text)
	}
	week, err := strconv.Atoi(text[4:6])
	if err != nil || week < 1 || week > 53 {
		return yearOf(text)
	}
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // it is in week 1
	monday := fourth.AddDate(0, 0, 7*(week-1)-(int(fourth.Weekday())+6)%7)
	sunday := monday.AddDate(0, 0, 6)
	if monday.Month() == sunday.Month() {
		return monday.Format("2006-01")
	}
	return fmt.Sprintf("%04d", year)
}

// hijriDate converts a date of the Islamic calendar by its arithmetic form. That
// form can differ from the observed calendar by a day or two, so the result of a
// month is a month, and the one of a year is the year that has most of it.
func hijriDate(text string) string {
	m := onixDigits.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	year, _ := strconv.Atoi(m[1])
	month, _ := strconv.Atoi(m[2])
	day, _ := strconv.Atoi(m[3])
	switch {
	case month < 1 || month > 12:
		return hijri(year, 7, 1).Format("2006")
	case day < 1 || day > 30:
		return hijri(year, month, 15).Format("2006-01")
	}
	return hijri(year, month, day).Format(time.DateOnly)
}

// hijri returns the day of the common era. In the Islamic calendar, years have 354 days,
// and 11 of 30 years one more; months have 30 and 29 days in turn.
func hijri(year, month, day int) time.Time {
	first := time.Date(622, 7, 19, 0, 0, 0, 0, time.UTC)
	days := (year-1)*354 + (3+11*year)/30 + (month-1)*29 + month/2 + day - 1
	return first.AddDate(0, 0, days)
}
