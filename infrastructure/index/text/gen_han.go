//go:build ignore

// Command gen_han writes han.txt from the dictionaries of OpenCC:
//
//	go run gen_han.go OpenCC/data/dictionary
package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const header = `# Han characters that are spellings of each other: traditional and simplified Chinese,
# variants of Taiwan and Hong Kong, old and new Japanese. One class a line.
# Made by gen_han.go from TSCharacters, TWVariants, HKVariants and JPShinjitaiCharacters
# of OpenCC 1.4 (github.com/BYVoid/OpenCC), Apache License 2.0.
`

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen_han:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	// classes maps each character to the class that it belongs to.
	classes := map[rune]*[]rune{}
	for _, name := range []string{"TSCharacters", "TWVariants", "HKVariants", "JPShinjitaiCharacters"} {
		text, err := os.ReadFile(filepath.Join(folder, name+".txt"))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			from, to, found := strings.Cut(strings.TrimSpace(line), "\t")
			if !found || strings.HasPrefix(line, "#") {
				continue
			}
			a, _ := utf8.DecodeRuneInString(from)
			for i, variant := range strings.Fields(to) {
				b, _ := utf8.DecodeRuneInString(variant)
				if i == 0 || name != "TSCharacters" { // its others are rare forms
					merge(classes, a, b)
				}
			}
		}
	}
	var lines []string
	for class := range maps.Values(classes) {
		slices.SortFunc(*class, func(a, b rune) int { return cmp.Compare(a, b) })
		if len(*class) > 1 {
			lines = append(lines, string(*class)+"\n")
		}
	}
	slices.Sort(lines)
	return os.WriteFile("han.txt", []byte(header+strings.Join(slices.Compact(lines), "")), 0o644)
}

func merge(classes map[rune]*[]rune, a, b rune) {
	for _, r := range []rune{a, b} {
		if classes[r] == nil {
			classes[r] = &[]rune{r}
		}
	}
	into, from := classes[a], classes[b]
	if into == from {
		return
	}
	*into = append(*into, *from...)
	for _, r := range *from {
		classes[r] = into
	}
}
