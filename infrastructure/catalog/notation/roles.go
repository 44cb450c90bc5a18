package notation

import (
	"regexp"
	"strings"
	"unicode"

	"literank.com/event-books/domain/model"
)

// role is what a contributor did, by the order in which a book's author line
// prefers them.
type role int

const (
	author role = iota
	editor
	other // translators, illustrators, narrators
)

var bracketedRole = regexp.MustCompile(`^(.*?)\s*[(\[]([^()\[\]]{1,40})[)\]]\.?\s*$`)

// years matches the years of a life in brackets.
var years = regexp.MustCompile(`^\D{0,3}\d{4} ?[-–] ?(?:\d{4})?$`)

// roles has the folded words for roles, without full stops.
var roles = func() map[string]role {
	byWord := map[string]role{}
	for role, words := range map[role]string{
		author: `author|aut|authors|goodreads author|writer|autor|autorin|verfasser|verfasserin|auteur|autrice|autore|автор|著|作者|著者|contributor|ctb`,
		editor: `ed|eds|edt|editor|editors|edited by|hg|hrsg|hrsg v|hgg|herausgeber|herausgeberin|éditeur scientifique|dir|directeur|curatore|a cura di|editor literario|compiler|comp|ред|редактор|编|編|编者|編者`,
		other: `translator|translators|trans|transl|tr|trl|translated by|übersetzer|übersetzerin|übers|traducteur|traductrice|traductor|traductora|traduttore|trad|переводчик|пер|译|译者|訳|訳者|
			illustrator|illustrators|illustrations|illus|ill|illustratorin|illustrateur|illustratrice|ilustrador|художник|ил|绘|絵|narrator|reader|read by|nrt|sprecher|sprecherin|erzähler|narrateur|narrador|чтец|
			foreword|introduction|afterword|preface|vorwort|nachwort|einleitung|préface|prólogo|prefazione|cover artist|photographer|fotograf|designer|adapter|introducer|aui`,
	} {
		for word := range strings.SplitSeq(words, "|") {
			byWord[model.Fold(word)] = role
		}
	}
	return byWord
}()

// roleOf reports false if the text is no role.
func roleOf(text string) (role, bool) {
	if text == "" {
		return author, false
	}
	if strings.HasPrefix(text, "Ill") && len(text) <= len("Ill.") {
		return author, false // Illinois
	}
	r, ok := roles[strings.TrimSpace(strings.ReplaceAll(model.Fold(strings.ToLower(text)), ".", ""))]
	return r, ok
}

// IsAuthor reports whether a text is the role of an author.
func IsAuthor(text string) bool {
	r, ok := roleOf(text)
	return ok && r == author
}

// contributor is somebody who is named as an author.
type contributor struct {
	name string
	role role
}

// newContributor cuts the roles off a name: "Tess Lator (Translator)", "Lator,
// Tess, trans.".
func newContributor(name string) contributor {
	c := contributor{name: strings.TrimSpace(name)}
	for {
		rest, word := cutLast(c.name)
		found, ok := roleOf(word)
		if strings.Contains(rest, ",") && years.MatchString(word) {
			found, ok = author, true
		}
		if !ok || rest == "" {
			return c
		}
		c.name, c.role = strings.TrimSpace(rest), max(c.role, found)
	}
}

// cutLast cuts off what stands in brackets at the end or, if it can't be a first
// name, behind the last comma.
func cutLast(name string) (rest, word string) {
	if strings.ContainsAny(name[max(0, len(name)-2):], ")]") {
		if m := bracketedRole.FindStringSubmatch(name); m != nil {
			return m[1], m[2]
		}
	}
	at := strings.LastIndexByte(name, ',')
	if at < 0 || len(name)-at > 20 {
		return "", ""
	}
	rest, word = name[:at], strings.TrimSpace(name[at+1:])
	if !strings.Contains(rest, ",") && !unicode.IsLower(firstRune(word)) {
		return "", "" // "Krol, Ed"
	}
	return rest, word
}

// preferred returns the names of those with the first role that somebody has:
// authors, else editors, else everybody.
func preferred(list []contributor) (names []string) {
	first := other
	for _, c := range list {
		if c.name != "" {
			first = min(first, c.role)
		}
	}
	for _, c := range list {
		if c.name != "" && c.role == first {
			names = append(names, c.name)
		}
	}
	return names
}
