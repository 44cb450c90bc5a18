package interest

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// What two books may have in common, and how much of the whole each is.
const (
	sameAuthor = 0.3
	sameSeries = 0.4
	subjects   = 0.2
	words      = 0.3
)

const (
	// MaxContent is how similar two books are at most.
	MaxContent = 0.3
	// sharpness is the power of what books have in common: a common author says little, and author,
	// series and subjects together say much. With less of it, similar books push those out that
	// readers opened together.
	sharpness = 5
)

// shortWord is the length of the longest word that says nothing about a book, in letters of an
// alphabet.
const shortWord = 3

// maxWords bounds the words of a book that are compared.
const maxWords = 300

// Content is what of a book is compared with others. It takes some 1.5 kB at most and doesn't change.
type Content struct {
	series            string
	authors, subjects []string // folded, in order, each once
	words             []uint32 // hashes, likewise
}

// ContentOf returns the content of a book.
func ContentOf(b *model.Book) Content {
	c := Content{series: model.Fold(b.Series), authors: folded(b.Authors()), subjects: folded(b.Subjects)}
	for word := range strings.FieldsFuncSeq(model.Fold(b.Title+" "+b.Description), isGap) {
		if len(c.words) == maxWords {
			break
		}
		if utf8.RuneCountInString(word) > shortWord || len(word) > 2*shortWord {
			hash := fnv.New32a()
			_, _ = hash.Write([]byte(word)) // never fails
			c.words = append(c.words, hash.Sum32())
		}
	}
	slices.Sort(c.words)
	c.words = slices.Compact(c.words)
	return c
}

// isGap reports whether a character stands between words.
func isGap(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }

func folded(texts []string) (list []string) {
	for _, text := range texts {
		if text = model.Fold(text); text != "" {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Similarity says how much two books have in common, from 0 to MaxContent: authors, series, subjects,
// and words of title and description.
func (c Content) Similarity(other Content) float64 {
	sum := subjects*overlap(c.subjects, other.subjects) + words*overlap(c.words, other.words)
	if overlap(c.authors, other.authors) > 0 {
		sum += sameAuthor
	}
	if c.series != "" && c.series == other.series {
		sum += sameSeries
	}
	return MaxContent * math.Pow(min(sum, 1), sharpness)
}

// overlap is the cosine of two sets, from 0 to 1.
func overlap[T cmp.Ordered](a, b []T) float64 {
	common := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch cmp.Compare(a[i], b[j]) {
		case 0:
			common++
			i++
			j++
		case -1:
			i++
		default:
			j++
		}
	}
	if common == 0 {
		return 0
	}
	return float64(common) / math.Sqrt(float64(len(a)*len(b)))
}
