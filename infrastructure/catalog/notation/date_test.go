package notation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/notation"
)

func TestDates(t *testing.T) {
	for cell, want := range map[string]string{
		"2008": "2008", "2008.0": "2008", "-44": "-44", "850": "850", "2001-02": "2001-02", "2001-02-28": "2001-02-28", "-44-03-15": "-44-03-15",
		"2009-04-01T00:00:00.000-0700": "2009-04-01", "2007-03-01T00:00:00+00:00": "2007-03-01", "2001-02-28 10:00:00": "2001-02-28",
		"3/2019": "2019-03", "03/2019": "2019-03", "3.2019": "2019-03", "11-2019": "2019-11", "2019/3": "2019-03", "2019/03/15": "2019-03-15", "2019.3.15": "2019-03-15", "2019. 3. 15": "", "2001-2-8": "2001-02-08",
		"28.2.2001": "2001-02-28", "3.4.2001": "2001-04-03", "28/2/2001": "2001-02-28", "2/28/2001": "2001-02-28", "3/4/2001": "2001", "4/4/2001": "2001-04-04", "15-03-2019": "2019-03-15",
		"May 2013": "2013-05", "Sept. 2013": "2013-09", "12 May 2013": "2013-05-12", "May 12, 2013": "2013-05-12", "May 12th, 2013": "2013-05-12", "12-May-2013": "2013-05-12", "May, 2013": "2013-05", "1st of May 2013": "2013-05-01",
		"Mai 2013": "2013-05", "12. März 2013": "2013-03-12", "März 2013": "2013-03", "12 août 2013": "2013-08-12", "1er mai 2013": "2013-05-01", "mayo de 2013": "2013-05", "12 de mayo de 2013": "2013-05-12", "maggio 2013": "2013-05", "май 2013": "2013-05", "12 мая 2013 г.": "2013-05-12", "2013 г.": "2013",
		"1948年": "1948", "1948年5月": "1948-05", "1948年5月3日": "1948-05-03", "１９４８年": "1948", "昭和23年": "1948", "令和元年": "2019", "平成3年10月": "1991-10",
		"c2007.": "2007", "c2007": "2007", "©2007": "2007", "© 2007": "2007", "cop. 2007": "2007", "p1999": "1999", "[2011]": "2011", "[2011?]": "2011", "2011?": "2011", "2011.": "2011", "(2011)": "2011", "2008, c2007": "2008", "20060807": "2006-08-07",
		"0": "", "0000": "", "0101-01-01T00:00:00+00:00": "", "0001-01-01": "", "2019/00/00": "2019", "1815/12/00": "1815-12",
		"soon": "", "Mayhem 2013": "", "12345": "", "2008.5": "", "ca. 1800": "", "1e3": "", "13/2019": "", "32.1.2001": "", "5 May 12, 2013": "", "12060807": "", "": "",
	} {
		got, ok := notation.Date(cell, notation.DayOrder{})
		assert.Equal(t, want, got, cell)
		if ok && got != "" {
			b := model.Book{Title: "Emma", PublishedAt: got}
			assert.NoError(t, b.Validate(), cell)
		}
	}
	for _, unknown := range []string{"0", "0000-00-00", "0101-01-01"} {
		_, ok := notation.Date(unknown, notation.DayOrder{})
		assert.True(t, ok, "%s is no mistake", unknown)
	}
	_, ok := notation.Date("soon", notation.DayOrder{})
	assert.False(t, ok)
}

func TestTheOtherCellsProveTheOrderOfDayAndMonth(t *testing.T) {
	for want, column := range map[string][]string{
		"2001-04-03": {"1/2/2001", "13/2/2001"}, "2001-03-04": {"1/2/2001", "2/13/2001"}, "2001": {"13/2/2001", "2/13/2001"},
	} {
		var order notation.DayOrder
		for _, cell := range column {
			order.Learn(cell)
		}
		got, _ := notation.Date("3/4/2001", order)
		assert.Equal(t, want, got)
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"3/2019", "12 May 2013", "1948年5月3日", "c2007.", "28.2.2001", "昭和23年", "٢٠٠٨"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var order notation.DayOrder
		order.Learn(s)
		date, ok := notation.Date(s, order)
		if !ok && date != "" || len(date) > len("-2001-02-28") {
			t.Errorf("Date(%q) = %q, %t", s, date, ok)
		}
	})
}
