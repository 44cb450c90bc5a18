package model

import "strings"

// ParseISBN reads an ISBN-10 or ISBN-13 with or without hyphens and spaces
// (ISO 2108) and returns its 13 digits. An ISBN-10 with 7 to 9 characters has lost
// its leading zeros: ParseISBN adds them if the check digit then is right. It
// reports false for anything else.
func ParseISBN(s string) (string, bool) {
	var digits []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case c == 'x' || c == 'X':
			digits = append(digits, 'X')
		case c == '-' || c == ' ':
		case strings.HasPrefix(s[i:], "\u2010"), strings.HasPrefix(s[i:], "\u2011"), strings.HasPrefix(s[i:], "\u2013"):
			i += len("\u2010") - 1 // other hyphens of Unicode
		default:
			return "", false
		}
		if len(digits) > 13 {
			return "", false
		}
	}
	switch n := len(digits); {
	case n == 13:
		if !strings.HasPrefix(string(digits), "978") && !strings.HasPrefix(string(digits), "979") ||
			checkDigit13(digits[:12]) != digits[12] {
			return "", false
		}
		return string(digits), true
	case n >= 7 && n <= 10:
		ten := append([]byte("0000000000")[:10-n], digits...)
		if !validISBN10(ten) {
			return "", false
		}
		return isbn13(ten), true
	}
	return "", false
}

func isbn13(ten []byte) string {
	thirteen := append([]byte("978"), ten[:9]...)
	return string(append(thirteen, checkDigit13(thirteen)))
}

func validISBN10(ten []byte) bool {
	sum, zeros := 0, true
	for i, c := range ten {
		v := int(c - '0')
		if c == 'X' {
			if i != 9 {
				return false
			}
			v = 10
		}
		zeros = zeros && v == 0
		sum += (10 - i) * v
	}
	return sum%11 == 0 && !zeros
}

// checkDigit13 expects 12 digits. If one is an X it returns a value that is no
// digit.
func checkDigit13(twelve []byte) byte {
	sum := 0
	for i, c := range twelve {
		if c == 'X' {
			return 0
		}
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return '0' + byte((10-sum%10)%10)
}
