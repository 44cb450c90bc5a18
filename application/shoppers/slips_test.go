package shoppers

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func requestOf(userAgent string) *http.Request {
	return &http.Request{Method: http.MethodGet, Header: http.Header{"User-Agent": {userAgent}}}
}

// Each kind of slip happens in every script in which it can happen.
func TestSlips(t *testing.T) {
	for text, want := range map[string][]string{
		"moon":     {"omon", "mon", "mooon", "mokn", "koon"},
		"Über die": {"Üebr die", "Übr die", "Überr die", "Über dir"},
		"Война":    {"Вйона", "Вона", "Войнаа", "Войпа", "Ыойна"},
		"ερωτας":   {"ερωτςα", "ερωτα", "ερρωτας", "ερωτες"},
		"Ἰλιάς":    {"Ἰιλάς", "Ἰλιά", "Ἰλιάςς"},
		"رواية":    {"راوية", "رواة", "روااية", "روايى"},
		"שלום":     {"שולם", "שלם", "שללום", "דלום"},
		"源氏物語":     {"源物氏語", "源氏語", "源氏物語語"},
		"구운몽":      {"구몽운", "구운", "구운운몽"},
		"गोदान":    {"गोनदा", "गोन", "गोदादान"},
		"พระอภัย":  {"พรอะภัย", "พระอภั", "พระอภัยย"},
	} {
		seen := map[string]bool{}
		for seed := range uint64(3000) {
			wrong := slip(rand.New(rand.NewPCG(seed, 1)), text)
			one, _ := split(text)
			other, _ := split(wrong)
			require.Equal(t, 1, distance(one, other), "%s → %s", text, wrong)
			seen[wrong] = true
		}
		for _, wrong := range want {
			assert.Contains(t, seen, wrong)
		}
	}
	for _, unchanged := range []string{"", "a", "1984", "💐", "?!", "अ"} {
		assert.Equal(t, unchanged, slip(rand.New(rand.NewPCG(1, 1)), unchanged))
	}
}

// distance is the number of letters to insert, delete, replace or swap with the next one.
func distance(a, b []string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func FuzzSlip(f *testing.F) {
	for _, seed := range []string{"moon", "Война и мир", "源氏物語", "भगवद्गीता", "e\u0301te\u0301", "👩‍👩‍👧", "\u200d", "ﷺ", "İstanbul"} {
		f.Add(seed, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		wrong := slip(rand.New(rand.NewPCG(seed, 0)), text)
		require.True(t, utf8.ValidString(wrong))
		require.Equal(t, text == "", wrong == "")
		longest := 0
		characters, _ := split(text)
		require.Equal(t, text, strings.Join(characters, ""))
		for _, character := range characters {
			longest = max(longest, len(character))
		}
		require.InDelta(t, len(text), len(wrong), float64(longest)+4)
	})
}
