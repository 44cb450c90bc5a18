package work

import (
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// editionWords say that a part of a title describes an edition; imprintWords may stand
// beside them.
var (
	editionWords = set(`edition|editions|edn|classics|hardcover|hardback|paperback|softcover|kindle|ebook|epub|audiobook|
		audiobooks|unabridged|reissue|reprint|facsimile|illustrated|annotated|revised|deluxe|masterworks|largeprint|
		ausgabe|auflage|taschenbuch|gebunden|horbuch|ungekurzt|ungekurzte|jubilaumsausgabe|neuausgabe|taschenbuchausgabe|
		grossdruck|poche|broche|relie|edicion|bolsillo|audiolibro|edizione|tascabile|editie|luisterboek|hardcover|
		utgave|udgave|utgava|lydbok|ljudbok|lydbog|aanikirja|edicao`)
	imprintWords = set(`a|an|the|and|of|in|revised|updated|expanded|enlarged|special|limited|collectors|collector|anniversary|
		original|mass|market|pocket|trade|library|binding|penguin|oxford|worlds|world|vintage|modern|signet|
		dover|thrift|bantam|barnes|noble|wordsworth|everyman|everymans|puffin|norton|critical|folio|society|collins|
		harper|perennial|random|house|scholastic|macmillan|international|english|american|british|us|uk|us|first|
		1|2|3|4|5|6|7|8|9|10|1st|2nd|3rd|4th|5th|6th|7th|8th|9th|10th|11th|12th|second|third|fourth|fifth|sixth|seventh|eighth|ninth|
		tenth|20th|25th|30th|40th|50th|60th|75th|100th|150th|200th|new|fully|series|classic|gift|centennial|movie|film|tv|tie|sf|
		twentieth|twenty|fifth|thirtieth|fortieth|fiftieth|hundredth|century|large|print|digital|cd|mp3|audio|book|text|ed|
		virago|mit|nyrb|bloomsbury|virgin|arden|folger|canongate|viking|popular|premium|definitive|enriched|reader|
		neue|uberarbeitete|erweiterte|illustrierte|lesung|le|livre|de|edition|nouvelle|revue|augmentee|
		tapa|dura|blanda|ilustrada|revisada|nueva|nuova|herziene|druk|ny|reviderad`)
)

// editionPhrases describe an edition without one of editionWords.
var editionPhrases = phrasesOf(`large print|movie tie in|tv tie in|film tie in|media tie in|tie in|modern library|everymans library|
	library of america|library binding|mass market|audio cd|audio book|e book|e audiobook|mp3 cd|complete and unabridged|
	texte integral|grands caracteres|livre audio|le livre de poche|tapa dura|tapa blanda|folger shakespeare library|
	arden shakespeare|penguin popular classic|bantam classic|signet classic|p s|new ed|rev ed|2nd ed|3rd ed|4th ed|5th ed|
	6th ed|7th ed|8th ed|9th ed|10th ed|second ed|third ed|sf masterworks|english|everyman|audio|revised and updated|
	revised and expanded|updated and expanded|ungekurzte lesung|vintage international|harper perennial|
	grossdruck|oxford worlds classic|penguin great ideas|large type`)

// isNoise reports whether words only describe an edition.
func isNoise(words []string) bool {
	if editionPhrases.are(words) {
		return true
	}
	switch words[0] {
	case "illustrated", "introduction", "introduced", "read", "narrated", "foreword":
		if len(words) > 2 && words[1] == "by" {
			return true
		}
	}
	edition := false
	for _, word := range words {
		if !editionWords[word] && !imprintWords[word] {
			return false
		}
		edition = edition || editionWords[word]
	}
	return edition
}

// withoutTail drops the description of an edition, or "a novel", from the end.
func withoutTail(words []string) []string {
	for n := min(4, len(words)-1); n > 0; n-- {
		rest, tail := words[:len(words)-n], words[len(words)-n:]
		if len(withoutArticle(rest)) == 1 && articles[rest[len(rest)-1]] {
			continue
		}
		if tailPhrases.are(tail) || n > 1 && isNoise(tail) && editionWords[tail[n-1]] && !isAmbiguous(tail[0]) {
			return withoutTail(rest)
		}
	}
	return words
}

var tailPhrases = phrasesOf(`a novel|large print|unabridged|paperback|hardcover|hardback|audiobook|ebook|movie tie in|
	penguin classics|oxford worlds classics`)

// isAmbiguous reports whether a word is more often part of a title than of an edition's
// name.
func isAmbiguous(word string) bool {
	return articles[word] || word == "of" || word == "and" || word == "in" || word == "complete" || isNumber(word)
}

// genres end a subtitle that only says what kind of book it is ("a novel").
var (
	genres = set(`novel|memoir|biography|autobiography|thriller|mystery|romance|saga|tale|story|fable|whodunit`)
	kinds  = phrasesOf(`roman|ein roman|en roman|een roman|un roman|kriminalroman|thriller|erzahlung|novela|una novela|romanzo|
		un romanzo|romaani|romance|powiesc|роман|a novel of suspense|novel|memoir|memoires|historischer roman|
		psychothriller|krimi|a novella|novelle`)
)

// isDescription reports whether words only name a genre: "a novel", "a Miss Marple
// mystery", "Roman".
func isDescription(words []string) bool {
	if kinds.are(words) {
		return true
	}
	n := len(words)
	if of := slices.Index(words, "of"); of > 0 {
		n = of // "a tale of two sisters"
	}
	return n >= 2 && n <= 6 && (words[0] == "a" || words[0] == "an") && genres[words[n-1]] && sameContents(words) &&
		!slices.ContainsFunc(words[:n], func(word string) bool { return derivedWords[word] || word == "graphic" || word == "short" })
}

// derivedWords and derivedPhrases name texts that are made from a work.
var (
	derivedWords = set(`abridged|abridgment|abridgement|condensed|adapted|adaptation|retold|retelling|simplified|dramatized|
		dramatised|dramatization|dramatisation|novelization|novelisation|summary|synopsis|cliffsnotes|sparknotes|
		excerpt|excerpts|extracts|sampler|preview|screenplay|libretto|workbook|worksheets|gekurzt|gekurzte|
		nacherzahlt|nacherzahlung|horspiel|bearbeitet|adapte|adaptee|abrege|abregee|adaptado|adaptada|abreviado|
		abreviada|resumen|resume|ridotto|ridotta|ridotte|ingekort|bewerkt|hertaling|forkortet|forkortad|lattlast|selkokirja|
		storybook|coloring|colouring|sticker|manga|teachers|samenvatting|
		zusammenfassung|lektureschlussel|erlauterungen|сокращении|сокращенный|пересказ`)
	derivedPhrases = phrasesOf(`classics illustrated|illustrated classic|illustrated classics|classic starts|classics retold|
		puffin graphics|marvel illustrated|modern english|young readers|young reader|young adult edition|for children|for kids|graphic novel|cliffs notes|
		york notes|study guide|student edition|the musical|a musical|vocal score|selections from|
		readers companion|reading guide|discussion guide|board book|pop up|picture book|graded reader|
		level 1|level 2|level 3|level 4|level 5|level 6|macmillan readers|penguin readers|oxford bookworms|
		easy reader|fur kinder|einfacher sprache|pour enfants|para ninos|per bambini|voor kinderen|
		bande dessinee|a fumetti|stage play|stage version|shooting script|for the stage`)
)

// isDerived reports whether words name a text that is made from a work.
func isDerived(words []string) bool {
	if slices.ContainsFunc(words, func(word string) bool { return derivedWords[word] }) {
		return true
	}
	return derivedPhrases.in(words)
}

var boxPhrases = phrasesOf(`omnibus|boxset|box set|boxed set|in 1 volume|2 in 1|3 in 1|4 in 1|books in 1|book set|book bundle|
	schuber|coffret|complete series|complete trilogy`)

// isBox reports whether words name several works in one.
func isBox(words []string) bool { return boxPhrases.in(words) }

// isPublisher reports whether words repeat the publisher.
func isPublisher(words []string, publisher string) bool {
	return publisher != "" && slices.Equal(words, nameWords(fold(publisher)))
}

// isStudyAid reports whether publisher or subjects say that a book is about another.
func isStudyAid(b *model.Book) bool {
	if studyPublishers.are(nameWords(fold(b.Publisher))) {
		return true
	}
	return slices.ContainsFunc(b.Subjects, func(subject string) bool {
		subject = fold(subject)
		return strings.Contains(subject, "study guide") || strings.Contains(subject, "study aid") ||
			strings.Contains(subject, "abridg") || strings.Contains(subject, "screenplay") || strings.Contains(subject, "readers for new literates")
	})
}

var studyPublishers = phrasesOf(`sparknotes|cliffsnotes|cliffs notes|york notes|bookcaps|shmoop|gradesaver|instaread|supersummary|
	blinkist|bookrags|readers digest|classics illustrated|classical comics|manga classics|getabstract`)

// isComic reports whether a subject says so.
func isComic(subjects []string) bool {
	return slices.ContainsFunc(subjects, func(subject string) bool {
		subject = fold(subject)
		for _, word := range []string{"comic book", "comics", "graphic novel", "manga", "bandes dessinees", "bande dessinee", "fumetti"} {
			if strings.Contains(subject, word) {
				return true
			}
		}
		return false
	})
}
