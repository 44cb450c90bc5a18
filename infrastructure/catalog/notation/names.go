package notation

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

var (
	fullerForm = regexp.MustCompile(`^(.*\S)\s+(\([^()]*\))$`)
	suffix     = regexp.MustCompile(`^(Jr|Sr|II|III|IV|Esq|M\.D|MD|Ph\.D|PhD)\.?$`)
	// lifeDates matches the years that libraries put behind a name.
	lifeDates = regexp.MustCompile(`^(?:ca?\.)?\s*\d{4}\??\s*-\s*(?:\d{4}\??)?\.?$|^(?:[bd]\.|born|died)\s*\d{4}\.?$`)
	initials  = regexp.MustCompile(`^(?:\p{L}\.?|(?:\p{Lu}\p{Ll}?\.-?)+\p{Lu}?\.?|\p{Lu}{2,3})$`)
)

// between matches the separators of authors. The comma isn't one: it may also
// stand between last and first name.
var (
	between    = regexp.MustCompile(`\s*[;；|、]\s*`)
	ampersand  = regexp.MustCompile(`\s+[&/]\s+`)
	conjoined  = regexp.MustCompile(`^(.+\S)\s+(?:and|und|et|y|e)\s+(\S.+)$`)
	roleComma  = regexp.MustCompile(`[(\[]([^()\[\]]{1,40})[)\]],\s`)
	enumerated = regexp.MustCompile(`^(.+),\s+(?:and|und|&)\s+(.+)$`)
)

// NameOrder says what the cells of a column show about a comma in a name.
type NameOrder int

const (
	// AnyOrder: "A, B" may be one name or two.
	AnyOrder NameOrder = iota
	// CommaTurns: the column has one-word last names before commas, and hardly any
	// lists of names.
	CommaTurns
	// LastFirst: nearly all names are written as "Last, First".
	LastFirst
)

// Authors splits a text into authors and writes their names in spoken order. If the
// text could be one name or two, names has the text as it stands, and turned is the one
// name in spoken order.
func Authors(text string, order NameOrder) (names []string, turned string) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, ""
	}
	if !strings.ContainsAny(text, ",;；|、&/([") && !hasConjunction(text) {
		return []string{text}, ""
	}
	var found []contributor
	text = roleComma.ReplaceAllStringFunc(text, separateRole)
	groups := []string{text}
	if strings.ContainsAny(text, ";；|、") {
		groups = between.Split(text, -1)
	}
	for _, group := range groups {
		parts := partsOf(group)
		all := order == LastFirst || len(groups) > 1 || len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return strings.Count(p, ",") != 1 })
		for _, part := range parts {
			c := newContributor(part)
			switch {
			case !strings.Contains(c.name, ","):
			case all:
				c.name = turnOne(c.name)
			case len(parts) > 1 && slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(strings.TrimSpace(p), " ") }):
				// "Tom, Dick & Harry"
			default:
				c.name, turned = turnIfClear(c.name, order)
			}
			found = append(found, c)
		}
	}
	if len(found) > 1 {
		turned = ""
	}
	return preferred(found), turned
}

// separateRole turns the comma behind a role into a separator: "Ada Quill (ed.), Bo
// Lind (ed.)".
func separateRole(found string) string {
	if _, ok := roleOf(roleComma.FindStringSubmatch(found)[1]); !ok {
		return found
	}
	return strings.Replace(found, ",", ";", 1)
}

// partsOf splits a text at "&" and at "and", if persons stand around that.
func partsOf(text string) []string {
	if !hasConjunction(text) && !strings.ContainsAny(text, "&/") {
		return []string{text}
	}
	if m := enumerated.FindStringSubmatch(text); m != nil && !slices.ContainsFunc(append(strings.Split(m[1], ","), m[2]), func(name string) bool { return !isPerson(name) }) {
		return []string{m[1], m[2]}
	}
	parts := ampersand.Split(text, -1)
	for _, part := range parts[1:] {
		if first, _, _ := strings.Cut(part, " "); slices.Contains(partners, companyWord(strings.TrimSuffix(first, ","))) {
			return []string{text} // "Quill & Sons, Ltd."
		}
	}
	if m := conjoined.FindStringSubmatch(text); m != nil && len(parts) == 1 && isPerson(m[1]) && isPerson(m[2]) {
		parts = m[1:]
	}
	if slices.ContainsFunc(parts, isCompany) && !slices.ContainsFunc(parts, isKnownPerson) {
		return []string{text} // "Quill & Marsh, Inc."
	}
	return parts
}

// isKnownPerson reports whether a name begins with a given name, or is "Last, First"
// with one.
func isKnownPerson(name string) bool {
	if isCompany(name) {
		return false
	}
	if last, first, ok := strings.Cut(name, ","); ok && isSurname(last) {
		return areGiven(first)
	}
	words := strings.Fields(name)
	return len(words) > 1 && isGiven(words[0])
}

func hasConjunction(text string) bool {
	for _, word := range []string{" and ", " und ", " et ", " y ", " e "} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// turnOne turns a name that surely is in library order, unless it is two names.
func turnOne(name string) string {
	if parts, _ := nameParts(name); len(parts) == 2 && areTwo(parts[0], parts[1]) {
		return name
	}
	return TurnName(withoutStop(name))
}

// Alias writes another name of an author in spoken order, without years in brackets. A
// fuller form in brackets stays.
func Alias(name string) string {
	if strings.HasSuffix(name, ")") {
		if m := bracketedRole.FindStringSubmatch(name); m != nil && m[1] != "" && years.MatchString(m[2]) {
			name = m[1]
		}
	}
	if !strings.Contains(name, ",") {
		return name
	}
	return turnOne(name)
}

// Names writes the names of a list in spoken order.
func Names(list []string) []string {
	found := make([]contributor, len(list))
	for i, name := range list {
		found[i] = newContributor(name)
		found[i].name = TurnName(found[i].name)
	}
	return preferred(found)
}

// turnIfClear turns a name in library order if nothing else can be meant. If it is
// in doubt it returns the other reading too.
func turnIfClear(text string, order NameOrder) (name, turned string) {
	parts, extended := nameParts(text)
	if len(parts) == 2 && suffix.MatchString(parts[1]) {
		return TurnName(text), "" // "Ada Quill, Jr."
	}
	if persons, ok := alternating(parts); ok {
		return strings.Join(persons, model.AuthorSeparator), ""
	}
	if len(parts) != 2 || !couldBeOne(parts[0], parts[1]) {
		return text, ""
	}
	other := turnOne(text)
	if extended || isSurname(parts[0]) && (order == CommaTurns || areGiven(parts[1])) {
		return other, ""
	}
	return text, other
}

// alternating recognises a list such as "Quill, Ada, Marsh, Cy".
func alternating(parts []string) (persons []string, ok bool) {
	if len(parts) < 4 || len(parts)%2 != 0 {
		return nil, false
	}
	for i := 0; i < len(parts); i += 2 {
		if !isSurname(parts[i]) || !areGiven(parts[i+1]) || areGiven(parts[i]) {
			return nil, false
		}
		persons = append(persons, TurnName(parts[i]+", "+parts[i+1]))
	}
	return persons, true
}

// nameParts cuts a name at its commas, without the fuller form and without a suffix
// and dates, with which the name is extended. "King, Jr., Martin Luther" has the suffix
// behind the last name.
func nameParts(name string) (parts []string, extended bool) {
	if strings.HasSuffix(name, ")") {
		name = fullerForm.ReplaceAllString(name, "$1")
	}
	parts = strings.Split(strings.TrimRight(name, ", "), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	for last := len(parts) - 1; last > 1 && (suffix.MatchString(parts[last]) || lifeDates.MatchString(parts[last])); last-- {
		parts, extended = parts[:last], true
	}
	if len(parts) == 3 && suffix.MatchString(parts[1]) {
		parts, extended = []string{parts[0], parts[2]}, true
	}
	return parts, extended
}

// couldBeOne reports whether two parts around a comma can be one name.
func couldBeOne(last, first string) bool {
	return last != "" && first != "" && !isCorporate(last, first) && !areTwo(last, first) &&
		len(strings.Fields(first)) <= 4 && len(strings.Fields(last)) <= 4 &&
		!strings.ContainsFunc(last+first, unicode.IsDigit) && !unicode.IsLower(firstRune(first))
}

// areTwo recognises "Karl Marx, Friedrich Engels": each part begins with a given
// name and goes on.
func areTwo(a, b string) bool {
	complete := func(name string) bool {
		words := strings.Fields(name)
		return len(words) > 1 && isGiven(words[0]) && !isParticle(words[0]) && !isGiven(words[len(words)-1]) && !isParticle(words[len(words)-1])
	}
	return complete(a) && complete(b)
}

// isSurname reports whether a text is one word with particles, such as "van Gogh".
func isSurname(text string) bool {
	words := slices.DeleteFunc(strings.Fields(text), func(word string) bool { return isParticle(word) || suffix.MatchString(word) })
	return len(words) == 1 && !isInitials(words[0]) && !mononyms[strings.ToLower(words[0])]
}

// mononyms has authors of one name. Behind theirs usually stands a translator's.
var mononyms = map[string]bool{"plato": true, "homer": true, "sophocles": true, "euripides": true, "aeschylus": true, "aristophanes": true, "aristotle": true, "herodotus": true, "thucydides": true,
	"virgil": true, "ovid": true, "horace": true, "seneca": true, "cicero": true, "plutarch": true, "dante": true, "petrarch": true, "voltaire": true, "molière": true, "stendhal": true, "colette": true, "hergé": true, "novalis": true,
	"confucius": true, "laozi": true, "rumi": true, "anonymous": true, "anonym": true, "anonyme": true, "various": true, "unknown": true, "clamp": true}

// areGiven reports whether a text has only given names, initials and particles
// behind them: "Johann Wolfgang von".
func areGiven(text string) bool {
	words := strings.Fields(text)
	for len(words) > 1 && isParticle(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 2 && isPatronymic(words[1]) {
		return true
	}
	return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return !isGiven(word) })
}

//go:embed given_names.txt
var givenNamesText string

// givenNames has folded given names of Europe and the Americas.
var givenNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.Lines(givenNamesText) {
		if !strings.HasPrefix(name, "#") {
			names[strings.TrimSpace(name)] = true
		}
	}
	return names
})

// isPatronymic recognises the second name of Russians.
func isPatronymic(word string) bool {
	for _, ending := range []string{"вич", "ьич", "вна", "ична", "ovich", "evich", "ovna", "evna"} {
		if strings.HasSuffix(word, ending) {
			return true
		}
	}
	return false
}

func isInitials(word string) bool {
	return (len(word) <= 3 || strings.Contains(word, ".") || utf8.RuneCountInString(word) <= 3) && initials.MatchString(word)
}

func isGiven(word string) bool {
	if isInitials(word) || isPatronymic(word) {
		return true
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(word, "."), "-") {
		if !givenNames()[model.Fold(strings.ToLower(part))] && !isInitials(part) {
			return false
		}
	}
	return true
}

// isPerson reports whether a name looks like a person's: at least two words, each
// capitalised or a particle. "Department of Health" is no person.
func isPerson(name string) bool {
	words := strings.Fields(name)
	return len(words) >= 2 && !slices.ContainsFunc(words, func(word string) bool {
		return !unicode.IsUpper(firstRune(word)) && !particles[word]
	})
}

// particles has the words in names of people that aren't capitalised.
var particles = map[string]bool{"von": true, "van": true, "der": true, "den": true, "de": true, "la": true, "le": true, "du": true, "da": true, "di": true, "del": true, "al": true, "zu": true, "af": true, "bin": true, "ibn": true,
	"dos": true, "das": true, "des": true, "della": true, "ter": true, "ten": true, "vom": true, "zum": true, "zur": true, "el": true, "los": true, "las": true, "av": true, "st.": true, "saint": true}

// capitalised has those that some families capitalise.
var capitalised = map[string]bool{"Von": true, "Van": true, "Der": true, "Den": true, "De": true, "La": true, "Le": true, "Du": true, "Da": true, "Di": true, "Del": true, "Dos": true, "Della": true, "Ter": true, "Ten": true, "St.": true, "Saint": true}

func isParticle(word string) bool { return particles[word] || capitalised[word] }

// LearnOrder finds out how a column writes the names of its authors.
func LearnOrder(authors []string) NameOrder {
	all, commas, surnames, known, lists := 0, 0, 0, 0, 0
	for _, text := range authors {
		for _, name := range between.Split(text, -1) {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			all++
			last, first, _ := strings.Cut(name, ",")
			if strings.Count(name, ",") == 1 {
				commas++
				if !strings.Contains(strings.TrimSpace(last), " ") {
					surnames++
				}
			}
			switch {
			case strings.Count(name, ",") == 1 && isSurname(last) && areGiven(first):
				known++
			case isList(name):
				lists++
			}
		}
	}
	switch {
	case all >= 3 && commas*5 >= all*4 && surnames*5 >= commas*3:
		return LastFirst
	case known >= 3 && known >= 5*lists:
		return CommaTurns
	}
	return AnyOrder
}

// isList reports whether commas seem to separate whole names.
func isList(text string) bool {
	parts, extended := nameParts(text)
	return len(parts) > 1 && !extended && !isCompany(text) && !slices.ContainsFunc(parts, func(part string) bool {
		return !isPerson(part) || isSurname(part) || areGiven(part)
	})
}

// TurnName turns a name in library order into spoken order: "Kennedy, John F.
// (John Fitzgerald)" becomes "John F. Kennedy (John Fitzgerald)", and "Bates,
// Lindon, Jr." becomes "Lindon Bates Jr.". A name with other parts than a last and
// a first name stays as it is, and so does a company.
func TurnName(name string) string {
	plain, fuller := name, ""
	if strings.HasSuffix(name, ")") {
		if m := fullerForm.FindStringSubmatch(name); m != nil {
			plain, fuller = m[1], " "+m[2]
		}
	}
	if strings.Count(plain, ",") > 1 {
		plain = strings.TrimRight(plain, ", ") // "Quill, Ada,"
	}
	parts := strings.Split(plain, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
		if parts[i] == "" {
			return name
		}
	}
	if last := len(parts) - 1; last > 1 && lifeDates.MatchString(parts[last]) {
		parts = parts[:last]
	}
	if len(parts) == 3 && suffix.MatchString(parts[1]) {
		parts = []string{parts[0], parts[2], parts[1]} // "King, Jr., Martin Luther"
	}
	if last := len(parts) - 1; last > 0 && suffix.MatchString(parts[last]) {
		fuller = " " + parts[last] + fuller
		parts = parts[:last]
	}
	switch {
	case len(parts) == 1:
		return parts[0] + fuller
	case len(parts) > 2 || strings.ContainsFunc(parts[1], unicode.IsDigit):
		return name // a title, a year of birth, or a corporation with many parts
	case isCorporate(parts[0], parts[1]):
		return name
	case unicode.IsLower(firstRune(parts[1])) && !areOnlyParticles(parts[1]):
		return parts[0] + " " + parts[1] + fuller // "Hero, of Alexandria"
	}
	return parts[1] + " " + parts[0] + fuller
}

func areOnlyParticles(text string) bool {
	return !slices.ContainsFunc(strings.Fields(text), func(word string) bool { return !isParticle(word) })
}

// withoutStop cuts off the full stop that library catalogues put behind a name,
// but not the one of an initial or a suffix.
func withoutStop(name string) string {
	cut, ok := strings.CutSuffix(name, ".")
	words := strings.Fields(cut)
	if !ok || len(words) == 0 || utf8.RuneCountInString(words[len(words)-1]) < 2 || !givenNames()[model.Fold(words[len(words)-1])] {
		return name
	}
	return cut
}
