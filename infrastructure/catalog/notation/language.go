package notation

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"literank.com/event-books/domain/model"
)

// Language returns the BCP 47 tag of a language that is written as a tag, or by
// its name in English, German, French, Spanish, Italian, Russian, Chinese,
// Japanese or the language itself. It reports false for anything else.
func Language(cell string) (tag string, ok bool) {
	if tag, ok := shortTags.Load(cell); ok {
		return tag.(string), true
	}
	if tag, err := model.ParseLanguage(cell); err == nil {
		if len(cell) <= 3 {
			shortTags.Store(cell, tag)
		}
		return tag, true
	}
	name := strings.TrimRight(model.Fold(cell), ".;:, ")
	short, _, _ := strings.Cut(name, "(")
	for _, name := range []string{name, strings.TrimSpace(short)} {
		if tag, ok := languageNames()[name]; ok {
			return tag, true
		}
		if tag, err := model.ParseLanguage(name); err == nil && len(name) <= 3 {
			return tag, true
		}
	}
	return "", false
}

// shortTags remembers the tags of codes. There are few of them, and they repeat.
var shortTags sync.Map

// otherNames are in use beside those of the Unicode CLDR.
var otherNames = map[string]string{
	"chinese (simplified)": "zh-Hans", "simplified chinese": "zh-Hans", "chinese (traditional)": "zh-Hant", "traditional chinese": "zh-Hant",
	"简体中文": "zh-Hans", "简体": "zh-Hans", "繁體中文": "zh-Hant", "繁体中文": "zh-Hant", "繁體": "zh-Hant", "mandarin": "zh", "汉语": "zh", "漢語": "zh", "国语": "zh", "華語": "zh", "华语": "zh", "中国語": "zh",
	"英文": "en", "日文": "ja", "法文": "fr", "德文": "de", "俄文": "ru", "韩文": "ko", "韓文": "ko", "西班牙文": "es", "葡萄牙文": "pt", "意大利文": "it", "阿拉伯文": "ar",
	"日語": "ja", "法語": "fr", "德語": "de", "俄語": "ru", "韓語": "ko", "韩语": "ko", "西班牙語": "es", "葡萄牙語": "pt", "義大利語": "it", "阿拉伯語": "ar",
	"norwegian": "no", "norwegisch": "no", "norvégien": "no", "noruego": "no", "norvegese": "no", "норвежский": "no", "挪威语": "no", "ノルウェー語": "no", "norsk": "no",
	"brazilian portuguese": "pt-BR", "us english": "en-US", "uk english": "en-GB", "gaelic": "gd", "multilingual": "mul", "mehrsprachig": "mul", "multilingue": "mul", "多语种": "mul",
	"castellano": "es", "castilian": "es", "flemish": "nl", "flämisch": "nl", "farsi": "fa", "british english": "en-GB", "american english": "en-US", "old english": "ang", "greek, modern": "el", "modern greek": "el", "ancient greek": "grc", "greek (ancient)": "grc", "greek, ancient": "grc", "bokmal": "nb",
}

// languageNames maps folded names to tags. It costs some milliseconds, so it is
// built when the first file needs it.
var languageNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	add := func(name string, tag language.Tag) {
		if name = model.Fold(name); name != "" {
			if _, ok := names[name]; !ok {
				names[name] = tag.String()
			}
		}
	}
	namers := []display.Namer{}
	for _, tag := range []language.Tag{
		language.English, language.German, language.French, language.Spanish, language.Italian, language.Russian, language.Chinese, language.TraditionalChinese, language.Japanese,
	} {
		namers = append(namers, display.Languages(tag))
	}
	for _, code := range languageCodes() {
		tag := language.Make(code)
		for _, namer := range namers {
			add(namer.Name(tag), tag)
		}
		add(display.Self.Name(tag), tag)
	}
	for name, tag := range otherNames {
		names[model.Fold(name)] = tag
	}
	return names
})

// languageCodes returns the codes of ISO 639 that the library knows, those with
// two letters first: they belong to the widely used languages.
func languageCodes() (codes []string) {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	for _, a := range letters {
		for _, b := range letters {
			codes = append(codes, string(a)+string(b))
		}
	}
	for _, pair := range codes {
		for _, c := range letters {
			codes = append(codes, pair+string(c))
		}
	}
	known := codes[:0]
	for _, code := range codes {
		if base, err := language.ParseBase(code); err == nil && base.String() == code {
			known = append(known, code)
		}
	}
	return known
}
