package text

// roman returns the value of a Roman numeral of I, V and X, at most 39, or 0.
func roman(letters []byte) int {
	if len(letters) == 0 || len(letters) > 7 {
		return 0
	}
	if c := letters[0]; c != 'i' && c != 'v' && c != 'x' {
		return 0
	}
	tens := 0
	for tens < 3 && tens < len(letters) && letters[tens] == 'x' {
		tens++
	}
	for value, numeral := range [...]string{"", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"} {
		if string(letters[tens:]) == numeral {
			return 10*tens + value
		}
	}
	return 0
}
