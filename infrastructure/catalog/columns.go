package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// A slot is a place in a record that one column fills. Several slots may feed
// one field of a book.
type slot int

const (
	noSlot slot = iota - 1
	titleSlot
	originalTitleSlot
	authorSlot
	isbnSlot
	isbn13Slot
	isbn10Slot
	publishedAtSlot
	descriptionSlot
	languageSlot
	publisherSlot
	subjectsSlot
	seriesSlot
	editionSlot
	priceSlot
	currencySlot
	stockSlot
	availabilitySlot
	buyURLSlot
	coverURLSlot
	idSlot
	slotCount
)

// slots describes each slot: the field of a book that it feeds, the columns
// that may fill it, the preferred one first, and whether JSON may have a
// number or a list there.
var slots = [slotCount]struct {
	field         model.Field
	name          string
	columns       []string
	numbers, list bool
}{
	titleSlot:         {field: model.TitleField, name: "title", columns: []string{"title", "name"}},
	originalTitleSlot: {field: model.TitleField, name: "title", columns: []string{"original_title"}},
	authorSlot:        {field: model.AuthorField, name: "author", columns: []string{"author", "authors", "creator"}, list: true},
	isbnSlot:          {field: model.ISBNField, name: "isbn", columns: []string{"isbn"}, numbers: true},
	isbn13Slot:        {field: model.ISBNField, name: "isbn", columns: []string{"isbn13"}, numbers: true},
	isbn10Slot:        {field: model.ISBNField, name: "isbn", columns: []string{"isbn10"}, numbers: true},
	publishedAtSlot: {field: model.PublishedAtField, name: "published_at", columns: []string{
		"year", "published", "publication_year", "original_publication_year", "published_at", "date"}, numbers: true},
	descriptionSlot:  {field: model.DescriptionField, name: "description", columns: []string{"description", "summary", "abstract", "blurb"}},
	languageSlot:     {field: model.LanguageField, name: "language", columns: []string{"language", "language_code", "lang", "languages"}, list: true},
	publisherSlot:    {field: model.PublisherField, name: "publisher", columns: []string{"publisher"}},
	subjectsSlot:     {field: model.SubjectsField, name: "subjects", columns: []string{"subjects", "subject", "genre", "genres", "categories", "tags", "keywords"}, list: true},
	seriesSlot:       {field: model.SeriesField, name: "series", columns: []string{"series"}},
	editionSlot:      {field: model.EditionField, name: "edition", columns: []string{"edition"}, numbers: true},
	priceSlot:        {field: model.PriceField, name: "price", columns: []string{"price"}, numbers: true},
	currencySlot:     {field: model.CurrencyField, name: "currency", columns: []string{"currency"}},
	stockSlot:        {field: model.StockField, name: "stock", columns: []string{"stock", "quantity"}, numbers: true},
	availabilitySlot: {field: model.AvailabilityField, name: "availability", columns: []string{"availability"}},
	buyURLSlot:       {field: model.BuyURLField, name: "buy_url", columns: []string{"buy_url", "url", "link"}},
	coverURLSlot:     {field: model.CoverURLField, name: "cover_url", columns: []string{"cover_url", "cover", "image_url"}},
	idSlot:           {name: "id", columns: []string{"id", "book_id"}, numbers: true},
}

// A place is where a column's name leads to. Of several columns for one slot
// the one of the lowest rank fills it.
type place struct {
	slot slot
	rank int
}

// mappedRank is that of a column the user named.
const mappedRank = -1

// names knows which place a column has, by its name folded with foldName.
type names struct {
	places map[string]place
	// mapped are the columns that the user named, sorted.
	mapped []string
}

var knownPlaces = func() map[string]place {
	places := map[string]place{}
	for s, properties := range slots {
		for rank, column := range properties.columns {
			places[foldName(column)] = place{slot(s), rank}
		}
	}
	return places
}()

// newNames overlays the known names with mapped: column → field, where a
// field goes by any of its known names. Without ids no column is one.
func newNames(mapped map[string]string, ids bool) (*names, error) {
	n := &names{places: maps.Clone(knownPlaces), mapped: slices.Sorted(maps.Keys(mapped))}
	if !ids {
		maps.DeleteFunc(n.places, func(_ string, p place) bool { return p.slot == idSlot })
	}
	filledBy := map[slot]string{}
	for _, column := range n.mapped {
		to, ok := knownPlaces[foldName(mapped[column])]
		if !ok {
			return nil, fmt.Errorf("--map %s=%s: there is no field %q; these are: %s", column, mapped[column], mapped[column], strings.Join(fieldNames(), ", "))
		}
		if to.slot == idSlot && !ids {
			return nil, fmt.Errorf("--map %s=%s: standard input has no name by which ids are told apart: give it one by --source", column, mapped[column])
		}
		if other, ok := filledBy[to.slot]; ok {
			return nil, fmt.Errorf("--map gives both columns %q and %q to the field %q", other, column, mapped[column])
		}
		filledBy[to.slot] = column
		n.places[foldName(column)] = place{to.slot, mappedRank}
	}
	return n, nil
}

// fieldNames lists what a column can be mapped to.
func fieldNames() []string {
	var list []string
	for _, s := range slots {
		if !slices.Contains(list, s.name) {
			list = append(list, s.name)
		}
	}
	return list
}

// CheckMap finds what is wrong with Options.Map whatever the file.
func CheckMap(mapped map[string]string) error {
	_, err := newNames(mapped, true)
	return err
}

// find returns the place of a column; its slot is noSlot if it has none.
func (n *names) find(column string) place {
	if p, ok := n.places[foldName(column)]; ok {
		return p
	}
	return place{slot: noSlot}
}

// assign returns the slot that each column fills; no two fill the same.
func (n *names) assign(columns []string) []slot {
	var filledBy [slotCount]int
	assigned := make([]slot, len(columns))
	for i, column := range columns {
		assigned[i] = noSlot
		p := n.find(column)
		if p.slot == noSlot {
			continue
		}
		other := filledBy[p.slot] - 1
		if other >= 0 {
			if n.find(columns[other]).rank <= p.rank {
				continue
			}
			assigned[other] = noSlot
		}
		assigned[i] = p.slot
		filledBy[p.slot] = i + 1
	}
	return assigned
}

// missing returns a column that the user named and that is not among columns.
func (n *names) missing(columns []string) (string, bool) {
	for _, name := range n.mapped {
		if !slices.ContainsFunc(columns, func(c string) bool { return foldName(c) == foldName(name) }) {
			return name, true
		}
	}
	return "", false
}

var withoutSpacing = strings.NewReplacer(" ", "", "_", "", "-", "")

// foldName makes "ISBN-13", "isbn 13" and "isbn13" one name.
func foldName(column string) string {
	return withoutSpacing.Replace(model.Fold(column))
}

// list shows the names of columns in a message.
func list(names []string) string {
	const most = 30
	var quoted []string
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, show(name))
	}
	if len(names) > most {
		quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(quoted, ", ")
}
