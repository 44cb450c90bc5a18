package pages

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0 books", 1: "1 book", 2: "2 books", 999: "999 books", 1000: "1,000 books", 33_629: "33,629 books", 1_234_567: "1,234,567 books"} {
		assert.Equal(t, want, countBooks(n))
	}
}

func TestPrices(t *testing.T) {
	for _, c := range []struct{ amount, currency, want string }{
		{"5.8", "EUR", "€5.80"},
		{"5", "EUR", "€5.00"},
		{"12.90", "USD", "$12.90"},
		{"0", "GBP", "£0.00"},
		{"1234.5", "EUR", "€1,234.50"},
		{"12.900000", "EUR", "€12.90"},
		{"12.3456", "EUR", "€12.3456"},
		{"1200", "JPY", "¥1,200"},
		{"1200.00", "JPY", "¥1,200"},
		{"1200.5", "JPY", "¥1,200.5"},
		{"59", "CNY", "CN¥59.00"},
		{"24.9", "CHF", "CHF\u00a024.90"},
		{"3.5", "BHD", "BHD\u00a03.500"},
		{"100", "CAD", "CA$100.00"},
		{"123456789012.99", "EUR", "€123,456,789,012.99"},
		{"9007199254740993.01", "EUR", "€9,007,199,254,740,993.01"},
		{"5.80", "", "5.80"},
		{"1200", "", "1,200"},
		{"5.80", "nonsense", "5.80"},
		{"about five", "EUR", "about five EUR"},
	} {
		assert.Equal(t, c.want, price(c.amount, c.currency), "%s %s", c.amount, c.currency)
	}
}

func TestDates(t *testing.T) {
	for published, want := range map[string]string{
		"":            "",
		"1925":        "1925",
		"1925-04":     "April 1925",
		"1925-04-26":  "26 April 1925",
		"2001-12-01":  "1 December 2001",
		"0008":        "8 CE",
		"8":           "8 CE",
		"0800-03-05":  "5 March 800 CE",
		"1000":        "1000",
		"-51":         "51 BCE",
		"-0051":       "51 BCE",
		"-0043-03":    "March 43 BCE",
		"-0043-03-15": "15 March 43 BCE",
		"c. 1850":     "c. 1850",
		"1925-13":     "1925-13",
		"1925/04":     "1925/04",
		"12345":       "12345",
		"Meiji 38":    "Meiji 38",
	} {
		assert.Equal(t, want, date(published), published)
	}
	for first, want := range map[int]string{1990: "1990–1999", 1900: "1900–1909", 800: "800–809 CE", 0: "0–9 CE", -380: "380–371 BCE", -10: "10–1 BCE"} {
		assert.Equal(t, want, decade(first))
	}
}
