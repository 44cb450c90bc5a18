package catalog

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/notation"
)

// cut says whether a decimal comma without quotes seems to have cut the price of a row in
// two, so that the cells behind it stand in the wrong columns.
type cut struct {
	// whole is set if the price is a whole number, which may be the beginning of one.
	whole bool
	// possible is set if the rest could be in the next cell.
	possible bool
	// certain is set if a cell behind the price doesn't fit its column either, but would
	// without the cut.
	certain bool
}

var (
	wholeNumber = regexp.MustCompile(`^[^\d.,]{0,4}\d{1,3}([. ]\d{3})*$`)
	cents       = regexp.MustCompile(`^\d{1,2}[^\d.,]{0,5}$`)
	twoCents    = regexp.MustCompile(`^\d{2}[^\d.,]{0,5}$`)
)

// findCut looks for a cut price in a row that has at least the header's number of cells.
func (r *csvReader) findCut(cells [][]byte) (c cut) {
	if r.comma != ',' || r.row.exported || len(cells) < len(r.slots) {
		return c
	}
	rest := twoCents
	if len(cells) > len(r.slots) {
		rest = cents
	}
	for i, s := range r.slots {
		if s == noSlot || slots[s].field != model.PriceField || !wholeNumber.Match(bytes.TrimSpace(cells[i])) {
			continue
		}
		c.whole = true
		if i+1 < len(cells) && rest.Match(bytes.TrimSpace(cells[i+1])) {
			c.possible = true
			c.certain = c.certain || r.standsWrong(cells, i+1)
		}
	}
	return c
}

// standsWrong reports whether the cells from the given one on are certainly a column too
// far right.
func (r *csvReader) standsWrong(cells [][]byte, from int) bool {
	for i := from; i < len(r.slots); i++ {
		text := strings.TrimSpace(string(cells[i]))
		if text == "" || r.slots[i] == noSlot {
			continue
		}
		if fit, known := fits(r.slots[i], text); fit || !known {
			continue
		}
		if i == from {
			return true
		}
		if home := r.slots[i-1]; home != noSlot {
			if fit, known := fits(home, text); fit && known {
				return true
			}
		}
	}
	return false
}

// fits reports whether a column can have a text. known is false if the column says
// nothing about the text.
func fits(s slot, text string) (fit, known bool) {
	switch slots[s].field {
	case model.CurrencyField:
		_, _, fit = notation.Currency(text)
	case model.ISBNField:
		fit = s >= identifiersSlot || notation.ISBN(text) != ""
	case model.StockField:
		_, err := strconv.Atoi(text)
		fit = err == nil
	case model.PopularityField:
		fit = counted.MatchString(text)
	case model.LanguageField:
		_, fit = notation.Language(text)
	case model.AvailabilityField:
		_, fit = notation.Availability(text)
	case model.BuyURLField, model.CoverURLField:
		fit = strings.Contains(text, "/")
	case model.AuthorField, model.PublisherField: // any text but a number
		_, err := strconv.Atoi(text)
		return err != nil, err == nil
	default:
		return true, false
	}
	return fit, true
}
