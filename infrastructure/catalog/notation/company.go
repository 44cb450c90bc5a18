package notation

import (
	"slices"
	"strings"
)

// partners has the words behind "&" that show a company.
var partners = []string{"sons", "co", "company", "brothers", "bros", "partners", "söhne", "fils", "figli", "hijos"}

// isCorporate reports whether two parts around a comma are the name of a company or an
// institution, or have one.
func isCorporate(first, second string) bool {
	words := strings.Fields(second)
	switch {
	case len(strings.Fields(first)) > 1 && isCompany(first):
		return true
	case len(words) > 1 && isGiven(words[0]):
		return false // "Quill, Ada Press"
	}
	return isCompany(second)
}

// isCompany reports whether a name ends in a word of companies, as "Quill & Marsh, Inc."
// does, or is that of an institution.
func isCompany(name string) bool {
	words := strings.Fields(name)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	return corporate[companyWord(last)] || legalForms[last] ||
		len(words) > 1 && slices.ContainsFunc(words, func(word string) bool { return institutions[companyWord(strings.TrimSuffix(word, ","))] })
}

// companyWord folds a word for corporate. "E. V." are initials, "e.V." is not.
func companyWord(word string) string {
	if word == "e.V." || word == "e. V." {
		return word
	}
	return strings.ToLower(strings.TrimSuffix(word, "."))
}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

var (
	corporate = setOf("e.V. inc incorporated ltd limited llc llp plc corp corporation co company gmbh mbh ggmbh s.r.l s.p.a sarl " +
		"verlag verlagsgesellschaft buchverlag press publishing publisher publishers books edition editions éditions editore editori editorial ediciones " +
		"издательство издательский university universität université universidad università institute institut sons staff team group")
	// legalForms are names or words of other meaning in other capitals.
	legalForms = setOf("AG KG OHG SE BV B.V. NV N.V. SA S.A. SpA S.p.A. Srl S.r.l. SAS AB A/S Oy Oyj Pty Pte ООО АО")
	// institutions has words that show an institution wherever they stand in its name.
	institutions = setOf("university universität université universidad università universiteit universitet department dept ministry bundesamt " +
		"committee commission council association society gesellschaft verein foundation stiftung fondation fundación museum academy akademie académie agency inc gmbh ltd llc")
)
