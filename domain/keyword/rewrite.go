package keyword

import (
	"strings"
	"unicode"
)

// Without returns Served without one clause, for a link that drops it. It is empty if
// only excluded clauses are left.
func (q Query) Without(clause int) string {
	return q.Rewrite(map[int]string{clause: ""})
}

// Rewrite returns Served with new texts for some clauses, by their index. Operators
// and quotes stay. An empty text drops its clause. The result is empty if only
// excluded clauses are left.
func (q Query) Rewrite(texts map[int]string) string {
	var out strings.Builder
	done, searched := 0, false
	for i, c := range q.Clauses {
		text, changed := texts[i]
		searched = searched || !c.Excluded && !(changed && text == "")
		if !changed {
			continue
		}
		start, end := c.textStart, c.textEnd
		if text == "" {
			start, end = c.Start, c.End
		} else if !c.Phrase && (c.Field != Any || c.Excluded) && strings.ContainsFunc(text, unicode.IsSpace) {
			text = `"` + text + `"`
		}
		out.WriteString(q.Served[done:start])
		out.WriteString(text)
		done = end
	}
	if !searched {
		return ""
	}
	out.WriteString(q.Served[done:])
	return strings.Join(strings.Fields(out.String()), " ")
}
