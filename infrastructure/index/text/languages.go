package text

import "strings"

// langs is a set of languages.
type langs uint32

const (
	unknown langs = 1 << iota
	langAR
	langCA
	langCS
	langDA
	langDE
	langEL
	langEN
	langES
	langET
	langFI
	langFR
	langHU
	langIS
	langIT
	langLA
	langNL
	langNO
	langPL
	langPT
	langRO
	langRU
	langSH // Serbian, Croatian, Bosnian
	langSV
	langTA
	langTR
	langUK
	rest // all others
)

var languages = map[string]langs{
	"": unknown, "und": unknown, "mul": unknown, "ar": langAR, "bs": langSH, "ca": langCA, "cs": langCS, "da": langDA, "de": langDE,
	"el": langEL, "en": langEN, "es": langES, "et": langET, "fi": langFI, "fr": langFR, "hr": langSH, "hu": langHU,
	"is": langIS, "it": langIT, "la": langLA, "nb": langNO, "nl": langNL, "nn": langNO, "no": langNO, "pl": langPL,
	"pt": langPT, "ro": langRO, "ru": langRU, "sk": langCS, "sr": langSH, "sv": langSV, "ta": langTA, "tr": langTR,
	"uk": langUK,
}

// languageOf finds the language of a BCP 47 tag, whose region may also follow a _.
func languageOf(tag string) langs {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	l, found := languages[tag]
	if !found {
		if l, found = languages[strings.ToLower(tag)]; !found {
			return rest
		}
	}
	return l
}
