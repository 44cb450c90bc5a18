package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSame has spellings that must find each other in both directions, by kind.
func TestSame(t *testing.T) {
	for kind, rows := range map[string][]struct {
		spellings, language string
		kind                Kind
	}{
		"punctuation": {
			{"Middlemarch|Middlemarch!|“Middlemarch”|(Middlemarch)|Middlemarch?!|¿Middlemarch?|«Middlemarch»|Middle\u00adMarch|„Middlemarch“|Middlemarch...|Middle\u200bmarch", "en", Title},
			{"Emma: a novel|Emma a novel|Emma / a novel|Emma; a novel|Emma – a novel|[Emma] a novel|Emma—a novel|Emma_a_novel|Ｅｍｍａ　ａ　ｎｏｖｅｌ", "en", Title},
		},
		"apostrophes": {
			{"Gulliver's Travels|Gulliver’s Travels|Gullivers Travels|Gulliver‘s Travels|Gulliver`s Travels|Gulliver´s Travels|Gulliverʼs Travels|Gulliver＇s travels|Gulliver′s Travels", "en", Title},
			{"Flann O'Brien|Flann O’Brien|Flann OBrien|O Brien, Flann", "en", Name},
			{"Fevral'|Fevralʹ|Fevral", "ru", Title},
			{"Can't and Won't|Cant and Wont|Can’t & Won’t", "en", Title},
			{"L'Étranger|L’Étranger|letranger|L'etranger|l etranger", "fr", Title},
			{"Dell'arte|dell’arte|dellarte", "it", Title},
			{"Gabriele D'Annunzio|D'Annunzio, Gabriele|Annunzio, Gabriele d'|Gabriele d’ Annunzio", "it", Name},
			{"Rock 'n' Roll|Rock & Roll|Rock n Roll|rock 'n roll", "en", Title},
		},
		"hyphens": {
			{"Slaughterhouse-Five|Slaughterhouse‑Five|Slaughterhouse Five|Slaughterhouse–Five|Slaughterhouse-5|Slaughterhouse_5", "en", Title},
			{"Ubik-17|Ubik‑17|Ubik 17|Ubik17|Ubik—17", "en", Title},
			{"e-learning|elearning|e learning|E‐Learning|e−learning", "en", Title},
			{"Schiff Bruch|Schiffbruch|Schiff-Bruch", "de", Title},
			{"Merry-go-round|Merry go round|merry‑go‑round", "en", Title},
			{"yes/no|yes no|yes-no", "en", Title},
		},
		"and": {
			{"Sense and Sensibility|Sense & Sensibility|Sense ＆ Sensibility|sense &sensibility", "en", Title},
			{"Schuld und Sühne|Schuld & Sühne", "de", Title},
			{"Le Rouge et le Noir|Le Rouge & le Noir", "fr", Title},
			{"Don Juan y Doña Inés|Don Juan & Doña Inés", "es", Title},
			{"Pane e vino|Pane & vino", "it", Title},
			{"Отцы и дети|Отцы & дети", "ru", Title},
			{"Hund og kat|Hund & kat", "da", Title},
			{"Kat en muis|Kat & muis", "nl", Title},
			{"R & B|R&B|R and B", "en", Title},
			{"Q&A|Q & A|Q and A", "en", Title},
		},
		"initials": {
			{"H.G. Wells|H. G. Wells|HG Wells|h g wells|Wells, H.G.|Wells, H. G.|Wells HG|H.-G. Wells|H.G.Wells", "en", Name},
			{"N.A.S.A. stories|NASA stories|N. A. S. A. stories|n a s a stories", "en", Title},
			{"T. S. Eliot|TS Eliot|T.S. Eliot|T.S Eliot|t s eliot", "", Name},
			{"А. П. Чехов|А.П. Чехов|АП Чехов|Чехов, А. П.", "ru", Name},
			{"И. С. Тургенев|И.С. Тургенев|Тургенев, И. С.", "ru", Name},
			{"Plan B", "en", Title}, {"R", "en", Title}, {"Vitamin C", "en", Title},
		},
		"names": {
			{"St. Petersburg|St Petersburg|Saint Petersburg|Sankt Petersburg", "de", Title},
			{"Saint-Simon|St-Simon|St. Simon|Saint Simon|St.-Simon", "fr", Name},
			{"George McKenzie|George MacKenzie|George Mc Kenzie|McKenzie, George|George Mackenzie|mac kenzie, george", "en", Name},
			{"The McGuffin|The MacGuffin|The Mc Guffin", "en", Title},
			{"van den Berg|Van Den Berg|VanDenBerg|vandenberg", "nl", Name},
			{"Walter de la Mare|Mare, Walter de la|De La Mare, Walter", "en", Name},
			{"Don DeLillo|Don De Lillo|DeLillo, Don", "en", Name},
			{"Ursula K. Le Guin|LeGuin, Ursula K|Ursula K Leguin", "en", Name},
		},
		"letters": {
			{"Łódź|Lodz|ŁÓDŹ|Lo\u0301dz", "pl", Title},
			{"Jørgen|Joergen|JØRGEN", "da", Name}, {"Jørgen|Jorgen|JØRGEN", "da", Name},
			{"Ærø|Aero|AErø", "da", Title}, {"Ærø|Aeroe|AErø", "da", Title},
			{"Œuvres|Oeuvres|œuvres", "fr", Title},
			{"Straße|Strasse|STRASSE|STRAẞE", "de", Title},
			{"Þórr|Thorr|thórr", "is", Title},
			{"Đorđe|Dorde", "sr", Name},
			{"Ħal|Hal", "mt", Title},
			{"Fräulein|Fraeulein|FRÄULEIN|Fra\u0308ulein", "de", Title},
			{"Fräulein|Fraulein|Fra\u0308ulein", "de", Title},
			{"Goethe|Göthe", "en", Name},
			{"Ålborg|Aalborg|ålborg", "da", Title},
			{"Ålborg|Alborg", "da", Title},
			{"İnce Memed|Ince Memed|ince memed|ınce memed", "tr", Title},
			{"Diyarbakır|Diyarbakir|DİYARBAKIR", "tr", Title},
			{"Truyện Kiều|Truyen Kieu|Truye\u0302\u0323n Kie\u0302\u0300u", "vi", Title},
			{"Đất rừng|Dat rung", "vi", Title},
			{"Ёлка|Елка|ёлка|е\u0308лка", "ru", Title},
			{"Идіотъ|Идиот", "ru", Title},
			{"Οδύσσεια|Οδυσσεια|ΟΔΥΣΣΕΙΑ", "el", Title},
			{"Ὀδύσσεια|Οδυσσεια", "el", Title},
			{"vosemʹ|vosem", "ru", Other},
			{"E♭ minor|Eb minor", "en", Title}, {"F♯ minor|F# minor", "en", Title},
		},
		"arabic": {
			{"أحمد|احمد|اَحْمَد|أحمـــد", "ar", Name},
			{"عبد الرحمن|عبدالرحمن", "ar", Name},
			{"إسلام|اسلام", "ar", Title}, {"آدم|ادم", "ar", Title}, {"مدرسة|مدرسه", "ar", Title},
			{"مصطفى|مصطفي|مصطفی", "ar", Name},
			{"القاهرة|قاهرة|قاهره", "ar", Title}, {"الفيل والفأر|فيل والفار", "ar", Title},
			{"كتاب|کتاب", "fa", Title}, {"می\u200cروم|می روم|میروم|می\u200cروم", "fa", Title},
			{"١٩٨٤|1984|۱۹۸۴", "ar", Title},
			{"שָׁלוֹם|שלום", "he", Title}, {"תל־אביב|תל אביב|תל-אביב|תלאביב", "he", Title}, {"צה״ל|צה\"ל|צהל", "he", Title}, {"ג׳ירפה|ג'ירפה|גירפה", "he", Title},
		},
		"kana and hangul": {
			{"サーバー|サーバ|ｻｰﾊﾞｰ|さーばー", "ja", Title}, {"佐々木|佐佐木", "ja", Name}, {"ひらがな|ヒラガナ", "ja", Title},
			{"ファイル|フアイル", "ja", Title}, {"関ヶ原|関ケ原", "ja", Title},
			{"한국|\u1112\u1161\u11ab\u1100\u116e\u11a8", "ko", Title}, {"한 국 어|한국어", "ko", Title}, {"어린 왕자|어린왕자", "ko", Title},
		},
		"indic": {
			{"ज़मीन|जमीन|ज\u093cमीन", "hi", Title}, {"क्\u200dष|क्ष", "hi", Title}, {"চাঁদ|চাঁদ", "bn", Title}, {"हिँदी|हिंदी", "hi", Title}, {"१२|12", "hi", Title},
		},
		"unspaced": {
			{"西游记|西遊記|西 游 记|西游 记", "zh", Title}, {"國語|国語|国语", "ja", Title}, {"読書|讀書|读书", "ja", Title}, {"発見|發見|发见", "ja", Title},
			{"ก้าวแรก|ก้าว แรก|ก้าว\u200bแรก", "th", Title}, {"ພາສາລາວ|ພາສາ ລາວ", "lo", Title}, {"ភាសាខ្មែរ|ភាសា ខ្មែរ", "km", Title},
			{"မြန်မာစာ|မြန်မာ စာ", "my", Title}, {"བོད་ཡིག|བོད ཡིག", "bo", Title},
			{"学习Go语言|学习 Go 语言|學習GO語言", "zh", Title},
		},
		"symbols": {
			{"Programming C#|programming c#|Programming С#|Programming C＃|programming csharp|Programming C♯", "en", Title},
			{"C++ Primer|c++ primer|C＋＋ primer", "en", Title}, {"F# 4.0|f# 4.0", "en", Title}, {"Learning .NET|learning .net|learning dotnet", "en", Title},
			{"ASP.NET Core|asp.net core|ASP .NET Core|aspnet core", "en", Title}, {"Node.js|node js|nodejs|NodeJS|Node JS", "en", Title},
			{"I ♥ NY|I ♥️ NY", "en", Title}, {"👍🏽 up|👍 up", "en", Title},
		},
		"numbers": {
			{"1776|Seventeen Seventy-Six|seventeen seventy six", "en", Title},
			{"Poems of MDCCCXLII|Poems of 1842|poems of mdcccxlii", "en", Title}, {"MCMXIV|1914|nineteen fourteen", "en", Title},
			{"Henry II|Henry 2|Henry two|henry ii", "en", Title}, {"Ⅷ|VIII|8|eight", "en", Title},
			{"2nd Foundation|Second Foundation", "en", Title}, {"21st Century|Twenty-First Century|twenty first century", "en", Title},
			{"Zwei Freunde|2 Freunde", "de", Title}, {"Fünf Freunde|5 Freunde|Fuenf Freunde|Funf Freunde", "de", Title}, {"Trois contes|3 contes", "fr", Title}, {"Siete cuentos|7 cuentos", "es", Title},
			{"Sei personaggi|6 personaggi", "it", Title}, {"Vijf vrienden|5 vrienden", "nl", Title},
			{"Volume 3|Vol. 3|vol 3|volume three|Volume III|no. 3|№ 3|nr. 3|vol. III|vols 3", "en", Title},
			{"Volume 1|Vol. I|Volume I|volume one|Volume i", "en", Title},
			{"Band 2|Bd. 2|Bd 2|band II", "de", Title}, {"Tome 2|t. 2|tome II", "fr", Title}, {"Part 4|pt. 4|part IV|Part Four", "en", Title},
			{"10,000 lakes|10000 lakes|ten thousand lakes|10.000 lakes|10 000 lakes|10\u00a0000 lakes", "en", Title},
			{"Python 3.12|python 3.12|Python 3,12", "en", Title}, {"One Hundred and Two Days|102 days|one hundred two days|hundred and two days", "en", Title},
			{"A Thousand and One Jokes|a 1001 jokes|a thousand & one jokes", "en", Title}, {"100 days|one hundred days|hundred days", "en", Title},
			{"Vol. 02|vol. 2", "en", Title},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			for _, row := range rows {
				same(t, row.spellings, row.language, row.kind)
			}
		})
	}
}

// TestFinds has queries that find a text but mean less than it.
func TestFinds(t *testing.T) {
	for _, row := range []struct {
		text, language string
		kind           Kind
		finding, not   []string
	}{
		{"L'Île mystérieuse", "fr", Title, []string{"ile", "lile", "île"}, []string{"sile"}},
		{"Slaughterhouse #5", "en", Title, []string{"volume 5", "slaughterhouse 5", "#5", "no. 5"}, []string{"6"}},
		{"The Mix", "en", Title, []string{"mix"}, []string{"1009", "mixx"}}, {"MM and MCMLXXXIV", "", Title, []string{"mm", "1984", "MCMLXXXIV"}, []string{"2000", "1985"}},
		{"Richard III", "en", Title, []string{"III", "3", "iii", "three"}, []string{"ii", "i", "2"}},
		{"Henry V", "en", Title, []string{"v", "5", "five"}, []string{"henry iv"}},
		{"The Book I Read", "en", Title, []string{"book i", "the book i read", "i"}, nil},
		{"Learning C#", "en", Title, []string{"c#", "c sharp", "csharp"}, []string{"c", "c++"}},
		{"Learning C++", "en", Title, []string{"c++", "cpp"}, []string{"c", "c#"}},
		{"The C Language", "en", Title, []string{"c", "C."}, []string{"c#", "c++"}},
		{"Pro ASP.NET Core", "en", Title, []string{"asp.net", ".net", "asp net", "aspnet"}, []string{"core.net"}},
		{"The Net", "en", Title, []string{"net"}, []string{".net"}},
		{"Python 3.12", "en", Title, []string{"3.12", "3", "12"}, []string{"312"}},
		{"鲁迅全集", "zh", Title, []string{"鲁", "集", "全集", "魯迅", "鲁迅 全集", "全集 鲁迅"}, []string{"鲁全", "迅鲁", "集鲁"}},
		{"พจนานุกรม", "th", Title, []string{"พจนา", "นุกรม"}, []string{"า"}},
		{"J. R. R. Tolkien", "en", Name, []string{"j r tolkien", "JRR", "R. R.", "r", "j", "JR", "tolkien j.r.r."}, []string{"rj"}},
		{"Malcolm X: A Life", "en", Title, []string{"malcolm x", "malcolm x a life", "a life"}, nil},
		{"Section I, J, K, and L", "en", Title, []string{"section i j k", "J K", "section IJK"}, nil},
		{"Nineteen Eighty-Four", "en", Title, []string{"nineteen eighty", "eighty four", "84", "nineteen", "four"}, []string{"1985"}},
		{"Mobydick", "en", Title, []string{"moby dick", "moby-dick"}, []string{"dick moby"}},
		{"It", "en", Title, []string{"it", "It."}, nil},
		{"МИР", "ru", Title, []string{"мир"}, []string{"мйр"}},
		{"край", "ru", Title, []string{"КРАЙ"}, []string{"краи"}},
		{"かき", "ja", Title, []string{"カキ"}, []string{"かぎ"}},
		{"الله", "ar", Title, []string{"الله"}, []string{"له"}},
		{"!!!", "en", Title, []string{"!!!"}, []string{"???"}},
		{"O, Pioneers", "en", Title, []string{"o pioneers"}, nil},
		{"America's Women", "en", Title, []string{"america women", "americas women"}, nil},
		{"Musica", "la", Title, []string{"musica"}, nil},
	} {
		for _, query := range row.finding {
			assert.Nil(t, missing(query, row.text, row.language, row.kind), "%q should find %q: %v", query, row.text, termsOf(Book(row.text, row.language, row.kind)))
		}
		for _, query := range row.not {
			assert.False(t, finds(query, row.text, row.language, row.kind), "%q should not find %q: %v", query, row.text, termsOf(Query(query)))
		}
	}
}
