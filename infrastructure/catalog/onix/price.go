package onix

import (
	"cmp"
	"slices"
	"strconv"
)

// bestPrice returns the price that a consumer pays today, or nil if there is none.
func (m *message) bestPrice(prices []*node) *node {
	var best *node
	bestRank := priceRank{}
	for _, price := range prices {
		if price.get("PriceAmount") == "" {
			continue
		}
		rank, ok := m.rank(price)
		if ok && (best == nil || rank.compare(bestRank) < 0) {
			best, bestRank = price, rank
		}
	}
	return best
}

// priceRank orders prices: the lower the better.
type priceRank struct {
	// from is the day from which a price is valid that isn't valid yet.
	from                        string
	conditions, qualifier, kind int
}

func (r priceRank) compare(other priceRank) int {
	return cmp.Or(cmp.Compare(r.from, other.from), cmp.Compare(r.conditions, other.conditions),
		cmp.Compare(r.qualifier, other.qualifier), cmp.Compare(r.kind, other.kind))
}

// priceTypes (list 58) is ordered by preference: prices with tax come before those
// without, and usual prices before special ones.
var priceTypes = []string{"02", "04", "42", "32", "34", "12", "14", "22", "24", "01", "03", "41", "31", "33", "11", "13", "21", "23"}

// netPrices are those between supplier and shop.
var netPrices = []string{"05", "06", "07", "08", "09", "15", "16", "17", "18", "19", "25", "26", "27", "28", "29", "35", "36", "37", "38", "39", "99"}

// rank reports false if no consumer can buy at the price: it is over, or it is
// between supplier and shop.
func (m *message) rank(price *node) (rank priceRank, ok bool) {
	from, until := validity(price)
	if until != "" && until < m.today[:min(len(until), len(m.today))] {
		return rank, false
	}
	if from > m.today[:min(len(from), len(m.today))] {
		rank.from = from
	}
	kind := cmp.Or(price.get("PriceType"), price.get("PriceTypeCode"), m.defaults.get("DefaultPriceTypeCode"))
	if slices.Contains(netPrices, kind) {
		return rank, false
	}
	if rank.kind = slices.Index(priceTypes, kind); rank.kind < 0 {
		rank.kind = len(priceTypes)
	}
	switch price.get("PriceQualifier") { // list 59
	case "", "00", "05":
	case "08": // promotional
		rank.qualifier = 1
	default: // libraries, schools, members
		rank.qualifier = 2
	}
	if copies, err := strconv.Atoi(price.get("MinimumOrderQuantity")); err == nil && copies > 1 {
		rank.conditions = 1
	}
	return rank, true
}

// validity returns the days between which a price is valid. An empty one is open.
func validity(price *node) (from, until string) {
	from, until = onixDate(price.get("PriceEffectiveFrom"), ""), onixDate(price.get("PriceEffectiveUntil"), "")
	for _, date := range price.all("PriceDate") {
		switch date.get("PriceDateRole") { // list 173
		case "14":
			from = cmp.Or(dateOf(date), from)
		case "15":
			until = cmp.Or(dateOf(date), until)
		case "24":
			text := date.get("Date")
			if half := len(text) / 2; len(text)%2 == 0 {
				from, until = onixDate(text[:half], ""), onixDate(text[half:], "")
			}
		}
	}
	return from, until
}
