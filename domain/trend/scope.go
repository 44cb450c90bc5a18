package trend

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"
)

// Scope is what numbers over all keywords can be narrowed to: a kind of searches, a tag and a
// language.
type Scope struct {
	Kind Kind
	Tag  string
	// Language is the first one that the browser asks for, as BCP 47 tag, or empty.
	Language string
}

// Any stands for all tags, or all languages. No tag has control characters.
const Any = "\x01"

// Groups are the scopes to which the visitors of a scope belong.
func (s Scope) Groups() []Scope {
	kinds := []Kind{s.Kind}
	if s.Kind == Page || s.Kind == API {
		kinds = append(kinds, People)
	}
	var groups []Scope
	for _, kind := range kinds {
		for _, tag := range []string{s.Tag, Any} {
			for _, language := range []string{s.Language, Any} {
				groups = append(groups, Scope{kind, tag, language})
			}
		}
	}
	return groups
}

// Kinds are the kinds of rows that a group counts.
func (s Scope) Kinds() []Kind {
	if s.Kind == People {
		return []Kind{Page, API}
	}
	return []Kind{s.Kind}
}

// Has reports whether a group has a scope.
func (s Scope) Has(scope Scope) bool {
	if s.Kind != scope.Kind && (s.Kind != People || scope.Kind != Page && scope.Kind != API) {
		return false
	}
	return (s.Tag == Any || s.Tag == scope.Tag) && (s.Language == Any || s.Language == scope.Language)
}

// Visit is what a visitor did for one keyword, surface and tag on one day, by language. Nearly
// every browser asks for one language alone.
type Visit map[string]Facts

// Add notes facts like Facts.Add.
func (v Visit) Add(language string, day Day, bucket int, facts Fact, at time.Time) {
	f := v[language]
	f.Add(day, bucket, facts, at)
	v[language] = f
}

// Join returns the facts of both.
func (v Visit) Join(other Visit) Visit {
	joined := maps.Clone(v)
	if joined == nil {
		joined = Visit{}
	}
	for language, facts := range other {
		joined[language] = joined[language].Join(facts)
	}
	return joined
}

// Erase takes away what held up to a time.
func (v Visit) Erase(day Day, until time.Time) {
	for language, facts := range v {
		facts.Erase(day, until)
		if v[language] = facts; len(facts) == 0 {
			delete(v, language)
		}
	}
}

// Facts returns the facts of all languages.
func (v Visit) Facts() (all Facts) {
	for _, facts := range v {
		if all == nil {
			all = facts
			continue
		}
		all = all.Join(facts)
	}
	return all
}

// Counts returns what the visit counts, by language. A search counts once: those of several
// languages in one bucket belong to the language that was searched last, of equal ones to the first
// by bytes.
func (v Visit) Counts() map[string]DayCounts {
	var facts [Buckets]Fact
	type latest struct {
		language string
		after    int64
	}
	var owners [Buckets]latest
	for bucket := range owners {
		owners[bucket].after = -1
	}
	for _, language := range slices.Sorted(maps.Keys(v)) {
		for _, m := range v[language] {
			facts[m.bucket] |= m.facts
			if owner := &owners[m.bucket]; m.facts&Searched != 0 && int64(m.after) > owner.after {
				*owner = latest{language, int64(m.after)}
			}
		}
	}
	counts := map[string]DayCounts{}
	for bucket, owner := range owners {
		if owner.after < 0 {
			continue // nothing counts without a search
		}
		if counts[owner.language] == nil {
			counts[owner.language] = DayCounts{}
		}
		counts[owner.language].Add(bucket, CountsOf(facts[bucket]), 1)
	}
	return counts
}

// Equal reports whether two visits have the same facts.
func (v Visit) Equal(other Visit) bool {
	return maps.EqualFunc(v, other, func(a, b Facts) bool { return slices.Equal(a, b) })
}

// Clone returns a copy.
func (v Visit) Clone() Visit {
	clone := make(Visit, len(v))
	for language, facts := range v {
		clone[language] = slices.Clone(facts)
	}
	return clone
}

// EncodeLanguages returns what Facts doesn't have: of one language its length and its text; of
// several ones, each followed by its encoded facts with their length.
func (v Visit) EncodeLanguages() []byte {
	data := []byte{}
	for _, language := range slices.Sorted(maps.Keys(v)) {
		data = appendText(data, language)
		if len(v) > 1 {
			data = appendText(data, string(v[language].Encode()))
		}
	}
	return data
}

// DecodeVisit reads the encoded facts of a visit, and what EncodeLanguages wrote. Nothing stands
// for an unknown language.
func DecodeVisit(facts, languages []byte) (Visit, error) {
	all, err := DecodeFacts(facts)
	if err != nil || len(all) == 0 {
		return Visit{}, err
	}
	first, rest, ok := cutText(languages)
	switch {
	case len(languages) == 0:
		return Visit{"": all}, nil
	case ok && len(rest) == 0:
		return Visit{first: all}, nil
	}
	v := Visit{}
	for rest := languages; len(rest) > 0; {
		var language, encoded string
		if language, rest, ok = cutText(rest); ok {
			encoded, rest, ok = cutText(rest)
		}
		if !ok {
			return nil, errDamagedVisit
		}
		if v[language], err = DecodeFacts([]byte(encoded)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

var errDamagedVisit = errors.New("what a visitor did is damaged")

// appendText appends a text with its length.
func appendText(data []byte, text string) []byte {
	return append(binary.AppendUvarint(data, uint64(len(text))), text...)
}

// cutText reads what appendText wrote.
func cutText(data []byte) (text string, rest []byte, ok bool) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return "", nil, false
	}
	end := size + int(n)
	return string(data[size:end]), data[end:], true
}
