// Package counting counts the searches of a topic for a report. It must not know where
// records come from or how the report looks.
package counting

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// memory bounds what Searches keeps, in bytes: about half a million keywords.
	memory = 256 << 20
)

// The memory of one entry of each map, without its text.
const (
	windowCost, idCost        = 9_700, 50
	searchCost                = 60
	keywordCost, spellingCost = 500, 60
)

// ErrTooMany means that counting exactly would take more memory than is allowed.
var ErrTooMany = errors.New("there are too many different keywords to count them in memory")

// Searches counts requests and searches. A request is an event. A search is what a visitor
// searched within half an hour, on one surface and with one tag, however often and on
// however many pages of results. Without a visitor, each event of a first page is one.
//
// Each event counts once, even if copies of it arrive. Events of bots and of simulated
// shoppers don't count as requests; they have numbers of their own.
type Searches struct {
	Totals
	since    time.Time
	people   bool
	left     int // bytes of memory
	windows  windows
	ids      map[digest]bool
	searches map[digest]*facts
	keywords map[string]*keyword
}

// Totals are the sums over all keywords, and what was left out.
type Totals struct {
	Keywords int `json:"keywords"`
	Requests int `json:"requests"`
	Searches int `json:"searches"`
	NotFound int `json:"not_found"`
	// Copies are repetitions of events. Bots, Demo and Unknown are events that don't
	// count for who sent them; Unknown only if people alone count.
	Copies  int `json:"copies"`
	Bots    int `json:"bots"`
	Demo    int `json:"demo"`
	Unknown int `json:"unknown"`
}

// Keyword is a keyword with all its spellings that fold to the same text.
type Keyword struct {
	// Keyword is the spelling that was typed most often.
	Keyword  string `json:"keyword"`
	Searches int    `json:"searches"`
	Requests int    `json:"requests"`
	// NotFound counts the searches that found nothing: without filters, nothing on the
	// first page and on no other.
	NotFound int `json:"not_found"`
}

type digest [16]byte

// facts of a search are true if they hold for one of its events.
type facts struct{ hits, empty bool }

func (f facts) notFound() bool { return f.empty && !f.hits }

type keyword struct {
	Keyword
	folded    string
	spellings map[string]int
}

// NewSearches counts searches that aren't older than since. With people, only events of
// people count, and none of unknown programs.
func NewSearches(since time.Time, people bool) *Searches {
	return &Searches{
		since: since, people: people, left: memory,
		windows: make(windows), ids: make(map[digest]bool),
		searches: make(map[digest]*facts), keywords: make(map[string]*keyword),
	}
}

// Add counts an event that was read from a partition, in a record with that timestamp. The
// error is ErrTooMany; the numbers are useless then.
func (s *Searches) Add(partition int32, timestamp time.Time, e *model.SearchEvent) error {
	at := model.EventTime(e.Time, timestamp)
	switch {
	case at.Before(s.since):
		return nil
	case !s.first(partition, e):
		s.Copies++
	case e.Surface == model.DemoSurface:
		s.Demo++
	case e.Agent == model.BotAgent:
		s.Bots++
	case e.Agent == model.UnknownAgent && s.people:
		s.Unknown++
	default:
		s.count(at, e)
	}
	if s.left < 0 {
		return ErrTooMany
	}
	return nil
}

// first reports whether no copy of the event was seen. Events of other programs may have
// no sequence, or no id either.
func (s *Searches) first(partition int32, e *model.SearchEvent) bool {
	switch {
	case e.Source != "" && e.Sequence > 0:
		window, known := s.windows.of(stream{partition, e.Source})
		if !known {
			s.left -= windowCost + len(e.Source)
		}
		return window.First(e.Sequence)
	case e.ID != "":
		id := digestOf(e.ID)
		if s.ids[id] {
			return false
		}
		s.ids[id] = true
		s.left -= idCost
	}
	return true
}

func (s *Searches) count(at time.Time, e *model.SearchEvent) {
	k := s.keyword(e)
	s.Requests++
	k.Requests++
	before, known := s.facts(at, k, e)
	if before == nil {
		return // a later page of nobody
	}
	after := *before
	after.hits = after.hits || e.Total > 0
	after.empty = after.empty || e.Total == 0 && e.Search.Offset == 0 && e.Search.Filters == (model.Filters{})
	s.add(k, one(!known), one(after.notFound())-one(before.notFound()))
	*before = after
}

// keyword returns the entry of the event's keyword.
func (s *Searches) keyword(e *model.SearchEvent) *keyword {
	typed := string(e.Search.Keyword)
	folded := model.Fold(typed)
	k := s.keywords[folded]
	if k == nil {
		k = &keyword{folded: folded, spellings: make(map[string]int)}
		s.keywords[folded] = k
		s.Keywords++
		s.left -= keywordCost + len(folded)
	}
	if _, known := k.spellings[typed]; !known {
		s.left -= spellingCost + len(typed)
	}
	k.spellings[typed] += one(e.Search.Offset == 0) // turning a page is no typing
	return k
}

// facts returns what is known about the event's search, and whether the search was counted
// before. It returns nil if the event belongs to no search.
func (s *Searches) facts(at time.Time, k *keyword, e *model.SearchEvent) (f *facts, known bool) {
	visitor := cmp.Or(e.ClientID, e.Visitor)
	if visitor == "" {
		if e.Search.Offset > 0 {
			return nil, false
		}
		return &facts{}, false
	}
	search := digestOf(visitor, k.folded, string(e.Surface), e.Tag, at.UTC().Truncate(trend.BucketLength).String())
	f, known = s.searches[search]
	if !known {
		f = &facts{}
		s.searches[search] = f
		s.left -= searchCost
	}
	return f, known
}

func (s *Searches) add(k *keyword, searches, notFound int) {
	k.Searches += searches
	s.Searches += searches
	k.NotFound += notFound
	s.NotFound += notFound
}

// Top returns the keywords that were searched most, at most n of them; with notFound those
// that most searches didn't find. Of equal ones, the first in byte order of their folded
// text comes first.
func (s *Searches) Top(n int, notFound bool) []Keyword {
	by := func(k *keyword) int {
		if notFound {
			return k.NotFound
		}
		return k.Searches
	}
	var ranked []*keyword
	for _, k := range s.keywords {
		if by(k) > 0 {
			ranked = append(ranked, k)
		}
	}
	slices.SortFunc(ranked, func(a, b *keyword) int { return cmp.Or(by(b)-by(a), cmp.Compare(a.folded, b.folded)) })
	top := make([]Keyword, min(n, len(ranked)))
	for i := range top {
		top[i] = ranked[i].Keyword
		top[i].Keyword = ranked[i].spelling()
	}
	return top
}

// spelling returns the most frequent one, of equal ones the first in byte order.
func (k *keyword) spelling() (most string) {
	best := -1
	for text, n := range k.spellings {
		if n > best || n == best && text < most {
			most, best = text, n
		}
	}
	return most
}

// digestOf tells lists of texts apart.
func digestOf(texts ...string) (d digest) {
	hash := sha256.New()
	for _, text := range texts {
		hash.Write(binary.AppendUvarint(nil, uint64(len(text))))
		hash.Write([]byte(text))
	}
	copy(d[:], hash.Sum(nil))
	return d
}

func one(condition bool) int {
	if condition {
		return 1
	}
	return 0
}
