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
		if !kept.shifted {
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
}
