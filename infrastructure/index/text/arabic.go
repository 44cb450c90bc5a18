package text

// articlePrefix is the Arabic article. Catalogues and readers leave it out at will.
const articlePrefix = "ال"

// withoutArticle cuts the article, also behind the conjunction و, from a word of which two
// letters remain. الله is a word of its own.
func (a *analyzer) withoutArticle(w *word) span {
	s := w.span
	text := a.bytes(s)
	skip := len(articlePrefix)
	switch {
	case hasPrefix(text, articlePrefix):
	case hasPrefix(text, "و"+articlePrefix):
		skip += len("و")
	default:
		return s
	}
	if len(text) < skip+2*len("و") || string(text[skip:]) == "له" {
		return s
	}
	s.from += int32(skip)
	return s
}

func hasPrefix(b []byte, s string) bool {
	return len(b) >= len(s) && string(b[:len(s)]) == s
}
