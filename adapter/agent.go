package adapter

import (
	_ "embed"
	"fmt"
	"net/http"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode"

	"literank.com/event-books/domain/model"
)

// crawlerList is kept by others; make crawlers takes the newest.
//
//go:embed crawlers.txt
var crawlerList string

// crawlers knows the programs of the list by their User-Agent.
type crawlers struct {
	// marks finds the texts of all patterns that stand for a few, in one pass;
	// as one expression they would take a hundred times longer.
	marks *strings.Replacer
	// others are the patterns that stand for more than that.
	others []*regexp.Regexp
}

var knownCrawlers = sync.OnceValues(func() (*crawlers, error) { return parseCrawlers(crawlerList) })

func parseCrawlers(list string) (*crawlers, error) {
	known := &crawlers{}
	var marks []string
	for line := range strings.Lines(list) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, err := syntax.Parse(line, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("list of crawlers: %w", err)
		}
		all := texts(pattern)
		if all == nil {
			known.others = append(known.others, regexp.MustCompile(line))
		}
		for _, text := range all {
			marks = append(marks, text, "")
		}
	}
	known.marks = strings.NewReplacer(marks...)
	return known, nil
}

// edge stands for the beginning and the end of a User-Agent, in which it can't occur.
const edge = "\x00"

// texts returns all texts that a pattern stands for, nil if they are many.
func texts(pattern *syntax.Regexp) (all []string) {
	switch pattern.Op {
	case syntax.OpLiteral:
		if pattern.Flags&syntax.FoldCase == 0 {
			return []string{string(pattern.Rune)}
		}
		all = []string{""}
		for _, r := range pattern.Rune { // [aA] comes as one that goes without case
			var longer []string
			for fold, first := r, true; first || fold != r; fold, first = unicode.SimpleFold(fold), false {
				for _, begin := range all {
					longer = append(longer, begin+string(fold))
				}
			}
			if all = longer; len(all) > 8 {
				return nil
			}
		}
	case syntax.OpBeginText, syntax.OpEndText:
		return []string{edge}
	case syntax.OpEmptyMatch:
		return []string{""}
	case syntax.OpCapture:
		return texts(pattern.Sub[0])
	case syntax.OpCharClass:
		for i := 0; i < len(pattern.Rune); i += 2 {
			for r := pattern.Rune[i]; r <= pattern.Rune[i+1]; r++ {
				if all = append(all, string(r)); len(all) > 4 {
					return nil
				}
			}
		}
	case syntax.OpAlternate:
		for _, branch := range pattern.Sub {
			found := texts(branch)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
	case syntax.OpConcat:
		all = []string{""}
		for _, part := range pattern.Sub {
			var longer []string
			for _, end := range texts(part) {
				for _, begin := range all {
					longer = append(longer, begin+end)
				}
			}
			all = longer // empty once a part stands for many
		}
	}
	return all
}

func (c *crawlers) know(userAgent string) bool {
	whole := edge + userAgent + edge
	if len(c.marks.Replace(whole)) < len(whole) {
		return true
	}
	return slices.ContainsFunc(c.others, func(pattern *regexp.Regexp) bool { return pattern.MatchString(userAgent) })
}

// namesBrowser holds for all browsers of today.
func namesBrowser(userAgent string) bool {
	return strings.HasPrefix(userAgent, "Mozilla/5.0 (") &&
		(strings.Contains(userAgent, "AppleWebKit/") || strings.Contains(userAgent, "Gecko/") || strings.Contains(userAgent, "Trident/"))
}

// maxUserAgent is far more than a browser sends, in bytes.
const maxUserAgent = 1000

// agent tells people from programs, as far as a request shows:
//
//   - bot: what a browser fetches ahead of the reader, whom the list of
//     crawlers knows (which has curl and the libraries of programs, too), and
//     who leaves an address for complaints, as crawlers do;
//   - person: who names a browser;
//   - unknown: the rest, and who names nothing.
func (s *Server) agent(r *http.Request) model.Agent {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range r.Header[http.CanonicalHeaderKey(name)] {
			if value = strings.ToLower(value); strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || value == "preview" {
				return model.BotAgent
			}
		}
	}
	userAgent := r.UserAgent()
	switch {
	case len(userAgent) > maxUserAgent:
		return model.UnknownAgent
	case strings.Contains(userAgent, "http://"), strings.Contains(userAgent, "https://"), s.crawlers.know(userAgent):
		return model.BotAgent
	case namesBrowser(userAgent):
		return model.PersonAgent
	}
	return model.UnknownAgent
}
