package text

// rank orders the English numerals by the place in which they stand.
type rank uint8

const (
	notNumeral rank = iota
	unitRank        // 0 to 9
	teenRank        // 10 to 19
	tenRank         // 20 to 90
	hundredRank
	thousandRank
)

type numeral struct {
	value   int16
	rank    rank
	ordinal bool
}

// numerals has the English numerals. "First" is an ordinal of 1.
var numerals = englishNumerals()

func englishNumerals() map[string]numeral {
	all := map[string]numeral{"hundred": {100, hundredRank, false}, "thousand": {1000, thousandRank, false},
		"hundredth": {100, hundredRank, true}, "thousandth": {1000, thousandRank, true}}
	for value, words := range [...][2]string{
		{"zero", "zeroth"}, {"one", "first"}, {"two", "second"}, {"three", "third"}, {"four", "fourth"}, {"five", "fifth"},
		{"six", "sixth"}, {"seven", "seventh"}, {"eight", "eighth"}, {"nine", "ninth"}, {"ten", "tenth"},
		{"eleven", "eleventh"}, {"twelve", "twelfth"}, {"thirteen", "thirteenth"}, {"fourteen", "fourteenth"},
		{"fifteen", "fifteenth"}, {"sixteen", "sixteenth"}, {"seventeen", "seventeenth"}, {"eighteen", "eighteenth"},
		{"nineteen", "nineteenth"},
	} {
		r := unitRank
		if value >= 10 {
			r = teenRank
		}
		all[words[0]], all[words[1]] = numeral{int16(value), r, false}, numeral{int16(value), r, true}
	}
	for i, word := range [...]string{"twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet"} {
		value := int16(20 + 10*i)
		all[word+"y"], all[word+"ieth"] = numeral{value, tenRank, false}, numeral{value, tenRank, true}
	}
	return all
}

// foreignNumerals are the numerals from 1 on of other languages, without articles.
var foreignNumerals = map[langs][12]string{
	langDE: {"eins", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwolf"},
	langFR: {"un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze"},
	langES: {"uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce"},
	langIT: {"uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici", "dodici"},
	langNL: {"een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien", "elf", "twaalf"},
}

var foreignSpellings = map[string]int8{"fuenf": 5, "zwoelf": 12}

// ambiguousNumerals mean something else in other languages, or are articles.
var ambiguousNumerals = []string{"elf", "un", "six", "sept", "dix", "dos", "once", "due", "tre", "sei", "nove", "een", "tien", "zes"}

// maxPhrase is the greatest number of words of a number: "one thousand two hundred and
// thirty-four" has eight.
const maxPhrase = 8

// phrase returns how many words from i on are one English number, and its value; 0 if none.
func (a *analyzer) phrase(i int) (n int, number number) {
	if a.words[i].known.rank == notNumeral {
		return 0, number
	}
	for end := i + 1; end <= a.phraseEnd(i); end++ {
		if value, ok := a.parse(i, end); ok {
			n, number = end-i, value
		}
	}
	return n, number
}

// phraseEnd returns where the numerals from word i on end, and the words for "and" between
// them.
func (a *analyzer) phraseEnd(i int) int {
	end := i + 1
	for end < len(a.words) && end-i < maxPhrase {
		w := &a.words[end]
		if w.before&^(blank|hyphen) != 0 || w.before == 0 || w.known.rank == notNumeral && w.known.concept != and {
			break
		}
		end++
	}
	return end
}

type number struct {
	value   int
	ordinal bool
}

// parse reads words as one number in English: cardinals and ordinals below a million, and
// years such as nineteen eighty-four.
func (a *analyzer) parse(from, to int) (n number, ok bool) {
	p := numeralParser{a: a, at: from, end: to}
	value := p.hundreds()
	switch {
	case p.failed:
	case p.take(thousandRank):
		value *= 1000
		if p.more() {
			p.skipAnd()
			value += p.hundreds()
		}
	case value >= 10 && value < 100 && p.more():
		year := p.small()
		value, p.failed = 100*value+year, p.failed || year < 10
	}
	return number{value, p.ordinal}, !p.failed && p.at == to
}

type numeralParser struct {
	a       *analyzer
	at, end int
	ordinal bool // the last word was one, so no other may follow
	failed  bool
}

func (p *numeralParser) more() bool { return p.at < p.end && !p.ordinal && !p.failed }

// take skips a numeral of this rank.
func (p *numeralParser) take(r rank) bool {
	if !p.more() {
		return false
	}
	e := p.a.words[p.at].known
	if e.rank != r {
		return false
	}
	p.at++
	p.ordinal = e.ordinal
	return true
}

func (p *numeralParser) skipAnd() {
	if p.at+1 < p.end && p.a.words[p.at].known.concept == and {
		p.at++
	}
}

// lastValue is the value of the word that take skipped.
func (p *numeralParser) lastValue() int {
	return int(p.a.words[p.at-1].known.value)
}

// small reads a number below 100.
func (p *numeralParser) small() int {
	if p.take(unitRank) || p.take(teenRank) {
		return p.lastValue()
	}
	if !p.take(tenRank) {
		p.failed = true
		return 0
	}
	value := p.lastValue()
	if p.take(unitRank) {
		value += p.lastValue()
	}
	return value
}

// hundreds reads a number up to 9,999 without thousands: two hundred and one, hundred,
// nineteen hundred; and "thousand" alone as 1.
func (p *numeralParser) hundreds() int {
	if p.at < p.end {
		if e := p.a.words[p.at].known; e.rank == thousandRank {
			return 1
		}
	}
	value := 1
	if !p.take(hundredRank) {
		if value = p.small(); p.failed || !p.take(hundredRank) {
			return value
		}
	}
	value *= 100
	if !p.more() {
		return value
	}
	if e := p.a.words[p.at].known; e.rank == thousandRank {
		return value
	}
	p.skipAnd()
	return value + p.small()
}

func (a *analyzer) putParsed(n number) span {
	s := a.putNumber(n.value)
	if n.ordinal {
		s.to = a.put(ordinalSuffix(n.value)).to
	}
	return s
}

func ordinalSuffix(n int) string {
	switch {
	case n/10%10 == 1:
	case n%10 == 1:
		return "st"
	case n%10 == 2:
		return "nd"
	case n%10 == 3:
		return "rd"
	}
	return "th"
}

// addPhrase adds the parts of a number in words for books: each word, and each number that
// begins in it, as a query may have it. One that ends later is found as well.
func (a *analyzer) addPhrase(u *unit) {
	for from := int(u.first); from < int(u.end); from++ {
		a.addPlain(&a.words[from])
		for to := from + 1; to <= a.phraseEnd(from); to++ {
			if n, ok := a.parse(from, to); ok {
				a.add(a.putParsed(n))
			}
		}
	}
}

// digits returns how many words of digits from i on are one number: 20,000 and 20.000 with
// thousands separators, 3.11 and 3,11 with a fraction, 1.2.3 as a version.
func (a *analyzer) digits(i int) (n int, canonical span) {
	n = 1
	separator := gap(0)
	for i+n < len(a.words) {
		w := &a.words[i+n]
		if w.kind != digitWord || w.before != stop && w.before != comma || separator != 0 && w.before != separator {
			break
		}
		separator = w.before
		n++
	}
	switch {
	case n == 1:
		return n, a.words[i].span
	case a.isGrouped(i, n):
		return n, a.spell(i, i+n)
	case separator == comma && n > 2: // a list
		return 1, a.words[i].span
	}
	start := len(a.buf)
	for k, w := range a.words[i : i+n] {
		if k > 0 {
			a.buf = append(a.buf, '.')
		}
		a.buf = append(a.buf, a.buf[w.from:w.to]...)
		if len(a.buf)-start > maxTerm {
			break
		}
	}
	return n, a.limit(span{int32(start), int32(len(a.buf))})
}

func (a *analyzer) isGrouped(i, n int) bool {
	if w := &a.words[i]; w.runes > 3 || a.buf[w.from] == '0' {
		return false
	}
	for _, w := range a.words[i+1 : i+n] {
		if w.runes != 3 {
			return false
		}
	}
	return true
}

// addDigits adds the parts of a number in digits: for books the groups between its
// separators and the word for it in the book's language, and the number without leading
// zeros.
func (a *analyzer) addDigits(u *unit) {
	w := &a.words[u.first]
	if a.book && u.end-u.first > 1 {
		for _, part := range a.words[u.first:u.end] {
			a.add(part.span)
		}
	}
	if u.end-u.first > 1 {
		return
	}
	if s := w.span; a.buf[s.from] == '0' && s.len() > 1 {
		for s.len() > 1 && a.buf[s.from] == '0' {
			s.from++
		}
		a.add(s)
	}
	if value := smallNumber(a.bytes(w.span)); a.book && value > 0 {
		if words, found := foreignNumerals[a.lang]; found {
			a.addString(words[value-1])
		}
	}
	if a.book && w.before&hash != 0 {
		a.addString(volume)
	}
}

// smallNumber returns the value of digits from 1 to 12, or 0.
func smallNumber(digits []byte) int {
	switch {
	case len(digits) == 1:
		return int(digits[0] - '0')
	case len(digits) == 2 && digits[0] == '1' && digits[1] <= '2':
		return 10 + int(digits[1]-'0')
	}
	return 0
}
