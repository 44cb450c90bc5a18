package catalog

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
	"literank.com/event-books/infrastructure/catalog/notation"
)

// builder cleans the values of a record and notes those that it drops.
type builder struct {
	record *record
	habits habits
	row    *model.ImportRow
}

func (b *builder) note(format string, args ...any) {
	b.row.Notes = append(b.row.Notes, fmt.Sprintf(format, args...))
}

// text returns the text of a slot as one line.
func (b *builder) text(s slot) string { return b.clean(s, b.line(b.literal(s))) }

// literal returns the text of a slot as it stands in the file.
func (b *builder) literal(s slot) string {
	text := b.record.values[s].text
	if b.record.escaped {
		return unescapeCell(text)
	}
	return text
}

// line takes HTML out of a short text.
func (b *builder) line(text string) string {
	if b.record.exported || b.record.plain {
		return text
	}
	return strings.Trim(notation.Line(text), "\u200e\u200f") // direction marks from web pages
}

// idIsNew reports whether the row has an id that version 0.1 did not see.
func (r *record) idIsNew() bool {
	return !r.exported && !r.delete && r.former[former.ID].Text == "" && r.formerJSON[former.ID] == nil
}

// former adds the identity under which version 0.1 stored the row.
func (b *builder) former(hasSource bool) {
	if !b.record.readFormer() {
		return
	}
	isbn, fingerprint := b.record.former.Identity(hasSource, b.habits.formerInverted)
	if isbn != b.row.Book.ISBN {
		b.row.FormerISBN = isbn
	}
	if fingerprint != (model.Fingerprint{}) {
		b.row.Alternatives = append(b.row.Alternatives, model.Alternative{Fingerprint: fingerprint})
	}
}

// identity reads the columns of an export that identify a book.
func (b *builder) identity() error {
	b.row.Source, b.row.ExternalID = "", ""
	source, id := b.literal(idSourceSlot), b.literal(idSlot)
	if (source == "") != (id == "") || utf8.RuneCountInString(source) > maxID {
		return b.record.rejectf(model.RowInvalid, "%s and id: both belong to a book, at most %d characters each, or neither", slots[idSourceSlot].columns[0], maxID)
	}
	b.row.Source, b.row.ExternalID = source, id
	if text := b.record.values[fingerprintSlot].text; text != "" {
		sum, err := hex.DecodeString(text)
		if err != nil || len(sum) != len(b.row.Fingerprint) {
			return b.record.rejectf(model.RowInvalid, "fingerprint: is not one that an export wrote")
		}
		b.row.Fingerprint = model.Fingerprint(sum)
	}
	return nil
}

// clean turns text into one line: it collapses white space and drops control
// characters.
func (b *builder) clean(s slot, text string) string {
	if b.record.exported || isClean(text) {
		return text
	}
	return strings.Join(strings.Fields(b.dropControls(s, text, unicode.IsSpace)), " ")
}

// isClean reports whether an ASCII text needs no cleaning. Most texts don't.
func isClean(text string) bool {
	space := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == ' ' && space {
			return false
		}
		space = text[i] == ' '
	}
	return text == "" || !space
}

// dropControls drops control characters, except those that keep accepts.
func (b *builder) dropControls(s slot, text string, keep func(rune) bool) string {
	drop := func(r rune) bool { return unicode.IsControl(r) && !keep(r) }
	if strings.IndexFunc(text, drop) < 0 {
		return text
	}
	b.note("%s cleaned: it had control characters", slots[s].name)
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, text)
}

var isbdSign = regexp.MustCompile(`\s+[/:=;]$`)

// title leaves out the sign that library catalogues put between a title and what
// follows it.
func (b *builder) title() string {
	title := cmp.Or(b.text(titleSlot), b.text(originalTitleSlot))
	if b.record.exported || b.record.plain || title == "" || !strings.Contains("/:;=", title[len(title)-1:]) {
		return title
	}
	return isbdSign.ReplaceAllString(title, "")
}

func (b *builder) description() string {
	if b.record.exported {
		return b.literal(descriptionSlot)
	}
	for _, s := range []slot{descriptionSlot, shortDescriptionSlot} {
		text := b.record.values[s].text
		if !b.record.plain {
			text = notation.Text(text)
		}
		text = b.dropControls(descriptionSlot, text, func(r rune) bool {
			return r == '\n' || r == '\r' || r == '\t'
		})
		if text = strings.TrimSpace(text); text == "" || b.repeatsTitle(text) {
			continue
		}
		if utf8.RuneCountInString(text) <= model.MaxDescription {
			return text
		}
		b.note("description cut: it was longer than %d characters", model.MaxDescription)
		return string([]rune(text)[:model.MaxDescription])
	}
	return ""
}

// repeatsTitle recognises the summaries that LibraryThing makes of each book: "Emma
// by Jane Austen (1815)".
func (b *builder) repeatsTitle(text string) bool {
	rest, ok := strings.CutPrefix(text, b.row.Book.Title+" by ")
	first, _, _ := strings.Cut(b.row.Book.Author, model.AuthorSeparator)
	return ok && first != "" && strings.TrimRight(rest, "()0123456789 ") == first
}

// author joins the authors.
func (b *builder) author() string {
	if b.record.exported {
		return b.literal(authorSlot)
	}
	names, turned := b.authors(authorSlot, b.habits.names)
	if len(names) == 0 {
		names, turned = b.authors(primaryAuthorSlot, notation.LastFirst)
	}
	more := b.secondaryAuthors()
	for _, name := range b.moreAuthors() {
		found, _ := notation.Authors(b.clean(moreAuthorsSlot, name), notation.AnyOrder)
		more = append(more, found...)
	}
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if turned != "" {
		b.row.Turned = strings.Join(append([]string{turned}, names[1:]...), model.AuthorSeparator)
	}
	return strings.Join(names, model.AuthorSeparator)
}

func (b *builder) moreAuthors() []string {
	if v := b.record.values[moreAuthorsSlot]; v.items != nil {
		return b.list(v)
	}
	return strings.Split(b.text(moreAuthorsSlot), ",")
}

// secondaryAuthors returns those whose role is author.
func (b *builder) secondaryAuthors() (names []string) {
	roles := strings.Split(b.text(secondaryRolesSlot), "|")
	for i, name := range strings.Split(b.text(secondaryAuthorSlot), "|") {
		if i < len(roles) && notation.IsAuthor(roles[i]) {
			names = append(names, notation.TurnName(strings.TrimSpace(name)))
		}
	}
	return names
}

// authors returns the names in a slot. turned is the other reading of a name in
// doubt.
func (b *builder) authors(s slot, order notation.NameOrder) (names []string, turned string) {
	v := b.record.values[s].asList()
	if v.items == nil {
		return notation.Authors(b.clean(s, b.line(v.text)), order)
	}
	for _, name := range v.items {
		names = append(names, b.clean(s, b.line(name)))
	}
	if v.spoken {
		return slices.DeleteFunc(names, func(name string) bool { return name == "" }), ""
	}
	return notation.Names(names), ""
}

// asList reads a list that a program without lists wrote as JSON.
func (v value) asList() value {
	if v.items == nil && strings.HasPrefix(v.text, "[") && strings.HasSuffix(v.text, "]") {
		var list value
		if list.setJSON(authorSlot, jsontext.Value(v.text)) == nil && len(list.items) > 0 {
			return list
		}
	}
	return v
}

func (b *builder) publisher() string {
	publisher := b.text(publisherSlot)
	if items := b.list(b.record.values[publisherSlot]); publisher == "" && len(items) > 0 {
		publisher = b.clean(publisherSlot, items[0])
	}
	if b.record.exported || b.record.plain {
		return publisher
	}
	if publisher = strings.TrimRight(publisher, " ,:;"); publisher != "" { // as library catalogues write it
		return publisher
	}
	if m := publication.FindStringSubmatch(b.text(publicationSlot)); m != nil {
		return m[1]
	}
	return ""
}

// publication matches "Orbit (2007), 320 pages".
var publication = regexp.MustCompile(`^([^()]+?)\s*\([^()]*\d{4}[^()]*\)`)

// maxTags bounds the tags that commas separate. A book has no more subjects.
const maxTags = 200

func (b *builder) subjects() []string {
	if b.record.exported {
		return b.exportedList(subjectsSlot)
	}
	if subjects := b.distinct(subjectsSlot, b.list(b.record.values[subjectsSlot])); len(subjects) > 0 {
		return subjects
	}
	tags := b.record.values[tagsSlot]
	items := b.list(tags)
	if tags.items == nil && len(items) == 1 {
		items = splitCommas(items[0])
		items = strings.Split(strings.Join(items, " > "), " > ") // a path of categories
		items = items[:min(len(items), maxTags)]
	}
	return b.distinct(tagsSlot, items)
}

// splitCommas splits a list at its commas. WooCommerce writes "\," for a comma within an
// item.
func splitCommas(text string) []string {
	const comma = "\uE000" // for private use, so no text has it
	items := strings.FieldsFunc(strings.ReplaceAll(text, `\,`, comma), func(r rune) bool { return r == ',' || r == '，' || r == '、' })
	for i := range items {
		items[i] = strings.ReplaceAll(items[i], comma, ",")
	}
	return items
}

// list returns the items of a value without HTML. A reference such as &amp; ends in
// a separator, so it is read before the text is split.
func (b *builder) list(v value) []string {
	if v = v.asList(); v.items == nil {
		v.text = b.line(v.text)
		return v.split()
	}
	items := make([]string, len(v.items))
	for i, item := range v.items {
		items[i] = b.line(item)
	}
	return items
}

// exportedList reads a list as joinList writes it.
func (b *builder) exportedList(s slot) []string {
	v := b.record.values[s]
	if v.text = b.literal(s); strings.HasPrefix(v.text, "[") {
		if err := json.Unmarshal([]byte(v.text), &v.items); err != nil {
			b.dropped(slots[s].field)
			b.note("%s dropped: %s is no list", slots[s].name, show(v.text))
			return nil
		}
	}
	return b.distinct(s, v.split())
}

// distinct cleans a list and drops empty and repeated items.
func (b *builder) distinct(s slot, items []string) (list []string) {
	for _, item := range items {
		if item = b.clean(s, item); item != "" && !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}

// language returns the first of several languages.
func (b *builder) language() string {
	if b.record.exported {
		return b.literal(languageSlot)
	}
	v := b.record.values[languageSlot].asList()
	whole := b.clean(languageSlot, v.text)
	if tag, ok := notation.Language(whole); ok && v.items == nil {
		return tag
	}
	for _, item := range v.split() {
		for part := range strings.FieldsFuncSeq(item, func(r rune) bool { return r == ',' || r == '/' || r == '、' || r == '&' }) {
			if part = b.clean(languageSlot, part); part == "" {
				continue
			}
			if tag, ok := notation.Language(part); ok {
				return tag
			}
			return part
		}
	}
	return ""
}

// isbn returns the first valid ISBN. A wrong one beside it doesn't matter.
func (b *builder) isbn() string {
	wrong := ""
	for _, s := range []slot{isbn13Slot, isbnSlot, isbn10Slot, isbnsSlot, identifiersSlot, barcodeSlot} {
		text := b.clean(s, b.literal(s))
		if items := b.record.values[s].items; items != nil {
			text = strings.Join(items, "; ")
		}
		if text == "" {
			continue
		}
		isbn := ""
		switch {
		case b.record.exported:
			isbn, _ = model.ParseISBN(text)
		case s == identifiersSlot:
			isbn = notation.LabelledISBN(text)
		case s == barcodeSlot && len(text) < 13:
		default:
			isbn = notation.ISBN(text)
		}
		if isbn != "" {
			return isbn
		}
		if !notation.IsBlank(text) && s < identifiersSlot {
			wrong = cmp.Or(wrong, text)
		}
	}
	if wrong != "" {
		b.note("isbn dropped: %s is not a valid ISBN-10 or ISBN-13", show(wrong))
	}
	return ""
}

var aboutNumber = regexp.MustCompile(`^[><~≥]? ?(\d{1,9}) ?\+?$|^(\d{1,3}(?:,\d{3})+)$`)

func (b *builder) stock() *int {
	text := b.text(stockSlot)
	if text == "" {
		return nil
	}
	number := notation.WithoutFraction(text)
	if m := aboutNumber.FindStringSubmatch(number); m != nil && !b.record.exported {
		number = strings.ReplaceAll(m[1]+m[2], ",", "")
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		b.dropped(model.StockField)
		b.note("stock dropped: %s is not a whole number", show(text))
		return nil
	}
	return &n
}

// counted matches a whole number, which may be rounded or have separators of thousands. A
// point is none, because "1.000" would be one or a thousand.
var counted = regexp.MustCompile(`^[><~≥]? ?(\d{1,3}(?:[,' ’]\d{3})+|\d+)(?:\.00?)? ?\+?$`)

var thousands = strings.NewReplacer(",", "", "'", "", " ", "", "’", "")

func (b *builder) popularity() int64 {
	text := b.text(popularitySlot)
	if text == "" {
		return 0
	}
	number := text
	if m := counted.FindStringSubmatch(text); m != nil && !b.record.exported {
		number = thousands.Replace(m[1])
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		b.dropped(model.PopularityField)
		b.note("popularity dropped: %s is not a whole number from 0 to %d", show(text), int64(math.MaxInt64))
		return 0
	}
	return n
}

func (b *builder) availability() model.Availability {
	text := b.text(availabilitySlot)
	if b.record.exported {
		return model.Availability(text)
	}
	if availability, ok := notation.Availability(text); ok {
		return availability
	}
	return model.Availability(text)
}

// price returns the sale price or the price, and its currency.
func (b *builder) price() (amount, currency string) {
	column := b.text(currencySlot)
	if b.record.exported {
		return b.literal(priceSlot), b.literal(currencySlot)
	}
	for _, s := range []slot{salePriceSlot, priceSlot} {
		v := b.record.values[s]
		text := b.text(s)
		if text == "" {
			continue
		}
		price, ok := notation.ParsePrice(text, b.habits.decimals[s])
		if v.number {
			price = notation.Price{Amount: text}
		} else if !ok {
			return text, b.currency(column, notation.Price{}, "") // to be dropped
		}
		currency := b.currency(column, price, cmp.Or(v.unit, b.habits.currency))
		if currency != "" {
			b.row.Fields |= model.CurrencyField
		}
		return price.Amount, currency
	}
	return "", b.currency(column, notation.Price{}, "")
}

// currency returns the currency of a price. The column of currencies counts more than the
// price itself, and the price more than further, the currency in the name of its column or
// --currency. A sign that several countries use counts only if nothing else is known.
func (b *builder) currency(column string, price notation.Price, further string) string {
	code, ambiguous, ok := notation.Currency(column)
	switch {
	case column != "" && !ok:
		return column // to be dropped
	case code != "" && !ambiguous:
		if price.Currency != "" && !price.Ambiguous && price.Currency != code {
			b.note("currency of the price ignored: it is %s, and the column of currencies says %s", price.Currency, code)
		}
		return code
	case price.Currency != "" && !price.Ambiguous:
		return price.Currency
	}
	return cmp.Or(further, code, price.Currency)
}

// publishedAt reads the date. In the column of a shop, 1, 0 and -1 say whether the
// shop shows the product.
func (b *builder) publishedAt() string {
	text := b.text(publishedAtSlot)
	switch {
	case b.record.exported:
		return text
	case text == "1" || text == "-1":
		return ""
	}
	if date, ok := notation.Date(text, b.habits.days); ok {
		return date
	}
	return text
}

// coverURL returns the first of several addresses.
func (b *builder) coverURL() string {
	if v := b.record.values[coverURLSlot]; len(v.items) > 0 {
		return b.clean(coverURLSlot, v.items[0])
	}
	text := b.text(coverURLSlot)
	if first, _, several := strings.Cut(text, ", http"); several && !b.record.exported {
		return first
	}
	return text
}
