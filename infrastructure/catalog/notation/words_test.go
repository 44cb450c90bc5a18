package notation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/notation"
)

func TestLanguages(t *testing.T) {
	for cell, want := range map[string]string{
		"en": "en", "eng": "en", "ger": "de", "EN-us": "en-US", "pt_BR": "pt-BR", "zh-Hant": "zh-Hant", "ENG.": "en",
		"English": "en", "english": "en", "German": "de", "French": "fr", "Swedish": "sv", "Ancient Greek": "grc", "Norwegian Bokmål": "nb", "Latin": "la", "English (US)": "en", "Spanish; Castilian": "", "Portuguese": "pt",
		"Englisch": "en", "Deutsch": "de", "Französisch": "fr", "Russisch": "ru", "anglais": "en", "Français": "fr", "allemand": "de", "inglés": "en", "Español": "es", "alemán": "de", "inglese": "en", "Italiano": "it", "tedesco": "de",
		"английский": "en", "Русский": "ru", "немецкий": "de", "英语": "en", "中文": "zh", "德语": "de", "英語": "en", "日本語": "ja", "ドイツ語": "de", "フランス語": "fr", "法語": "fr", "简体中文": "zh-Hans", "Polski": "pl", "svenska": "sv", "Türkçe": "tr", "한국어": "ko", "Українська": "uk", "English language": "",
		"Klingonish": "", "": "", "many": "",
	} {
		got, ok := notation.Language(cell)
		assert.Equal(t, want, got, cell)
		assert.Equal(t, want != "", ok, cell)
	}
}

func FuzzAvailability(f *testing.F) {
	for _, s := range []string{"only 2 left in stock", "nicht mehr lieferbar", "残り2冊", "in 2 Tagen (0)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := notation.Availability("not " + s); ok && a == model.InStock {
			t.Errorf("not %q is in stock", s)
		}
	})
}

func TestAvailabilities(t *testing.T) {
	for want, cells := range map[model.Availability][]string{
		model.InStock: {"in_stock", "In stock", "InStock", "https://schema.org/InStock", "http://schema.org/LimitedAvailability", "available", "lieferbar", "Sofort lieferbar!", "auf Lager", "disponible", "disponibile", "в наличии", "有货", "有貨", "在庫あり", "in stock (3)", "3 in stock", "1", "12", "yes", "ja",
			"only 2 left in stock", "2 left", "Stock: 5", "Ships in 2-3 days", "in stock and ready to ship", "back in stock", "in 2 Tagen lieferbar", "Lieferbar innerhalb von 24 Stunden", "nur noch 2 Stück auf Lager", "noch 2 Exemplare", "ab Lager lieferbar", "plus que 2 en stock", "il ne reste que 2 exemplaires", "Disponible sous 2 jours", "solo quedan 2 en stock", "quedan 2", "disponible en 3 días", "solo 2 disponibili", "disponibile in 3 giorni", "осталось 2 шт.", "仅剩2本", "残り2冊"},
		model.ToOrder: {"to_order", "pre-order", "Pre Order", "noch nicht lieferbar", "https://schema.org/PreOrder", "schema:BackOrder", "bestellbar", "noch nicht erschienen", "sur commande", "bajo pedido", "под заказ", "预售", "お取り寄せ",
			"not yet in stock", "available soon", "back in stock soon", "available from 2025", "available for preorder", "in 2 Wochen lieferbar", "bald wieder lieferbar", "pas encore disponible", "bientôt disponible", "todavía no disponible", "noch nicht verfügbar", "non ancora disponibile", "disponible en 2 semanas"},
		model.Unavailable: {"unavailable", "out of print", "Out of stock", "vergriffen, keine Neuauflage", "temporarily out of stock", "https://schema.org/OutOfStock", "http://schema.org/Discontinued", "sold-out", "vergriffen", "nicht lieferbar", "épuisé", "agotado", "esaurito", "нет в наличии", "无货", "在庫なし", "0", "no",
			"not in stock", "currently not in stock", "Not currently available", "no longer in stock", "isn't available", "never available", "0 in stock", "in stock: 0", "in stock (0)", "0 left", "nicht mehr lieferbar", "Titel derzeit leider nicht lieferbar", "keine Exemplare verfügbar", "0 Stück auf Lager", "plus disponible", "n'est plus disponible", "pas en stock", "ya no disponible", "no hay existencias", "non più disponibile", "non in magazzino", "нет на складе", "не в наличии", "没有库存", "库存 0"},
		"": {"almost sold out", "not sold out", "perhaps in stock", "unavailable in stock", "available, but not in stock", "in stock until May", "available in 2025", "lieferbar 12.5.2025", "in stock (since 2019)", "left", "soon", "perhaps", "-1", "", "schema.org"},
	} {
		for _, cell := range cells {
			got, ok := notation.Availability(cell)
			assert.Equal(t, want, got, cell)
			assert.Equal(t, want != "", ok, cell)
		}
	}
}
