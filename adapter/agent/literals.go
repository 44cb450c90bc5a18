package agent

import (
	"regexp/syntax"
	"unicode"
)

// edge marks the beginning and the end of a User-Agent. A User-Agent can't
// contain it.
const edge = "\x00"

const (
	maxFoldings   = 8 // of a literal without case
	maxCharacters = 4 // of a class
)

// literals expands a pattern to the texts that it matches, with edge for ^ and
// $. It returns nil if there are too many. Nearly all patterns of the list expand
// to a few texts, and a search for texts is far cheaper than a regular
// expression.
func literals(pattern *syntax.Regexp) (texts []string) {
	switch pattern.Op {
	case syntax.OpLiteral:
		return foldings(pattern)
	case syntax.OpBeginText, syntax.OpEndText:
		return []string{edge}
	case syntax.OpEmptyMatch:
		return []string{""}
	case syntax.OpCapture:
		return literals(pattern.Sub[0])
	case syntax.OpCharClass:
		return characters(pattern)
	case syntax.OpAlternate:
		for _, branch := range pattern.Sub {
			expanded := literals(branch)
			if expanded == nil {
				return nil
			}
			texts = append(texts, expanded...)
		}
	case syntax.OpConcat:
		texts = []string{""}
		for _, part := range pattern.Sub {
			texts = concat(texts, literals(part)) // empty once a part has too many
		}
	}
	return texts
}

// foldings returns the spellings of a literal. The parser turns [aA] into a
// literal that ignores case.
func foldings(pattern *syntax.Regexp) []string {
	if pattern.Flags&syntax.FoldCase == 0 {
		return []string{string(pattern.Rune)}
	}
	texts := []string{""}
	for _, r := range pattern.Rune {
		cases := []string{string(r)}
		for fold := unicode.SimpleFold(r); fold != r; fold = unicode.SimpleFold(fold) {
			cases = append(cases, string(fold))
		}
		if texts = concat(texts, cases); len(texts) > maxFoldings {
			return nil
		}
	}
	return texts
}

func characters(pattern *syntax.Regexp) (texts []string) {
	for i := 0; i < len(pattern.Rune); i += 2 {
		for r := pattern.Rune[i]; r <= pattern.Rune[i+1]; r++ {
			if texts = append(texts, string(r)); len(texts) > maxCharacters {
				return nil
			}
		}
	}
	return texts
}

// concat returns each beginning with each end.
func concat(beginnings, ends []string) (texts []string) {
	for _, end := range ends {
		for _, begin := range beginnings {
			texts = append(texts, begin+end)
		}
	}
	return texts
}
