// Package former reads the identity of a row as version 0.1 did. That version
// stored books under fingerprints of the texts that it read, so an import still
// has to find them there. Everything here is frozen: it never changes, whatever
// the import reads today. testdata/golden.jsonl has what the program of that
// version stored.
package former

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// Slot is a place for a value that identifies a row.
type Slot int

const (
	NoSlot Slot = iota - 1
	Title
	OriginalTitle
	Author
	ISBN
	ISBN13
	ISBN10
	PublishedAt
	ID
	Slots
)

// columns has the names of columns that fill a slot, the preferred one first.
var columns = [Slots]string{
	Title:         "title name book_title titel buchtitel название заглавие наименование 书名 書名 标题 標題 题名 題名 タイトル",
	OriginalTitle: "original_title originaltitel оригинальное_название 原书名 原書名 原題",
	Author:        "author authors creator creators writer autor autoren autorin verfasser автор авторы 作者 著者 著者名 作者名",
	ISBN:          "isbn isbn_nummer 国际标准书号 isbnコード",
	ISBN13:        "isbn13 ean13 ean gtin",
	ISBN10:        "isbn10",
	PublishedAt: "year published publication_year original_publication_year published_at publication_date date " +
		"jahr erscheinungsjahr erscheinungsdatum veröffentlicht год год_издания дата_издания дата_публикации " +
		"年份 出版年 出版年份 出版日期 出版时间 出版時間 発行年 出版日 発売日 発行日 刊行年",
	ID: "id book_id artikelnummer bestellnummer артикул 编号 編號 商品コード 番号",
}

type place struct {
	slot Slot
	rank int
}

var places = func() map[string]place {
	byName := map[string]place{}
	for slot, names := range columns {
		for rank, name := range strings.Fields(names) {
			byName[foldName(name)] = place{Slot(slot), rank}
		}
	}
	return byName
}()

// Columns finds the slot of a column by its name.
type Columns struct{ mapped map[string]place }

// NewColumns adds mapped, column → field, to the known names.
func NewColumns(mapped map[string]string) *Columns {
	c := &Columns{map[string]place{}}
	for column, field := range mapped {
		to := place{slot: NoSlot}
		if known, ok := places[foldName(field)]; ok {
			to = place{known.slot, -1}
		}
		c.mapped[foldName(column)] = to
	}
	return c
}

// Find returns the slot of a column. Of several columns for one slot, that with the
// lowest rank fills it.
func (c *Columns) Find(column string) (slot Slot, rank int) {
	name := foldName(column)
	p, ok := c.mapped[name]
	if !ok {
		p, ok = places[name]
	}
	if !ok {
		return NoSlot, 0
	}
	return p.slot, p.rank
}

// Assign returns the slot of each column. No two columns get the same one.
func (c *Columns) Assign(header []string) []Slot {
	var filledBy [Slots]int
	assigned := make([]Slot, len(header))
	for i, column := range header {
		assigned[i] = NoSlot
		slot, rank := c.Find(column)
		if slot == NoSlot {
			continue
		}
		if other := filledBy[slot] - 1; other >= 0 {
			if _, better := c.Find(header[other]); better <= rank {
				continue
			}
			assigned[other] = NoSlot
		}
		assigned[i] = slot
		filledBy[slot] = i + 1
	}
	return assigned
}

var withoutSpacing = strings.NewReplacer(" ", "", "_", "", "-", "")

func foldName(column string) string { return withoutSpacing.Replace(model.Fold(column)) }

// A Value is a text or, from JSON or ONIX, a list. Spoken is set if the list has
// names in spoken order.
type Value struct {
	Text   string
	Items  []string
	Spoken bool
}

// Row has the values of a row.
type Row [Slots]Value

// Identity returns the ISBN under which the row was stored or, without one, its
// fingerprint. It returns neither if the row was rejected. hasSource is set if the
// row's id counted: a row with an id is recognised by that. inverted is the result
// of AreInverted.
func (r *Row) Identity(hasSource, inverted bool) (isbn string, fingerprint model.Fingerprint) {
	if hasSource && clean(r[ID].Text) != "" {
		return "", fingerprint
	}
	b := model.Book{Title: cmp.Or(clean(r[Title].Text), clean(r[OriginalTitle].Text))}
	if b.Title == "" || utf8.RuneCountInString(b.Title) > 1000 {
		return "", fingerprint
	}
	for _, slot := range []Slot{ISBN, ISBN13, ISBN10} {
		if isbn, ok := model.ParseISBN(clean(r[slot].Text)); ok {
			return isbn, fingerprint
		}
	}
	if b.Author = r.author(inverted); utf8.RuneCountInString(b.Author) > 1000 {
		return "", fingerprint
	}
	b.PublishedAt = publishedAt(r[PublishedAt].Text)
	if b.Validate() != nil {
		b.PublishedAt = ""
	}
	return "", model.NewFingerprint(&b)
}

// clean turns text into one line without control characters.
func clean(text string) string {
	drop := func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }
	if strings.IndexFunc(text, drop) >= 0 {
		text = strings.Map(func(r rune) rune {
			if drop(r) {
				return -1
			}
			return r
		}, text)
	}
	return strings.Join(strings.Fields(text), " ")
}

var (
	zeroFraction = regexp.MustCompile(`^(-?\d+)\.0+$`)
	pointDate    = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.(\d{4})$`)
	timeOfDay    = regexp.MustCompile(`^(-?\d{1,4}-\d{2}-\d{2})[T ]\d{2}:.*$`)
)

func publishedAt(text string) string {
	text = timeOfDay.ReplaceAllString(zeroFraction.ReplaceAllString(clean(text), "$1"), "$1")
	if m := pointDate.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s-%02s-%02s", m[3], m[2], m[1])
	}
	return text
}

func (r *Row) author(inverted bool) string {
	v := r[Author]
	names := v.Items
	if names == nil {
		names = splitAuthors(v.Text, inverted)
	}
	var authors []string
	for _, name := range names {
		name = clean(name)
		if v.Items != nil && !v.Spoken {
			name = TurnName(name)
		}
		if name != "" {
			authors = append(authors, name)
		}
	}
	return strings.Join(authors, ", ")
}

var (
	fullerForm = regexp.MustCompile(`^(.*\S)\s+(\([^()]*\))$`)
	suffix     = regexp.MustCompile(`^(Jr|Sr|II|III|IV|Esq|M\.D|Ph\.D)\.?$`)
	between    = regexp.MustCompile(`\s*[;；|、]\s*`)
	ampersand  = regexp.MustCompile(`\s+&\s+`)
	conjoined  = regexp.MustCompile(`^(.+\S)\s+(?:and|und|et)\s+(\S.+)$`)
)

func splitAuthors(text string, inverted bool) (names []string) {
	groups := between.Split(text, -1)
	for _, group := range groups {
		parts := ampersand.Split(group, -1)
		if m := conjoined.FindStringSubmatch(group); m != nil && len(parts) == 1 && isPerson(m[1]) && isPerson(m[2]) {
			parts = m[1:]
		}
		turn := inverted || len(groups) > 1 || len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return strings.Count(p, ",") != 1 })
		for _, part := range parts {
			if turn {
				part = TurnName(strings.TrimSpace(part))
			}
			names = append(names, part)
		}
	}
	return names
}

var nobiliary = map[string]bool{"von": true, "van": true, "der": true, "den": true, "de": true, "la": true, "le": true, "du": true, "da": true, "di": true, "del": true, "al": true, "zu": true, "af": true, "bin": true, "ibn": true}

func isPerson(name string) bool {
	words := strings.Fields(name)
	return len(words) >= 2 && !slices.ContainsFunc(words, func(word string) bool {
		return !unicode.IsUpper(firstRune(word)) && !nobiliary[word]
	})
}

// TurnName turns a name in library order into spoken order.
func TurnName(name string) string {
	plain, fuller := name, ""
	if m := fullerForm.FindStringSubmatch(name); m != nil {
		plain, fuller = m[1], " "+m[2]
	}
	parts := strings.Split(plain, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
		if parts[i] == "" {
			return name
		}
	}
	if last := len(parts) - 1; last > 0 && suffix.MatchString(parts[last]) {
		fuller = " " + parts[last] + fuller
		parts = parts[:last]
	}
	switch {
	case len(parts) == 1:
		return parts[0] + fuller
	case len(parts) > 2 || strings.ContainsFunc(parts[1], unicode.IsDigit):
		return name
	case unicode.IsLower(firstRune(parts[1])):
		return parts[0] + " " + parts[1] + fuller
	}
	return parts[1] + " " + parts[0] + fuller
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

const (
	sampleRows = 100
	sampleText = 4 << 20
)

// Sample collects what decides whether a file writes its authors as "Last, First".
type Sample struct {
	rows, text int
	authors    []string
}

// Add adds a row of the file, in its order, with the length of its text. row is
// nil for a rejected row.
func (s *Sample) Add(row *Row, text int) {
	if s.rows >= sampleRows || s.text >= sampleText {
		return
	}
	s.rows++
	s.text += text
	if row != nil && row[Author].Items == nil {
		s.authors = append(s.authors, row[Author].Text)
	}
}

// AreInverted reports whether nearly all authors are written as "Last, First".
func (s *Sample) AreInverted() bool {
	all, commas, surnames := 0, 0, 0
	for _, text := range s.authors {
		for _, name := range between.Split(text, -1) {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			all++
			if last, _, _ := strings.Cut(name, ","); strings.Count(name, ",") == 1 {
				commas++
				if !strings.Contains(strings.TrimSpace(last), " ") {
					surnames++
				}
			}
		}
	}
	return all >= 3 && commas*5 >= all*4 && surnames*5 >= commas*3
}
