package notation

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// DayOrder says whether the dates of a column that are all digits put the day or
// the month first.
type DayOrder struct{ Day, Month bool }

// Learn looks for proof in a cell: no month is greater than 12.
func (o *DayOrder) Learn(cell string) {
	m := dayMonthYear.FindStringSubmatch(cell)
	if m == nil {
		return
	}
	first, second := number(m[1]), number(m[2])
	o.Day = o.Day || first > 12 && second <= 12
	o.Month = o.Month || second > 12 && first <= 12
}

var (
	isoDate = regexp.MustCompile(`^-?\d{1,4}(?:-\d{2}){0,2}$`)
	// isInconclusive matches what looks like ISO 8601 and may be something else: 13-05-12,
	// whose year isn't certain, and 1850-60.
	isInconclusive = regexp.MustCompile(`^\d{1,2}-|^\d{4}-(?:1[3-9]|[2-9]\d)$`)
	isoTime        = regexp.MustCompile(`^(-?\d{1,4}-\d{2}-\d{2})[T ]\d{2}:.*$`)

	yearMark     = regexp.MustCompile(`^(?:c|cop\.?|copyright|©|p|℗|Ⓒ|ⓒ) *(\d{4})$`)
	yearAndYear  = regexp.MustCompile(`^(\d{4}) *(?:[,;/] *(?:c|cop\.?|©|p) *\d{4}|\[.*\])$`)
	yearMonthDay = regexp.MustCompile(`^(\d{4})(?:[/.](\d{1,2})[/.](\d{1,2})(?:[T ]+\d{1,2}:.*)?|/(\d{1,2}))$`)
	shortISO     = regexp.MustCompile(`^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?$`)
	digitsOnly   = regexp.MustCompile(`^(1[4-9]\d\d|20\d\d)(\d{2})(\d{2})$`)
	dayMonthYear = regexp.MustCompile(`^ *(\d{1,2}) *[/.-] *(\d{1,2}) *[/.-] *(\d{4})(?: +\d{1,2}:.*)?\.? *$`)
	monthYear    = regexp.MustCompile(`^(\d{1,2})[/.-](\d{4})$`)
	wordDate     = regexp.MustCompile(`^(?:(\d{1,2})(?:\.|st|nd|rd|th|er|º|ª)? *(?:de |of |-)?)?(\pL{3,})\.?,?(?: (\d{1,2})(?:st|nd|rd|th)?,)? *(?:de |del |of |-)?(\d{4})(?:,? \d{1,2}:.*)?$`)
	yearFirst    = regexp.MustCompile(`^(\d{4}),? *-?(\pL{3,})\.?(?:[ -](\d{1,2}))?$`)
	eastern      = regexp.MustCompile(`^(?:(明治|大正|昭和|平成|令和|民國|民国)(\d{1,3}|元)|(\d{4}))年 *(?:(\d{1,2})月 *(?:(\d{1,2})日)?)?(?:第?\d*版|初版|第\d+刷|刊|発行|出版|发行)?$`)
	corrected    = regexp.MustCompile(`^\d{4} *\[?i\. ?e\.?,? *(\d{4})$`)
	shortRange   = regexp.MustCompile(`^(\d{4}) ?[-/] ?(\d{2})$`)
	yearRange    = regexp.MustCompile(`^(\d{4}) *[-/] *(?:\d{4})?$`)
	seasonYear   = regexp.MustCompile(`^(?:spring|summer|autumn|fall|winter|frühjahr|frühling|sommer|herbst|printemps|été|automne|hiver|primavera|verano|otoño|invierno|estate|autunno|inverno|весна|лето|осень|зима|q[1-4]|[1-4]\. quartal|published|erschienen|first published|publ?\.|reprint|reprinted)(?: of| de)?,? (\d{4})$|^(\d{4})[ -]?q[1-4]$`)
	remarkBehind = regexp.MustCompile(`^(.*\d.*?)\s*\([^()]*\)$`)
	about        = regexp.MustCompile(`(?i)^(?:ca?\.?|circa|approx\.?|about|um|vers|hacia|около|约|約) *(\d{4})$`)
	// The marks of the eras, in lower case: BC, v. Chr., av. J.-C., a. C., до н. э.; CE, AD, n. Chr., d. C.
	beforeCommonEra = regexp.MustCompile(`^(?:ca?\.? *)?(\d{1,4})年? *(?:b\.? ?c\.?(?: ?e)?|v\.? ?chr|vor christus|v\. ?u\. ?z|av(?:\.|ant)? ?j\.? ?-?c|a\. ?c|до н\. ?э|до нашей эры|до р\. ?х)\.?$|^(?:公元前|紀元前|纪元前|bc|b\.c\.) *(\d{1,4})年?$`)
	commonEra       = regexp.MustCompile(`^(?:ca?\.? *)?(\d{1,4})年? *(?:c\.? ?e|a\.? ?d|n\.? ?chr|nach christus|u\. ?z|ap(?:r\.?|rès)? ?j\.? ?-?c|d\. ?c|н\. ?э|нашей эры)\.?$|^(?:ad|a\.d\.|anno domini|公元|西暦|西曆) *(\d{1,4})年?$`)
	weekday         = regexp.MustCompile(`^\pL{2,10}\.?, *(\d{1,2}\.? .*?)(?: \d{1,2}:.*)?$`)
)

// Date reads a date in the notations of several languages, as far as it is known:
// a year, a month or a day. It returns "" for dates that stand for an unknown one,
// and reports false if it can't read the cell, or if its year isn't certain: 18--, 1850s,
// 12-May-13. A day and a month that could be either, and that order doesn't decide, leave
// the year.
func Date(cell string, order DayOrder) (date string, ok bool) {
	text := cell
	if len(cell) > len("2001-02-28") || strings.Contains(cell, ".") {
		text = isoTime.ReplaceAllString(WithoutFraction(cell), "$1")
	}
	if text != "" && (!isoDate.MatchString(text) || isInconclusive.MatchString(text)) {
		text, ok = wordyDate(text, order)
		if !ok {
			return "", false
		}
	}
	if isUnknown(text) {
		return "", true
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "-00"), "-00"), true
}

// isUnknown recognises the dates that programs write when they know none.
func isUnknown(date string) bool {
	switch date {
	case "0101-01-01", "0001-01-01", "0000-00-00", "9999", "9999-12-31", "9999-99-99":
		return true
	}
	return strings.Trim(date, "0") == ""
}

// wordyDate reads the notations that aren't ISO 8601.
func wordyDate(cell string, order DayOrder) (string, bool) {
	if len(cell) > 100 {
		return "", false
	}
	text := bareDate(cell)
	if year, ok := yearOfEra(strings.ToLower(text)); ok {
		return year, true
	}
	if year, ok := yearAlone(strings.ToLower(text)); ok {
		return year, true
	}
	if date, ok := digitDate(text, order); ok {
		return date, true
	}
	if date, ok := namedDate(strings.ToLower(text)); ok {
		return date, true
	}
	if m := eastern.FindStringSubmatch(chineseYear(koreanMarks.Replace(text))); m != nil {
		return join(commonYear(m[1], m[2], m[3]), m[4], m[5])
	}
	return "", false
}

// bareDate cuts off what may stand around a date: brackets, remarks, a full stop, the day
// of the week.
func bareDate(cell string) string {
	text := remarkBehind.ReplaceAllString(plain(cell), "$1")
	for range 2 {
		text = strings.TrimSpace(strings.TrimRight(strings.Trim(text, "[](){}<>"), ".?,;: "))
	}
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(text, " года"), "г"))
	return weekday.ReplaceAllString(text, "$1")
}

// yearOfEra reads a year that names its era. A year before the common era is negative.
func yearOfEra(text string) (string, bool) {
	if m := beforeCommonEra.FindStringSubmatch(text); m != nil {
		return "-" + strings.TrimLeft(m[1]+m[2], "0"), strings.Trim(m[1]+m[2], "0") != ""
	}
	if m := commonEra.FindStringSubmatch(text); m != nil {
		return m[1] + m[2], strings.Trim(m[1]+m[2], "0") != ""
	}
	return "", false
}

// yearAlone reads a year with a mark beside it, or the beginning of a range of years.
func yearAlone(text string) (string, bool) {
	if len(text) == 4 && isoDate.MatchString(text) {
		return text, true
	}
	for _, pattern := range []*regexp.Regexp{about, yearMark, yearAndYear, corrected, yearRange, seasonYear} {
		if m := pattern.FindStringSubmatch(text); m != nil {
			return strings.Join(m[1:], ""), true
		}
	}
	return beginning(text)
}

// beginning reads ranges such as 1850-60 and 1999/2000. The second number is no month.
func beginning(text string) (string, bool) {
	m := shortRange.FindStringSubmatch(text)
	if m == nil || number(m[2]) <= 12 || number(m[2]) <= number(m[1][2:]) {
		return "", false
	}
	return m[1], true
}

// digitDate reads a date that is all digits.
func digitDate(text string, order DayOrder) (string, bool) {
	if m := yearMonthDay.FindStringSubmatch(text); m != nil {
		return join(m[1], m[2]+m[4], m[3])
	}
	for _, pattern := range []*regexp.Regexp{shortISO, digitsOnly} {
		if m := pattern.FindStringSubmatch(text); m != nil {
			return join(m[1], m[2], m[3])
		}
	}
	if m := dayMonthYear.FindStringSubmatch(text); m != nil {
		return numericDate(m[3], m[1], m[2], strings.Contains(text, "."), order)
	}
	if m := monthYear.FindStringSubmatch(text); m != nil {
		return join(m[2], m[1], "")
	}
	return "", false
}

// namedDate reads a date with the name of a month.
func namedDate(text string) (string, bool) {
	m := wordDate.FindStringSubmatch(text)
	if m != nil && months[model.Fold(m[2])] > 0 && (m[1] == "" || m[3] == "") {
		return join(m[4], strconv.Itoa(months[model.Fold(m[2])]), m[1]+m[3])
	}
	m = yearFirst.FindStringSubmatch(text)
	if m != nil && months[model.Fold(m[2])] > 0 {
		return join(m[1], strconv.Itoa(months[model.Fold(m[2])]), m[3])
	}
	return "", false
}

var koreanMarks = strings.NewReplacer("년", "年", "월", "月", "일", "日")

// chineseYear writes a year such as 二〇一三年 in digits.
func chineseYear(text string) string {
	const digits = "〇一二三四五六七八九"
	year, rest, ok := strings.Cut(text, "年")
	if !ok || utf8.RuneCountInString(year) != 4 {
		return text
	}
	number := ""
	for _, r := range strings.ReplaceAll(year, "零", "〇") {
		at := strings.IndexRune(digits, r)
		if at < 0 {
			return text
		}
		number += strconv.Itoa(at / len("〇"))
	}
	return number + "年" + rest
}

// numericDate reads 28.2.2001, 28/2/2001 or 2/28/2001. Dates with points put the
// day first everywhere.
func numericDate(year, first, second string, points bool, order DayOrder) (string, bool) {
	switch {
	case points || number(first) > 12 || order.Day && !order.Month || first == second:
		return join(year, second, first)
	case number(second) > 12 || order.Month && !order.Day:
		return join(year, first, second)
	}
	return year, true
}

// join writes a date. A month or a day of 0 is unknown.
func join(year, month, day string) (string, bool) {
	y, m, d := number(year), number(month), number(day)
	switch {
	case m > 12 || d > 31:
		return "", false
	case m == 0:
		return fmt.Sprintf("%04d", y), true
	case d == 0:
		return fmt.Sprintf("%04d-%02d", y, m), true
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d), true
}

// number is the value of a few digits, or 0 if there are none.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// commonYear turns a year of a Japanese era, or of the Republic of China, into a year of
// the common era.
func commonYear(era, inEra, year string) string {
	first := map[string]int{"民國": 1912, "民国": 1912, "明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}[era]
	if first == 0 {
		return year
	}
	return strconv.Itoa(first + max(number(inEra), 1) - 1)
}

// months has the folded names of the months and their short forms.
var months = func() map[string]int {
	byName := map[string]int{}
	for _, names := range [][12]string{
		{"january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug", "september sep sept", "october oct", "november nov", "december dec"},
		{"januar jänner", "februar feber", "märz mär mrz", "", "mai", "juni", "juli", "", "", "oktober okt", "", "dezember dez"},
		{"janvier janv", "février févr fév", "mars", "avril avr", "", "juin", "juillet juil", "août", "septembre", "octobre", "novembre", "décembre déc"},
		{"enero ene", "febrero", "marzo", "abril abr", "mayo", "junio", "julio", "agosto ago", "septiembre setiembre", "octubre", "noviembre", "diciembre dic"},
		{"gennaio gen", "febbraio", "", "aprile", "maggio mag", "giugno giu", "luglio lug", "", "settembre set", "ottobre ott", "", "dicembre"},
		{"январь января янв", "февраль февраля фев февр", "март марта мар", "апрель апреля апр", "май мая", "июнь июня июн", "июль июля июл", "август августа авг", "сентябрь сентября сен сент", "октябрь октября окт", "ноябрь ноября ноя нояб", "декабрь декабря дек"},
		{"janeiro", "fevereiro fev", "março", "", "maio", "junho", "julho", "", "setembro", "outubro out", "novembro", "dezembro"},
		{"januari", "februari", "maart", "", "mei", "", "", "augustus", "", "", "", ""},
	} {
		for i, forms := range names {
			for _, form := range strings.Fields(forms) {
				byName[model.Fold(form)] = i + 1
			}
		}
	}
	return byName
}()
