package catalog

import (
	"bufio"
	"errors"
	"regexp"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/infrastructure/catalog/onix"
)

// onixReader turns the products of an ONIX message into records.
type onixReader struct {
	in *onix.Reader
	// filled are the slots that some product has filled.
	filled [slotCount]bool
	// before is what a file of rejected rows says about the next product.
	before rejection
	row    record
}

func newONIXReader(text *bufio.Reader) (*onixReader, error) {
	r := &onixReader{}
	in, err := onix.NewReader(text, func(comment []byte) {
		if before, ok := rejectedComment(comment); ok {
			r.before = before
		}
	})
	switch {
	case errors.Is(err, onix.ErrNoMessage):
		return nil, err
	case err != nil:
		return nil, broken(err, in.Line())
	}
	r.in = in
	return r, nil
}

// source is the source of the message's records, whatever the file's name is. It is
// empty if the header names no sender.
func (r *onixReader) source() string {
	const prefix = "onix:"
	name := r.in.Sender()
	if runes := []rune(name); len(runes) > maxID-len(prefix) {
		name = string(runes[:maxID-len(prefix)])
	}
	if name == "" {
		return ""
	}
	return prefix + name
}

// decimal matches the prices that follow ONIX. Others are read as in other files.
var decimal = regexp.MustCompile(`^\d+(?:\.\d+)?$`)

func (r *onixReader) line() int { return r.in.Line() }

func (r *onixReader) end() error { return nil }

// productElements are the elements of a product that feed a field of a book.
var productElements = []struct {
	slot slot
	name string
}{
	{idSlot, "RecordReference"},
	{titleSlot, "TitleText"},
	{authorSlot, "Contributor"},
	{isbnSlot, "ProductIdentifier"},
	{publishedAtSlot, "PublicationDate"},
	{descriptionSlot, "Text"},
	{languageSlot, "LanguageCode"},
	{publisherSlot, "PublisherName"},
	{subjectsSlot, "SubjectHeadingText"},
	{seriesSlot, "Series"},
	{editionSlot, "Edition"},
	{priceSlot, "PriceAmount"},
	{currencySlot, "CurrencyCode"},
	{stockSlot, "OnHand"},
	{availabilitySlot, "ProductAvailability"},
	{coverURLSlot, "SupportingResource"},
	{authorAliasesSlot, "AlternativeName"},
}

func (r *onixReader) columns() (used []gateway.Column, ignored []string) {
	for _, element := range productElements {
		if r.filled[element.slot] {
			used = append(used, gateway.Column{Name: element.name, Field: slots[element.slot].name})
		}
	}
	return used, nil
}

func (r *onixReader) next() (*record, error) {
	p, err := r.in.Next()
	before := r.before
	r.before = rejection{}
	if err != nil {
		return nil, err
	}
	r.row = record{line: p.Line, text: p.Text, before: before, plain: true,
		delete: p.Delete, partial: p.Partial, former: p.Former, notes: p.Notes}
	for s, text := range map[slot]string{
		idSlot: p.ID, isbnSlot: p.ISBN, titleSlot: p.Title, publishedAtSlot: p.PublishedAt, descriptionSlot: p.Description,
		languageSlot: p.Language, publisherSlot: p.Publisher, seriesSlot: p.Series, editionSlot: p.Edition,
		priceSlot: p.Price, currencySlot: p.Currency, stockSlot: p.Stock, availabilitySlot: string(p.Availability), coverURLSlot: p.CoverURL,
	} {
		r.row.values[s].text = text
	}
	r.row.values[priceSlot].number = decimal.MatchString(p.Price)
	r.row.values[authorSlot] = value{items: p.Authors, spoken: true}
	r.row.values[authorAliasesSlot] = value{items: p.AuthorAliases, spoken: true}
	r.row.values[subjectsSlot] = value{items: p.Subjects}
	for _, element := range productElements {
		v := r.row.values[element.slot]
		has := v.text != "" || v.items != nil
		// Few senders have aliases. A product without them doesn't clear those of other files.
		if has || !p.Partial && element.slot != authorAliasesSlot {
			r.row.fields |= slots[element.slot].field
		}
		r.filled[element.slot] = r.filled[element.slot] || has
	}
	return &r.row, nil
}
