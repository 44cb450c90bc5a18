package notation

import (
	"regexp"
	"strings"

	"golang.org/x/text/currency"

	"literank.com/event-books/domain/model"
)

// Price is a price as a shop writes it.
type Price struct {
	// Amount is a decimal number such as "12.90".
	Amount string
	// Currency is an ISO 4217 code, or empty if the price names none.
	Currency string
	// Ambiguous is set if several countries use the currency's sign.
	Ambiguous bool
}

// DecimalSigns says which signs have proved to be decimal signs in a column.
type DecimalSigns struct{ Point, Comma bool }

// decides returns the only sign that has proved to be a decimal sign.
func (d DecimalSigns) decides() string {
	switch {
	case d.Point == d.Comma:
		return ""
	case d.Point:
		return "."
	}
	return ","
}

// Learn looks for proof in a cell.
func (d *DecimalSigns) Learn(cell string) {
	_, number, _, ok := cutPrice(cell)
	if !ok {
		return
	}
	switch sign, _ := decimalSign(number, ""); sign {
	case ".":
		d.Point = true
	case ",":
		d.Comma = true
	}
}

// ParsePrice reads a price with or without a currency before or after it. One
// separator before exactly three digits groups thousands, unless signs prove that
// it is the decimal sign.
func ParsePrice(cell string, signs DecimalSigns) (p Price, ok bool) {
	before, number, after, ok := cutPrice(cell)
	if !ok {
		return p, false
	}
	for _, unit := range []string{before, after} {
		if unit == "" {
			continue
		}
		code, ambiguous, ok := Currency(unit)
		if !ok || p.Currency != "" && !p.Ambiguous && !ambiguous && p.Currency != code {
			return Price{}, false
		}
		if p.Currency == "" || p.Ambiguous {
			p.Currency, p.Ambiguous = code, ambiguous
		}
	}
	sign, ok := decimalSign(number, signs.decides())
	if !ok {
		return Price{}, false
	}
	whole, fraction := number, ""
	if sign != "" {
		at := strings.LastIndex(number, sign)
		whole, fraction = number[:at], number[at:]
	}
	whole = strings.TrimLeft(separators.Replace(whole), "0")
	if whole == "" {
		whole = "0"
	}
	p.Amount = whole
	if len(fraction) > 1 {
		p.Amount += "." + fraction[1:]
	}
	return p, true
}

var (
	separators   = strings.NewReplacer(".", "", ",", "", " ", "", "'", "", "_", "")
	pricePattern = regexp.MustCompile(`^(?:([^\d,'-]*[^\d,. '-]\.?) *)?((?:\d[\d.,' ]*)?\d|[.,]\d+)([.,]?-{1,2})?(?: *([^\d,-]*[^\d, -]))?$`)
	// shape matches numbers whose thousands are grouped, or not separated.
	shape      = regexp.MustCompile(`^(?:\d*|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:'\d{3})+|\d{1,3}(?: \d{3})+|\d{1,3}(?:,\d{2,3})*,\d{3})$`)
	bracket    = regexp.MustCompile(`([(\[])([^()\[\]]*)[)\]]`)
	remark     = regexp.MustCompile(`^(?i:(?:ca\.?|circa|ab|from|nur|only|dès|desde|от) +)|^[≈~] *|(?i: *(?:inkl?|incl?|zzgl|plus|ttc)\b.*)$| */ *(?i:st|stk|stück|pcs?|piece|шт|个|本|冊)\.?$| *\*+$`)
	priceSigns = strings.NewReplacer("’", "'", "‘", "'", "′", "'", "٫", ".", "٬", ",", "·", ".", `="`, "", `"`, "")
)

// withoutRemarks cuts off words beside a price. Brackets may hold its currency, and
// square ones the price; round ones around a number make it negative.
func withoutRemarks(text string) string {
	text = bracket.ReplaceAllStringFunc(text, func(found string) string {
		inside := found[1 : len(found)-1]
		if _, _, ok := Currency(inside); ok || strings.ContainsFunc(inside, isDigit) && found[0] == '[' {
			return " " + inside
		} else if strings.ContainsFunc(inside, isDigit) {
			return found
		}
		return ""
	})
	return strings.TrimSpace(remark.ReplaceAllString(strings.TrimSpace(text), ""))
}

// cutPrice cuts a cell into the number and what stands around it.
func cutPrice(cell string) (before, number, after string, ok bool) {
	if isPrice.MatchString(cell) {
		return "", cell, "", true
	}
	if len(cell) > 200 {
		return "", "", "", false
	}
	text := withoutRemarks(priceSigns.Replace(plain(cell)))
	m := pricePattern.FindStringSubmatch(text)
	if at := strings.IndexAny(text, "/;|"); m == nil && at > 0 && strings.ContainsFunc(text[at:], isDigit) {
		m = pricePattern.FindStringSubmatch(strings.TrimSpace(text[:at])) // the first of several prices
	}
	if m == nil {
		return "", "", "", false
	}
	return strings.TrimSpace(m[1]), m[2], strings.TrimSpace(m[4]), true
}

var isPrice = regexp.MustCompile(`^\d+(?:\.\d+)?$`)

// decimalSign returns the decimal sign of a number, or "" if it has none. known is
// the sign that the column has proved, or "". It reports false if the separators
// make no sense.
func decimalSign(number, known string) (sign string, ok bool) {
	switch at := strings.LastIndexAny(number, ".,"); {
	case at < 0:
	case strings.ContainsAny(number[:at], ".,' ") && strings.Count(number, number[at:at+1]) == 1:
		sign = number[at : at+1] // 1.234,50 and 1'234.500
	case strings.Count(number, number[at:at+1]) > 1:
		// 1.234.567
	case len(number)-at-1 != 3, at == 0, at > 3, number[0] == '0', number[at:at+1] == known:
		sign = number[at : at+1]
	}
	whole, fraction := number, ""
	if sign != "" {
		whole, fraction, _ = strings.Cut(number, sign)
	}
	return sign, shape.MatchString(whole) && !strings.ContainsAny(fraction, ".,' ")
}

// currencySigns has the currency of each folded sign and word.
var currencySigns = func() map[string]string {
	codes := map[string]string{}
	for code, signs := range map[string]string{
		"EUR": "€ euro euros eur.", "USD": "$ us$ $us us-dollar dollar dollars", "GBP": "£ £stg", "JPY": "¥ 円 日元 日圓 jp¥ yen",
		"CNY": "元 rmb 人民币 人民幣 cn¥ yuan", "RUB": "₽ руб руб. р. рублей рубля", "UAH": "₴ грн грн.", "PLN": "zł zl", "CZK": "kč", "HUF": "ft", "RON": "lei", "BGN": "лв лв.",
		"INR": "₹ inr.", "KRW": "₩ 원 韩元", "TRY": "₺ tl", "ILS": "₪ nis", "VND": "₫ đ", "THB": "฿ บาท", "KZT": "₸", "NGN": "₦", "PHP": "₱", "BRL": "r$", "AUD": "a$ au$", "CAD": "c$ ca$ can$", "NZD": "nz$",
		"HKD": "hk$ 港元 港币", "TWD": "nt$ 新台幣 台币", "SGD": "s$ sg$", "MXN": "mx$", "CHF": "sfr sfr. franken",
		"": "kr kr. fr fr. rs rs. :-", // of several countries, none of which is more likely
	} {
		for sign := range strings.FieldsSeq(signs) {
			codes[model.Fold(sign)] = code
		}
	}
	return codes
}()

// ambiguousSigns belong to several currencies. The most frequent one is meant
// unless something else says otherwise.
var ambiguousSigns = map[string]bool{"$": true, "£": true, "¥": true}

// Currency returns the ISO 4217 code of a currency's sign, code or word.
func Currency(text string) (code string, ambiguous, ok bool) {
	text = model.Fold(text)
	if code, ok := currencySigns[text]; ok {
		return code, code == "" || ambiguousSigns[text], true
	}
	if len(text) != 3 {
		return "", false, false
	}
	unit, err := currency.ParseISO(text)
	if err != nil {
		return "", false, false
	}
	return unit.String(), false, true
}

var headerUnit = regexp.MustCompile(`^(.*?)(?:[ _,:]*[(\[（【]([^()\[\]（）【】]+)[)\]）】]|[ _,:/]+(?:in[ _]+)?([^ _,:/()\[\]]+)| *([€$£¥₽]))$`)

// CutUnit cuts the currency off the name of a column such as "Preis (EUR)".
func CutUnit(header string) (name, code string, ok bool) {
	m := headerUnit.FindStringSubmatch(strings.TrimSpace(header))
	if m == nil || m[1] == "" {
		return header, "", false
	}
	unit := strings.TrimSpace(m[2] + m[3] + m[4])
	unit = strings.TrimPrefix(strings.ToLower(unit), "in ")
	code, _, ok = Currency(unit)
	if !ok {
		return header, "", false
	}
	return strings.TrimSpace(m[1]), code, true
}
