package catalog

import (
	"errors"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
	"literank.com/event-books/infrastructure/catalog/notation"
)

const (
	// aheadRows and aheadText bound what lookAhead reads: rows, and bytes of
	// text.
	aheadRows = 1000
	aheadText = 4 << 20
)

// habits is what the first rows of a file show about its notations. It is the same
// each time the file is read, so an import that resumes reads each row as before.
type habits struct {
	// names is how the file writes its authors. formerInverted is what version 0.1 thought
	// about that.
	names          notation.NameOrder
	formerInverted bool
	// decimals has the decimal signs of the columns of prices.
	decimals [slotCount]notation.DecimalSigns
	days     notation.DayOrder
	// surplus is the number of empty cells that most rows have beyond the header's.
	surplus int
	// cutPrices is set if prices are cut in two by a decimal comma at least as often as
	// they are whole numbers.
	cutPrices bool
	// currency is the currency of prices that name none.
	currency string
}

// lookAhead reads the first records to learn the habits of the file. ONIX leaves
// nothing to learn.
func (f *File) lookAhead() {
	f.habits.currency = f.options.Currency
	if _, ok := f.rows.(*onixReader); ok {
		return
	}
	var authors []string
	var sample former.Sample
	surplus, counted := map[int]int{}, 0
	for text := 0; len(f.ahead) < aheadRows && text < aheadText; {
		read, err := f.rows.next()
		var rejected *model.RowError
		if err != nil {
			f.ahead = append(f.ahead, aheadRecord{err: err})
			if !errors.As(err, &rejected) {
				break
			}
			sample.Add(nil, 0)
			continue
		}
		kept := *read
		text += len(kept.text)
		f.ahead = append(f.ahead, aheadRecord{record: &kept})
		if kept.exported {
			continue
		}
		if kept.readFormer() {
			sample.Add(&kept.former, len(kept.text))
		}
		if author := kept.values[authorSlot]; author.items == nil {
			authors = append(authors, author.text)
		}
		for _, s := range []slot{salePriceSlot, priceSlot} {
			if v := kept.values[s]; !v.number && v.text != "" {
				f.habits.decimals[s].Learn(v.text)
			}
		}
		f.habits.days.Learn(kept.values[publishedAtSlot].text)
		if !kept.cut.possible || kept.surplus == 0 {
			surplus[kept.surplus]++
			counted++
		}
	}
	f.habits.names, f.habits.formerInverted = notation.LearnOrder(authors), sample.AreInverted()
	for cells, rows := range surplus {
		if 2*rows > counted {
			f.habits.surplus = cells
		}
	}
	f.habits.cutPrices = f.pricesAreCut()
}

// pricesAreCut compares the rows that have too many cells because of a cut price with
// those that have the right number and a whole price.
func (f *File) pricesAreCut() bool {
	csv, ok := f.rows.(*csvReader)
	if !ok {
		return false
	}
	cuts, whole := csv.cuts, 0
	for _, ahead := range f.ahead {
		switch r := ahead.record; {
		case r == nil:
		case r.cut.certain, r.cut.possible && r.surplus > f.habits.surplus:
			cuts++
		case r.cut.whole:
			whole++
		}
	}
	return cuts > 0 && cuts >= whole
}
