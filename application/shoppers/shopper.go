package shoppers

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"literank.com/event-books/domain/model"
)

// Shopper is one simulated person with a browser.
type Shopper struct {
	// Number tells the shoppers of a crowd apart, from 0.
	Number int
	// UserAgent and AcceptLanguage are headers of the browser. Private browsers also send
	// Sec-GPC: 1.
	UserAgent, AcceptLanguage string
	Private                   bool
	// Consents says that the shopper lets the shop set its cookie.
	Consents bool

	language string // what questions and filters are in: a primary BCP 47 subtag
	tag      string // of the links that lead the shopper to searches; mostly empty
	tastes   []int
}

const (
	consenting, private, tagged = 0.3, 0.03, 0.15
	maxTastes                   = 3
)

var tags = []string{"spring-letter", "poster", "radio", "reading-circle"}

func (c *Crowd) newShopper(rng *rand.Rand, number int) *Shopper {
	s := &Shopper{Number: number, UserAgent: userAgent(rng), language: "en"}
	s.Consents, s.Private = rng.Float64() < consenting, rng.Float64() < private
	if rng.Float64() < tagged {
		s.tag = tags[rng.IntN(len(tags))]
	}
	for range 1 + rng.IntN(maxTastes) {
		s.tastes = append(s.tastes, rng.IntN(len(c.tastes.members)))
	}
	if len(c.books) > 0 {
		s.language = languageOf(c.books[c.tastes.book(rng, s.tastes[0])])
	}
	s.AcceptLanguage = acceptLanguage(rng, s.language)
	return s
}

// languageOf returns the language of a book, if there are questions in it, or else English.
func languageOf(b *model.Book) string {
	primary, _, _ := strings.Cut(b.Language, "-")
	if _, known := questions[primary]; known {
		return primary
	}
	return "en"
}

// regions are where a language is spoken.
var regions = map[string][]string{
	"en": {"en-GB", "en-US", "en-IN", "en"}, "de": {"de-DE", "de-AT", "de-CH", "de"}, "fr": {"fr-FR", "fr-CA", "fr"},
	"es": {"es-ES", "es-MX", "es"}, "pt": {"pt-PT", "pt-BR"}, "zh": {"zh-CN", "zh-TW"},
}

func acceptLanguage(rng *rand.Rand, language string) string {
	first := language
	if known := regions[language]; len(known) > 0 {
		first = known[rng.IntN(len(known))]
	}
	switch {
	case first == language && language == "en":
		return "en"
	case language == "en":
		return first + ",en;q=0.9"
	}
	return fmt.Sprintf("%s,%s;q=0.9,en;q=0.6", first, language)
}

// userAgent returns the User-Agent of a browser. All shoppers may come from one address, and
// then only browsers tell them apart.
func userAgent(rng *rand.Rand) string {
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko)"
	desktops := []string{"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "X11; CrOS x86_64 14541.0.0"}
	desktop := desktops[rng.IntN(len(desktops))]
	chrome, firefox := 120+rng.IntN(25), 118+rng.IntN(28)
	ios := fmt.Sprintf("%d.%d", 16+rng.IntN(3), rng.IntN(7))
	switch n := rng.IntN(10); {
	case n < 3:
		return fmt.Sprintf("Mozilla/5.0 (%s)%s Chrome/%d.0.0.0 Safari/537.36", desktop, webkit, chrome)
	case n < 5:
		return fmt.Sprintf("Mozilla/5.0 (Linux; Android %d; K)%s Chrome/%d.0.0.0 Mobile Safari/537.36", 11+rng.IntN(5), webkit, chrome)
	case n < 6:
		return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64)%s Chrome/%d.0.0.0 Safari/537.36 Edg/%[2]d.0.0.0", webkit, chrome)
	case n < 8:
		return fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%[2]d.0", desktop, firefox)
	}
	device := []string{"iPhone; CPU iPhone OS %s like Mac OS X", "iPad; CPU OS %s like Mac OS X"}[rng.IntN(2)]
	return fmt.Sprintf("Mozilla/5.0 ("+device+") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%s Mobile/15E148 Safari/604.1", strings.ReplaceAll(ios, ".", "_"), ios)
}
