package model_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestParseISBN(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"13 digits":               {"9780306406157", "9780306406157"},
		"with hyphens":            {"978-0-306-40615-7", "9780306406157"},
		"with spaces":             {" 978 0 306 40615 7 ", "9780306406157"},
		"with Unicode's hyphens":  {"978\u20100\u2011306\u201340615-7", "9780306406157"},
		"979":                     {"979-10-90636-07-1", "9791090636071"},
		"10 digits":               {"0306406152", "9780306406157"},
		"check digit X":           {"0-8044-2957-X", "9780804429573"},
		"check digit x":           {"080442957x", "9780804429573"},
		"9 characters":            {"306406152", "9780306406157"},
		"9 with X":                {"80442957X", "9780804429573"},
		"8 characters":            {"60935464", "9780060935467"},
		"7 characters":            {"1047973", "9780001047976"},
		"7, not proved":           {"1234567", ""},
		"6 characters":            {"123456", ""},
		"wrong check digit of 13": {"9780306406158", ""},
		"wrong check digit of 10": {"0306406153", ""},
		"wrong check digit of 9":  {"306406153", ""},
		"X in the middle":         {"03064X6152", ""},
		"X in 13":                 {"978030640615X", ""},
		"X as prefix of 13":       {"X780306406157", ""},
		"neither 978 nor 979":     {"9770306406150", ""},
		"11 characters":           {"03064061520", ""},
		"12 characters":           {"978030640615", ""},
		"14 characters":           {"97803064061570", ""},
		"zeros":                   {"0000000000", ""},
		"7 zeros":                 {"0000000", ""},
		"13 zeros":                {"0000000000000", ""},
		"rounded to a float":      {"9.78043902348e+12", ""},
		"letters":                 {"ISBN 0306406152", ""},
		"a hyphen cut in two":     {"0306406152\xe2\x80", ""},
		"other digits":            {"０３０６４０６１５２", ""},
		"empty":                   {"", ""},
		"only hyphens":            {"---", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := model.ParseISBN(c.in)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want != "", ok)
		})
	}
}

func FuzzParseISBN(f *testing.F) {
	for _, s := range []string{"978-0-306-40615-7", "080442957X", "1047973", "\u2010\u2011", "X"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		isbn, ok := model.ParseISBN(s)
		if !ok {
			return
		}
		if again, ok := model.ParseISBN(isbn); len(isbn) != 13 || again != isbn || !ok {
			t.Errorf("ParseISBN(%q) = %q, which is read as %q", s, isbn, again)
		}
	})
}
