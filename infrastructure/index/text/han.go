package text

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed han.txt
var hanText string

// hanBlock is the block that has nearly all characters in use, U+4E00 to U+9FFF.
const hanBlock, hanBlockEnd = 0x4E00, 0xA000

type hanFolds struct {
	block [hanBlockEnd - hanBlock]rune
	rest  map[rune]rune
}

// hans has for each character that has variants the first of its class. Loading it takes
// about a millisecond, at the first text that needs it.
var hans = sync.OnceValue(loadHan)

func loadHan() *hanFolds {
	h := &hanFolds{rest: map[rune]rune{}}
	for line := range strings.Lines(hanText) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		first, _ := utf8.DecodeRuneInString(line)
		for _, r := range line {
			if r >= hanBlock && r < hanBlockEnd {
				h.block[r-hanBlock] = first
			} else {
				h.rest[r] = first
			}
		}
	}
	return h
}

// foldHan returns one form for the traditional and simplified, old and new spellings of a
// character.
func foldHan(r rune) rune {
	var folded rune
	if h := hans(); r >= hanBlock && r < hanBlockEnd {
		folded = h.block[r-hanBlock]
	} else {
		folded = h.rest[r]
	}
	if folded == 0 {
		return r
	}
	return folded
}

func isHan(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || 0x3400 <= r && r <= 0x4DBF || 0x3005 <= r && r <= 0x3007 || 0x20000 <= r && r <= 0x3FFFF ||
		0x2E80 <= r && r <= 0x2FDF || 0xF900 <= r && r <= 0xFAFF
}
