package notation_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/infrastructure/catalog/notation"
)

func TestPrices(t *testing.T) {
	for cell, want := range map[string]notation.Price{
		"12.90": {Amount: "12.90"}, "0": {Amount: "0"}, "12": {Amount: "12"}, "12,90": {Amount: "12.90"}, "8,5": {Amount: "8.5"},
		"17,99 €": {"17.99", "EUR", false}, "€ 3,40": {"3.40", "EUR", false}, "€3.40": {"3.40", "EUR", false}, "17,99€": {"17.99", "EUR", false},
		"79,95 EUR": {"79.95", "EUR", false}, "EUR 24,90": {"24.90", "EUR", false}, "eur24.90": {"24.90", "EUR", false}, "24.90 Euro": {"24.90", "EUR", false},
		"$12.90": {"12.90", "USD", true}, "US$ 12.90": {"12.90", "USD", false}, "12.90 $": {"12.90", "USD", true}, "$12.90 USD": {"12.90", "USD", false}, "CA$ 5": {"5", "CAD", false},
		"£9.99": {"9.99", "GBP", true}, "GBP 9.99": {"9.99", "GBP", false},
		"¥1,200": {"1200", "JPY", true}, "￥1200": {"1200", "JPY", true}, "1,200円": {"1200", "JPY", false}, "28.00元": {"28.00", "CNY", false}, "RMB 45": {"45", "CNY", false}, "CNY28.50": {"28.50", "CNY", false}, "¥28.00元": {"28.00", "CNY", false},
		"1.234,50": {Amount: "1234.50"}, "1,234.50": {Amount: "1234.50"}, "1 234,50": {Amount: "1234.50"}, "1\u00a0234,50\u00a0€": {"1234.50", "EUR", false}, "1\u202f234 ₽": {"1234", "RUB", false}, "450 руб.": {"450", "RUB", false},
		"CHF 1'234.50": {"1234.50", "CHF", false}, "1’234.50": {Amount: "1234.50"}, "CHF 24.–": {"24", "CHF", false}, "24,-- €": {"24", "EUR", false}, "24,-": {Amount: "24"}, "SFr. 19.90": {"19.90", "CHF", false},
		"1.234.567,89": {Amount: "1234567.89"}, "1,234,567": {Amount: "1234567"}, "1,23,456.50": {Amount: "123456.50"},
		"1.234": {Amount: "1234"}, "1,234": {Amount: "1234"}, "12.900 €": {"12900", "EUR", false}, "0.125": {Amount: "0.125"}, "0,500": {Amount: "0.500"}, "1234.567": {Amount: "1234.567"}, ".50": {Amount: "0.50"}, "012.90": {Amount: "12.90"},
		"17,99 € (D)": {"17.99", "EUR", false}, "17,99 € [D]": {"17.99", "EUR", false}, "17,99 € inkl. MwSt.": {"17.99", "EUR", false}, "29,90 zł": {"29.90", "PLN", false}, "١٢٫٥": {Amount: "12.5"}, "１２．９０": {Amount: "12.90"}, "19,99 EUR*": {"19.99", "EUR", false}, "17,99 € (D) / 18,50 € (A)": {"17.99", "EUR", false}, "129 kr": {"129", "", true}, "Fr. 12.50": {"12.50", "", true}, "299,- Kč": {"299", "CZK", false}, "15,000원": {"15000", "KRW", false}, "12.90 (EUR)": {"12.90", "EUR", false}, "[12.90]": {Amount: "12.90"}, "ab 12,90 €": {"12.90", "EUR", false}, "12.90 €/Stk": {"12.90", "EUR", false}, `="12.90"`: {Amount: "12.90"}, "17·99": {Amount: "17.99"}, "(12.90)": {},
		"": {}, "-1": {}, "€ -3": {}, "free": {}, "12.90-15.00": {}, "12 90": {}, "1.2.3": {}, "12.90 EUR/USD": {}, "EUR 5 USD": {}, "12 Taler": {}, "1e3": {}, "1,2345,678": {},
	} {
		got, ok := notation.ParsePrice(cell, notation.DecimalSigns{})
		assert.Equal(t, want, got, cell)
		assert.Equal(t, want != notation.Price{}, ok, cell)
	}
}

func TestTheOtherCellsProveADecimalSign(t *testing.T) {
	for name, c := range map[string]struct {
		column []string
		cell   string
		want   string
	}{
		"no proof":              {[]string{"12.900", "5", "1.000"}, "12.900", "12900"},
		"two digits after it":   {[]string{"5.50"}, "12.900", "12.900"},
		"four digits before it": {[]string{"1234.500"}, "12.900", "12.900"},
		"after a group":         {[]string{"1,234.500"}, "12.900", "12.900"},
		"the other sign":        {[]string{"5,50"}, "12.900", "12900"},
		"a comma":               {[]string{"5,50 €"}, "12,900", "12.900"},
		"two signs":             {[]string{"5,50", "5.50"}, "12.900", "12900"},
		"no prices":             {[]string{"soon", ""}, "12,900", "12900"},
	} {
		t.Run(name, func(t *testing.T) {
			var signs notation.DecimalSigns
			for _, cell := range c.column {
				signs.Learn(cell)
			}
			got, ok := notation.ParsePrice(c.cell, signs)
			assert.True(t, ok)
			assert.Equal(t, c.want, got.Amount)
		})
	}
}

func TestUnitsInHeaders(t *testing.T) {
	for header, want := range map[string][2]string{
		"Preis (EUR)": {"Preis", "EUR"}, "Preis in EUR": {"Preis", "EUR"}, "Preis [€]": {"Preis", "EUR"}, "price_usd": {"price", "USD"}, "Price ($)": {"Price", "USD"}, "Preis €": {"Preis", "EUR"}, "Preis€": {"Preis", "EUR"},
		"定价（元）": {"定价", "CNY"}, "価格(円)": {"価格", "JPY"}, "Цена, руб.": {"Цена", "RUB"}, "Цена (₽)": {"Цена", "RUB"}, "Regular price (GBP)": {"Regular price", "GBP"}, "Preis (in CHF)": {"Preis", "CHF"},
		"Preis": {"Preis", ""}, "Preis (alt)": {"Preis (alt)", ""}, "(EUR)": {"(EUR)", ""}, "EUR": {"EUR", ""}, "Sale price": {"Sale price", ""}, "": {"", ""},
	} {
		name, code, ok := notation.CutUnit(header)
		assert.Equal(t, want, [2]string{name, code}, header)
		assert.Equal(t, want[1] != "", ok, header)
	}
}

func FuzzPrice(f *testing.F) {
	for _, s := range []string{"1.234,50 €", "EUR 24,90", "¥1,200", "CHF 1'234.–", ".5", "1 234"} {
		f.Add(s)
	}
	decimal := regexp.MustCompile(`^\d+(\.\d+)?$`)
	f.Fuzz(func(t *testing.T, s string) {
		var signs notation.DecimalSigns
		signs.Learn(s)
		if p, ok := notation.ParsePrice(s, signs); ok && !decimal.MatchString(p.Amount) {
			t.Errorf("ParsePrice(%q) = %q", s, p.Amount)
		}
	})
}
