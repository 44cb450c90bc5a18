package notation

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	// someTag matches the tags by which a text is recognised as HTML: those of blocks,
	// line breaks, pictures, scripts and words that nobody writes in angle brackets
	// otherwise; any tag with an attribute; the end tags of the others, and their start
	// tags before a word. "List<a>" is no HTML.
	someTag = regexp.MustCompile(`(?i)<(?:` +
		`/?(?:` + blockTags + `|script|style|em|strong|small|big|sup|sub|cite|font|span|strike|del|ins)(?:\s[^<>]*)?|` +
		`/(?:` + inlineTags + `)\s*|(?:` + inlineTags + `)\s+[a-z-]+\s*=[^<>]*|` +
		`[bh]r\s*/?|img\s[^<>]*|p\s*/)>` +
		`|(?:^|[\s>"'(])<(?:` + inlineTags + `)>[\pL\d"'“„«]` +
		// A description may be cut off within a tag.
		`|</[a-z][a-z0-9]{0,9}$|<(?:a|img|p|div|span|font)\s+[a-z-]+\s*=[^<>]*$`)
	// reference matches a character reference that ends as it must.
	reference = regexp.MustCompile(`&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)
	lineTag   = regexp.MustCompile(`(?i)</?(?:` + blockTags + `|` + inlineTags + `|br|span|em|strong|small|sup|sub|cite|font)(?:\s[^<>]*)?/?>`)
	blockTag  = regexp.MustCompile(`(?i)^</?(?:` + blockTags + `|br)\b`)
	closing   = regexp.MustCompile(`(?i)</(?:` + blockTags + `|` + inlineTags + `|span|em|strong|small|sup|sub|cite|font)\s*>|<br\s*/?>`)
	// program matches what no reader should see.
	program = regexp.MustCompile(`(?is)<script\b[^>]*>.*?(?:</script\s*>|$)|<style\b[^>]*>.*?(?:</style\s*>|$)|<!--.*?-->`)
)

const (
	blockTags = `p|div|ul|ol|li|h[1-6]|blockquote|table|tr|td|th|center|pre|section|article|dl|dt|dd`
	// inlineTags could be something else in angle brackets.
	inlineTags = `a|b|i|u|s|q|tt|code|mark`
)

// Text returns a text without HTML markup, each paragraph on a line. Text that
// only contains a < or & stays as it is.
func Text(text string) string {
	if !strings.ContainsAny(text, "<&") {
		return text
	}
	if !IsHTML(text) {
		unescaped := unescape(text)
		if unescaped == text || !IsHTML(unescaped) {
			return unescaped
		}
		text = unescaped // the markup was escaped as a whole
	}
	// WooCommerce writes the line breaks of HTML as \n.
	return FromHTML(strings.NewReplacer(`\r\n`, "\n", `\n`, "\n").Replace(text))
}

// Line returns a title or a name without HTML markup, as one line. Tags count only if
// one of them is closed.
func Line(text string) string {
	if !strings.ContainsAny(text, "<&") {
		return text
	}
	text = program.ReplaceAllString(text, " ")
	if closing.MatchString(text) {
		text = lineTag.ReplaceAllStringFunc(text, func(tag string) string {
			if blockTag.MatchString(tag) {
				return " "
			}
			return ""
		})
		text = strings.Join(strings.Fields(text), " ")
	}
	return unescape(strings.TrimSpace(text))
}

// IsHTML reports whether a text has tags of HTML.
func IsHTML(text string) bool { return someTag.MatchString(text) }

func unescape(text string) string {
	return reference.ReplaceAllStringFunc(text, func(name string) string {
		if char := html.UnescapeString(name); char == ";" || !strings.HasSuffix(char, ";") {
			return char
		}
		return name // the library read only its beginning: "&not" in "&nothing;"
	})
}

var noBreaks = strings.NewReplacer("\n", " ", "\r", " ")

// FromHTML returns the text of HTML, each paragraph on a line.
func FromHTML(source string) string {
	var out strings.Builder
	in := html.NewTokenizer(strings.NewReader(source))
	for skip := atom.Atom(0); ; {
		switch kind := in.Next(); kind {
		case html.ErrorToken:
			return collapsed(out.String())
		case html.TextToken:
			if skip == 0 {
				// in HTML, a line break in a text is just white space
				out.WriteString(noBreaks.Replace(in.Token().Data))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			raw := string(in.Raw())
			name, _ := in.TagName()
			switch tag := atom.Lookup(name); tag {
			case atom.P, atom.Br, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Dt, atom.Dd, atom.Hr:
				out.WriteByte('\n')
			case atom.Td, atom.Th:
				out.WriteByte(' ')
			case atom.Script, atom.Style:
				skip = 0
				if kind == html.StartTagToken {
					skip = tag
				}
			case 0:
				if len(raw) < 40 && !strings.ContainsAny(raw, "=:-") && skip == 0 && kind == html.StartTagToken {
					out.WriteString(raw) // C<T> is no tag
				}
			}
		}
	}
}

// collapsed drops empty lines and the white space around the others.
func collapsed(text string) string {
	lines := strings.Split(text, "\n")
	kept := lines[:0]
	for _, line := range lines {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
