package shoppers

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// Kind is how a shopper comes to a keyword.
type Kind string

// All kinds. Slip is one of the first three with a typing error.
const (
	Title    Kind = "title"
	Author   Kind = "author"
	Words    Kind = "words"
	Slip     Kind = "slip"
	Question Kind = "question"
	ISBN     Kind = "isbn"
	// Miss is something that the shop doesn't have.
	Miss Kind = "miss"
)

// shares say how often shoppers come to a keyword in which way. They add up to 1.
var shares = []struct {
	Kind
	share float64
}{{Title, 0.27}, {Author, 0.18}, {Words, 0.17}, {Slip, 0.15}, {Question, 0.07}, {ISBN, 0.03}, {Miss, 0.13}}

func kindOf(rng *rand.Rand) Kind {
	n := rng.Float64()
	for _, s := range shares {
		if n -= s.share; n < 0 {
			return s.Kind
		}
	}
	return Miss
}

// keyword returns what the shopper types. It is never empty.
func (s *Session) keyword(kind Kind) string {
	if kind == Miss {
		text := misses[s.crowd.misses.pick(s.rng)]
		if s.rng.Float64() < 0.15 {
			text = slip(s.rng, text)
		}
		return text
	}
	b := s.book()
	text := ""
	switch kind {
	case Author:
		text = author(s.rng, b)
	case Words:
		text = words(s.rng, b.Title)
	case Slip:
		return slip(s.rng, s.cased(words(s.rng, b.Title)))
	case Question:
		return s.question(b)
	case ISBN:
		text = b.ISBN
	}
	if text == "" {
		text = mainTitle(b.Title)
	}
	return s.cased(text)
}

// cased writes a text as shoppers do: mostly in small letters.
func (s *Session) cased(text string) string {
	switch n := s.rng.IntN(20); {
	case n < 12:
		return strings.ToLower(text)
	case n == 12:
		return strings.ToUpper(text)
	}
	return text
}

// maxTitle is the longest title that somebody types, in characters.
const maxTitle = 60

// mainTitle returns a title without its subtitle.
func mainTitle(title string) string {
	title = strings.TrimSpace(title)
	if i := strings.IndexAny(title, ":;(/"); i > 2 {
		title = strings.TrimSpace(title[:i])
	}
	if utf8.RuneCountInString(title) <= maxTitle {
		return title
	}
	cut := string([]rune(title)[:maxTitle])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return cut
}

// author returns an author's name or the last part of it, or "" if the book has none.
func author(rng *rand.Rand, b *model.Book) string {
	names := b.Authors()
	if len(names) == 0 {
		return ""
	}
	name := strings.TrimSpace(names[rng.IntN(len(names))])
	if parts := strings.Fields(name); len(parts) > 1 && rng.IntN(2) == 0 {
		return parts[len(parts)-1]
	}
	return name
}

// words returns one or two words of a title, or a part of a title without spaces.
func words(rng *rand.Rand, title string) string {
	title = mainTitle(title)
	all := strings.FieldsFunc(title, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
	long := make([]string, 0, len(all))
	for _, word := range all {
		if utf8.RuneCountInString(word) > 3 {
			long = append(long, word)
		}
	}
	switch {
	case len(long) == 0 && len(all) > 1, len(all) == 0:
		return title
	case len(all) == 1:
		return beginning(rng, all[0])
	}
	first := rng.IntN(len(long))
	if len(long) == 1 || rng.IntN(2) == 0 {
		return long[first]
	}
	second := rng.IntN(len(long) - 1)
	if second >= first {
		second++
	}
	return long[min(first, second)] + " " + long[max(first, second)]
}

// spaceless are scripts that are written without spaces between words.
var spaceless = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai}

// beginning returns the first characters of a title in a script without spaces, and another
// title as it is.
func beginning(rng *rand.Rand, title string) string {
	runes := []rune(title)
	if len(runes) < 4 || !unicode.IsOneOf(spaceless, runes[0]) {
		return title
	}
	end := 2 + rng.IntN(len(runes)-2)
	for end < len(runes) && unicode.IsMark(runes[end]) {
		end++
	}
	return string(runes[:end])
}

// questions ask for a book about something, by language.
var questions = map[string][]string{
	"en": {"is there a book about %s?", "books about %s", "where do I find %s", "something like %s for a child of ten"},
	"de": {"gibt es ein Buch über %s?", "Bücher über %s", "haben Sie %s auf Deutsch?"},
	"fr": {"y a-t-il un livre sur %s ?", "livres sur %s", "avez-vous %s en poche ?"},
	"es": {"¿hay un libro sobre %s?", "libros sobre %s"},
	"it": {"c'è un libro su %s?", "libri su %s"},
	"pt": {"há um livro sobre %s?", "livros sobre %s"},
	"nl": {"is er een boek over %s?"},
	"sv": {"finns det en bok om %s?"},
	"pl": {"czy jest książka o %s?"},
	"cs": {"máte knihu o %s?"},
	"tr": {"%s hakkında bir kitap var mı?"},
	"ru": {"есть ли книга про %s?", "книги о %s"},
	"uk": {"чи є книга про %s?"},
	"el": {"υπάρχει βιβλίο για %s;"},
	"ar": {"هل يوجد كتاب عن %s؟"},
	"fa": {"کتابی درباره %s دارید؟"},
	"he": {"יש ספר על %s?"},
	"hi": {"%s पर कोई किताब है?"},
	"ja": {"%sについての本はありますか", "%s 入門"},
	"zh": {"有没有关于%s的书?", "%s 入门"},
	"ko": {"%s에 관한 책 있나요?"},
}

func (s *Session) question(b *model.Book) string {
	about := words(s.rng, b.Title)
	if len(b.Subjects) > 0 && s.rng.IntN(2) == 0 {
		about = strings.ToLower(b.Subjects[s.rng.IntN(len(b.Subjects))])
	}
	forms := questions[s.Shopper.language]
	return fmt.Sprintf(forms[s.rng.IntN(len(forms))], about)
}

// misses are topics that a shop of classics doesn't have, the most wanted first.
var misses = []string{
	"beekeeping on a balcony", "heat pump repair", "sourdough for students", "ремонт электросамоката", "houseboat plumbing",
	"e-bike battery handbook", "阳台种番茄", "urban foxes field guide", "Balkonkraftwerk selbst bauen", "crochet octopus patterns",
	"在宅勤務の椅子 選び方", "hydroponic strawberries", "drone photography law", "cuisine sans four", "صيانة الدراجات الكهربائية",
	"learn welsh in winter", "reparar bicicletas eléctricas", "quiet parenting of loud twins", "캠핑카 개조", "watercolour clouds step by step",
	"επισκευή ηλεκτρικού ποδηλάτου", "kayak camping with a dog", "Wärmepumpe im Altbau", "spreadsheet tricks for choirs", "как вырастить авокадо дома",
	"tiny greenhouse calendar", "תיקון אופניים חשמליים", "wool dyeing with weeds", "backyard astronomy 2027", "छत पर बागवानी",
	"puzzles for night shifts", "podcast mit dem Handy", "家庭でできるきのこ栽培", "ซ่อมจักรยานไฟฟ้า", "knitting for left-handers",
	"elektrische bakfiets onderhouden", "sauna w ogrodzie", "köpekle kamp", "3d printed chess sets", "tea for cold brew",
}
