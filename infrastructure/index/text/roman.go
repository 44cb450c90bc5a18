package text

// roman returns the value of a Roman numeral, at most 39, or the year of a book as a title page writes
// it; 0 for other letters. Most numerals between are words: mix, dim, civil.
func roman(letters []byte) int { return romans[string(letters)] }

var romans = func() map[string]int {
	values := map[string]int{}
	for value := 1; value <= 39; value++ {
		values[romanNumeral(value)] = value
	}
	for year := 1500; year < 2100; year++ {
		if numeral := romanNumeral(year); len(numeral) >= 4 { // mm are millimetres
			values[numeral] = year
		}
	}
	return values
}()

func romanNumeral(value int) (numeral string) {
	for _, sign := range []struct {
		value   int
		letters string
	}{
		{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"},
		{50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"},
	} {
		for ; value >= sign.value; value -= sign.value {
			numeral += sign.letters
		}
	}
	return numeral
}
