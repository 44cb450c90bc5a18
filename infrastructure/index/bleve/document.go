package bleve

import (
	"slices"
	"strconv"
	"strings"

	"github.com/blevesearch/bleve/v2/document"
	bleve "github.com/blevesearch/bleve_index_api"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

// The fields of the index. All but values hold terms and are only searched; values is only
// read back.
const (
	titleField       = "title"       // terms of the title
	nameField        = "name"        // of title, authors and their aliases
	textField        = "text"        // of everything but the description
	descriptionField = "description" // of the description, with joined neighbours
	formField        = "form"        // of the title: stems, and neighbours joined
	stemField        = "stem"        // stems of text
	describedField   = "described"   // stems of description
	pairField        = "pair"        // neighbours, joined, of text
	wholeField       = "whole"       // the title as one term, and without what is in brackets behind it
	startField       = "start"       // its beginnings of up to startWords words
	authorField      = "author"      // terms of authors and aliases
	subjectField     = "subject"     // terms of subjects
	isbnField        = "isbn"        // 13 digits
	exactField       = "exact"       // whole values for filters, each with its filter's prefix
	prefixField      = "prefix"      // beginnings of up to prefixLetters letters of the words of name, and of the title
	valuesField      = "values"      // what columns are made of
	idField          = "_id"         // Bleve's own: the id of the book
)

// fields are those that hold terms.
var fields = []string{titleField, nameField, textField, descriptionField, formField, stemField, describedField, pairField, wholeField, startField,
	authorField, subjectField, isbnField, exactField, prefixField, idField}

const (
	// startWords is the length of the longest beginning of a title that is a term.
	startWords = 8
	// prefixLetters is the length of the longest beginning of a word that is a term. There are
	// few words with one longer beginning, so the dictionary finds them.
	prefixLetters = 3
	// titleLetters is the same for titles.
	titleLetters = 6
)

// The prefixes of terms in exactField.
const (
	authorIs    = "a:"
	languageIs  = "l:"
	subjectIs   = "s:"
	decadeIs    = "d:"
	yearIs      = "y:"
	availableIs = "v:"
	titleIs     = "t:"
)

// titleBegins marks the beginnings of whole titles in prefixField.
const titleBegins = "^"

// terms is a field of a document whose terms are known.
type terms struct {
	name    string
	terms   bleve.TokenFrequencies
	value   []byte
	options bleve.FieldIndexingOptions
}

// once is the frequency of every term. The index stores no frequencies.
var once = func() *bleve.TokenFreq {
	frequency := &bleve.TokenFreq{}
	frequency.SetFrequency(1)
	return frequency
}()

func (f *terms) Name() string                                     { return f.name }
func (f *terms) Value() []byte                                    { return f.value }
func (f *terms) ArrayPositions() []uint64                         { return nil }
func (f *terms) EncodedFieldType() byte                           { return 't' }
func (f *terms) Analyze()                                         {}
func (f *terms) Options() bleve.FieldIndexingOptions              { return f.options }
func (f *terms) AnalyzedLength() int                              { return len(f.terms) }
func (f *terms) AnalyzedTokenFrequencies() bleve.TokenFrequencies { return f.terms }
func (f *terms) NumPlainTextBytes() uint64                        { return 0 }
func (f *terms) Size() int                                        { return 64 * len(f.terms) }

// add adds a term.
func (f *terms) add(term string) {
	if term != "" {
		f.terms[term] = once
	}
}

// newDocument returns the document of a book.
func newDocument(b *model.Book) *document.Document {
	d := &builder{fields: map[string]*terms{}}
	d.title(b.Title, d.words(text.Title, b.Title, b.Language, textField, nameField, titleField), b.Language)
	for _, name := range slices.Concat(b.Authors(), b.AuthorAliases) {
		d.words(text.Name, name, b.Language, textField, nameField, authorField)
	}
	for _, author := range b.Authors() {
		d.field(exactField).add(authorIs + model.Fold(author))
	}
	d.field(exactField).add(authorIs + model.Fold(b.Author))
	for _, subject := range b.Subjects {
		d.words(text.Other, subject, b.Language, textField, subjectField)
		d.field(exactField).add(subjectIs + model.Fold(subject))
	}
	for _, other := range []string{b.Series, b.Publisher, b.Edition} {
		d.words(text.Other, other, b.Language, textField)
	}
	d.words(text.Other, b.Description, b.Language, descriptionField)
	d.filters(b)
	if b.ISBN != "" {
		d.field(isbnField).add(b.ISBN)
		d.field(textField).add(b.ISBN)
	}
	doc := document.NewDocument(strconv.FormatUint(uint64(b.ID), 10))
	for _, field := range d.fields {
		doc.AddField(field)
	}
	return doc.AddField(&terms{name: valuesField, terms: bleve.TokenFrequencies{}, value: encodeValues(b), options: bleve.StoreField})
}

type builder struct{ fields map[string]*terms }

func (d *builder) field(name string) *terms {
	field, ok := d.fields[name]
	if !ok {
		field = &terms{name: name, terms: bleve.TokenFrequencies{}, options: bleve.IndexField | bleve.SkipFreqNorm}
		d.fields[name] = field
	}
	return field
}

// words adds the terms of a text to fields, and returns its tokens.
func (d *builder) words(kind text.Kind, s, language string, fields ...string) []text.Token {
	tokens := text.Book(s, language, kind)
	stems, pairs := stemField, pairField
	if fields[0] == descriptionField {
		stems, pairs = describedField, descriptionField
	}
	for _, token := range tokens {
		for _, term := range token.Terms {
			for _, field := range fields {
				d.field(field).add(term)
			}
			d.field(stems).add(text.Stem(term, language))
			if kind != text.Other {
				d.beginnings("", term, prefixLetters)
			}
		}
	}
	for _, pair := range text.Pairs(tokens) {
		d.field(pairs).add(pair)
	}
	return tokens
}

// beginnings adds the beginnings of a word or a title of up to so many letters, each behind a mark.
func (d *builder) beginnings(mark, term string, most int) {
	letters := 0
	for i := range term {
		if letters > 0 {
			d.field(prefixField).add(mark + term[:i])
		}
		if letters++; letters > most {
			return
		}
	}
	d.field(prefixField).add(mark + term)
}

// title adds the title as a whole, its beginnings, and the forms of its words.
func (d *builder) title(title string, tokens []text.Token, language string) {
	d.field(exactField).add(titleIs + wholeText(title))
	for _, token := range tokens {
		for _, term := range token.Terms {
			d.field(formField).add(text.Stem(term, language))
		}
	}
	for _, pair := range text.Pairs(tokens) {
		d.field(formField).add(pair)
	}
	key := text.Key(title)
	d.beginnings(titleBegins, key, titleLetters)
	d.field(wholeField).add(key)
	if bracket := strings.LastIndexByte(title, '('); bracket > 0 && strings.HasSuffix(title, ")") {
		d.field(wholeField).add(text.Key(title[:bracket])) // without "(Series, #2)"
	}
	words := 0
	for i := range key {
		if key[i] == ' ' {
			d.field(startField).add(key[:i])
			if words++; words == startWords {
				return
			}
		}
	}
	d.field(startField).add(key)
}

func (d *builder) filters(b *model.Book) {
	exact := d.field(exactField)
	for _, tag := range tags(b.Language) {
		exact.add(languageIs + tag)
	}
	if year, ok := b.Year(); ok {
		exact.add(yearIs + strconv.Itoa(year))
		exact.add(decadeIs + strconv.Itoa(decadeOf(year)))
	}
	exact.add(availableIs + strconv.FormatBool(b.InStock()))
}

// tags returns a language tag and the shorter ones that it belongs to: en-US and en.
func tags(language string) (all []string) {
	for language != "" {
		all = append(all, language)
		last := strings.LastIndexByte(language, '-')
		language = language[:max(last, 0)]
	}
	return all
}

// decadeOf returns the first year of the decade.
func decadeOf(year int) int {
	return year - (year%10+10)%10
}

// wholeText returns a whole text as one term, which a long text shares with others that begin
// alike.
func wholeText(s string) string {
	folded := model.Fold(s)
	if len(folded) > maxWhole {
		folded = folded[:maxWhole]
	}
	return folded
}

// maxWhole is the length of the longest whole text, in bytes.
const maxWhole = 512
