package text

import "testing"

func BenchmarkBook(b *testing.B) {
	for name, texts := range map[string][3]string{
		"latin": {"The Ministry of Unlikely Journeys: A Tale of Three Harbours", "Ottoline Q. Fairweather-Pell",
			"Harbours -- Fiction; Ships and shipping -- Great Britain -- History -- 19th century -- Fiction; Love stories; Sea stories; Domestic fiction -- England"},
		"german": {"Das Märchen von den größten Brücken und dem müden König", "Käthe Müller-Großmann",
			"Märchen; Brücken -- Österreich -- Geschichte; Könige und Fürsten -- Erzählungen für Kinder; Grüße aus der Rüstkammer; Jugendbücher"},
		"russian": {"Повесть о долгой зиме", "А. Б. Снегирёв", "Зима -- Россия -- История -- XIX век; Русская проза; Повести и рассказы; Северные земли"},
		"chinese": {"漫長的冬天與遠方的橋樑", "林小橋", "冬天; 橋樑建築; 短篇小說集; 台灣文學; 現代文學史; 旅行文學"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				title := Book(texts[0], "de", Title)
				Pairs(title)
				Book(texts[1], "de", Name)
				Book(texts[2], "de", Other)
			}
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	for _, query := range []string{"old sea tales", "Märchen aus Österreich", "冬天與遠方", "h.g. wells twenty-first century vol. 2", "зимняя повесть"} {
		b.Run(query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Query(query)
			}
		})
	}
}

func BenchmarkStems(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Stems("harbours")
	}
}

// BenchmarkStart measures what the first text costs that isn't ASCII.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		buildTable()
		loadHan()
	}
}
