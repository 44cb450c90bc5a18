package model

import "strings"

// SpreadsheetText puts an apostrophe before a text that a spreadsheet would run as a formula.
func SpreadsheetText(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
