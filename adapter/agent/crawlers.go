package agent

import (
	_ "embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// crawlerList is the list of the npm package crawler-user-agents. "make crawlers"
// updates it.
//
//go:embed crawlers.txt
var crawlerList string

// listedCrawlers panics if the embedded list is malformed, which a test rules
// out.
var listedCrawlers = sync.OnceValue(func() *crawlers {
	listed, err := parseCrawlers(crawlerList)
	if err != nil {
		panic(err)
	}
	return listed
})

// crawlers recognises User-Agents that match a list of patterns.
type crawlers struct {
	// texts finds the literal texts of all patterns that literals expands, in one
	// pass.
	// One regular expression of all patterns would take a hundred times longer.
	texts *strings.Replacer
	// others are the remaining patterns. They are slow.
	others []*regexp.Regexp
}

func parseCrawlers(list string) (*crawlers, error) {
	listed := &crawlers{}
	var texts []string
	for line := range strings.Lines(list) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, err := syntax.Parse(line, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("list of crawlers: %w", err)
		}
		expanded := literals(pattern)
		if expanded == nil {
			listed.others = append(listed.others, regexp.MustCompile(line))
		}
		for _, text := range expanded {
			texts = append(texts, text, "")
		}
	}
	listed.texts = strings.NewReplacer(texts...)
	return listed, nil
}

func (c *crawlers) match(userAgent string) bool {
	whole := edge + userAgent + edge
	if len(c.texts.Replace(whole)) < len(whole) {
		return true
	}
	return slices.ContainsFunc(c.others, func(pattern *regexp.Regexp) bool { return pattern.MatchString(userAgent) })
}
