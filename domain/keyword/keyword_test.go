package keyword_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/keyword"
	"literank.com/event-books/domain/model"
)

// notation writes clauses in brackets: [-author:text], ["a phrase"], [text=ISBN], and
// a * behind the prefix of an ISBN.
func notation(q keyword.Query) string {
	var out strings.Builder
	for _, c := range q.Clauses {
		out.WriteString("[")
		if c.Excluded {
			out.WriteString("-")
		}
		if c.Field != keyword.Any {
			out.WriteString(string(c.Field) + ":")
		}
		if c.Phrase {
			fmt.Fprintf(&out, "%q", c.Text)
		} else {
			out.WriteString(c.Text)
		}
		if c.ISBN != "" {
			out.WriteString("=" + c.ISBN)
		}
		if c.Prefix {
			out.WriteString("*")
		}
		if c.Field == keyword.Year {
			fmt.Fprintf(&out, "=%d-%d", c.From, c.To)
		}
		out.WriteString("]")
	}
	return out.String()
}

func check(t *testing.T, cases [][2]string) {
	t.Helper()
	for _, c := range cases {
		k, err := model.ParseKeyword(c[0])
		require.NoError(t, err)
		assert.Equal(t, c[1], notation(keyword.Parse(k)), c[0])
	}
}

func TestWords(t *testing.T) {
	check(t, [][2]string{
		{"", ""},
		{"dune", "[dune]"},
		{"Wuthering  Heights", "[Wuthering][Heights]"},
		{"emma\u3000austen\u00a0novel", "[emma][austen][novel]"},
		{"Middlemarch : a study, etc.", "[Middlemarch][a][study,][etc.]"},
		{"North & South", "[North][&][South]"},
		{"C++ C# .NET R", "[C++][C#][.NET][R]"},
		{"100 % 50%", "[100][%][50%]"},
		{"(Middlemarch) [1871] f(x) (un)seen house(s) a) (b", "[Middlemarch][1871][f(x)][(un)seen][house(s)][a][b]"},
		{"?", "[?]"},
		{"... ?!", "[...][?!]"},
		{"why ...", "[why]"},
		{"\u200f \u200e", ""},
		{"emm* h?mlet /emma.*/ [a-z]+ emma~2 emma^3", "[emm*][h?mlet][/emma.*/][[a-z]+][emma~2][emma^3]"},
		{"cats AND dogs OR NOT mice", "[cats][AND][dogs][OR][NOT][mice]"},
		{"+emma austen+", "[+emma][austen+]"},
		{"源氏物語 紫式部", "[源氏物語][紫式部]"},
	})
}

func TestPhrases(t *testing.T) {
	check(t, [][2]string{
		{`"jane eyre"`, `["jane eyre"]`},
		{`“jane eyre”`, `["jane eyre"]`},
		{`„jane eyre“`, `["jane eyre"]`},
		{`„jane eyre”`, `["jane eyre"]`},
		{`”jane eyre”`, `["jane eyre"]`},
		{`“jane eyre"`, `["jane eyre"]`},
		{`«jane eyre»`, `["jane eyre"]`},
		{`» jane eyre «`, `["jane eyre"]`},
		{`« jane eyre »`, `["jane eyre"]`},
		{`‹jane eyre›`, `["jane eyre"]`},
		{`「源氏 物語」`, `["源氏 物語"]`},
		{`『源氏 物語』紫式部`, `["源氏 物語"][紫式部]`},
		{`紫式部「源氏 物語」`, `[紫式部]["源氏 物語"]`},
		{`紫式部"源氏 物語"现代`, `[紫式部]["源氏 物語"][现代]`},
		{`"해리 포터"의 세계`, `["해리 포터"][의][세계]`},
		{`＂jane eyre＂`, `["jane eyre"]`},
		{`'jane eyre'`, `["jane eyre"]`},
		{`‘jane eyre’`, `["jane eyre"]`},
		{`‚jane eyre‘`, `["jane eyre"]`},
		{`‘jane's eyre’s’`, `["jane's eyre’s"]`},
		{`"jane"`, `[jane]`},
		{`"jane ."`, `[jane]`},
		{`"- jane : eyre ..."`, `["jane : eyre"]`},
		{`"? !"`, `["? !"]`},
		{`"jane" eyre`, `[jane][eyre]`},
		{`"", " " emma`, `[emma]`},
		{`""`, ``},
		{`charlotte "jane eyre" novel`, `[charlotte]["jane eyre"][novel]`},
		{`("jane eyre"), novel`, `["jane eyre"][novel]`},
		{`" jane eyre " bronte`, `["jane eyre"][bronte]`},
		{`"jane eyre`, `["jane][eyre]`},
		{`jane eyre"`, `[jane][eyre"]`},
		{`"jane eyre "wuthering heights"`, `["jane][eyre]["wuthering heights"]`},
		{`"jane" "eyre"`, `[jane][eyre]`},
		{`"a «b c» d"`, `["a «b c» d"]`},
		{`"Fahrenheit 451" film`, `["Fahrenheit 451"][film]`},
		{`12" and 7" singles`, `[12"][and][7"][singles]`},
		{`צה"ל וארה"ב`, `[צה"ל][וארה"ב]`},
		{`"תולדות צה"ל"`, `["תולדות צה\"ל"]`},
		{`Ender's game`, `[Ender's][game]`},
		{`'Tis pity she's a whore`, `['Tis][pity][she's][a][whore]`},
		{`boys' and girls' books`, `[boys'][and][girls'][books]`},
		{`rock 'n' roll`, `[rock][n][roll]`},
		{`L'Étranger d'Albert`, `[L'Étranger][d'Albert]`},
		{`"Wender, Paul A., "`, `["Wender, Paul A.,"]`},
	})
}

func TestExcluded(t *testing.T) {
	check(t, [][2]string{
		{"tolkien -hobbit", "[tolkien][-hobbit]"},
		{"-hobbit tolkien", "[-hobbit][tolkien]"},
		{"tolkien ‐hobbit −rings －ring", "[tolkien][-hobbit][-rings][-ring]"},
		{`tolkien -"the hobbit"`, `[tolkien][-"the hobbit"]`},
		{`tolkien -«the hobbit»`, `[tolkien][-"the hobbit"]`},
		{`tolkien -'the hobbit'`, `[tolkien][-"the hobbit"]`},
		{`tolkien -"hobbit"`, `[tolkien][-hobbit]`},
		{"tolkien (-hobbit)", "[tolkien][-hobbit]"},
		{"microsoft -.NET", "[microsoft][-.NET]"},
		{"tolkien -author:christopher", "[tolkien][-author:christopher]"},
		{`tolkien -author:"christopher t"`, `[tolkien][-author:"christopher t"]`},
		{"tolkien -year:1990s", "[tolkien][-year:1990s=1990-1999]"},
		{"tolkien -isbn:9780261103344", "[tolkien][-isbn:9780261103344=9780261103344]"},
		{"author:tolkien -hobbit", "[author:tolkien][-hobbit]"},
		{"9780261103344 -hobbit", "[isbn:9780261103344=9780261103344][-hobbit]"},
		// Nothing is excluded.
		{"Tolkien - The Hobbit", "[Tolkien][The][Hobbit]"},
		{"Tolkien – The Hobbit", "[Tolkien][The][Hobbit]"},
		{"Tolkien —The Hobbit", "[Tolkien][—The][Hobbit]"},
		{"-", "[-]"},
		{"--x y", "[--x][y]"},
		{"Catch-22", "[Catch-22]"},
		{"neo- romantic", "[neo-][romantic]"},
		{"FATE -運命- 3", "[FATE][-運命-][3]"},
		{"dune -", "[dune]"},
		{"dune -)", "[dune]"},
		{"dune -...", "[dune]"},
		{"dune - -", "[dune]"},
		{`dune -" "`, "[dune]"},
		{`"dune messiah"-film`, `["dune messiah"][-film]`},
		{"-dune", "[dune]"},
		{"-dune -messiah", "[dune][messiah]"},
		{`-"dune messiah"`, `["dune messiah"]`},
		{"-author:herbert", "[author:herbert]"},
	})
}

func TestFields(t *testing.T) {
	check(t, [][2]string{
		{"author:austen", "[author:austen]"},
		{"Author:Austen AUTHOR:Brontë", "[author:Austen][author:Brontë]"},
		{"author: austen emma", "[author:austen][emma]"},
		{"Author: Austen", "[author:Austen]"},
		{"emma AUTHOR: Austen", "[emma][author:Austen]"},
		{"emma author: Austen", "[emma][author:Austen]"},
		{`author:"jane austen" emma`, `[author:"jane austen"][emma]`},
		{`title: “sense and sensibility”`, `[title:"sense and sensibility"]`},
		{`title:"emma"`, `[title:emma]`},
		{"title：紅楼夢", "[title:紅楼夢]"},
		{"(subject:whales)", "[subject:whales]"},
		{"subject:(whales)", "[subject:whales]"},
		{"Title: Emma Author: Jane Austen", "[title:Emma][author:Jane][Austen]"},
		{"title:C++", "[title:C++]"},
		{"title:x:y", "[title:x:y]"},
		{`title:"" emma`, "[title:emma]"},
		// Years
		{"year:1815", "[year:1815=1815-1815]"},
		{"year: 1815, emma", "[year:1815,=1815-1815][emma]"},
		{`year:"1815"`, "[year:1815=1815-1815]"},
		{"year:800", "[year:800=800-800]"},
		{"year:1810-1819", "[year:1810-1819=1810-1819]"},
		{"year:1810–1819", "[year:1810–1819=1810-1819]"},
		{"year:1819-1810", "[year:1819-1810=1810-1819]"},
		{"year:1810s", "[year:1810s=1810-1819]"},
		{"year:１８１５", "[year:１８１５=1815-1815]"},
		{"(year:1815)", "[year:1815=1815-1815]"},
		{"year:1815s", "[year:1815s]"},
		{"year:soon year:18155 year:0 year:1815- year:-5", "[year:soon][year:18155][year:0][year:1815-][year:-5]"},
		{"year: of wonders", "[year:][of][wonders]"},
		// Text
		{"title:", "[title:]"},
		{"title: ", "[title:]"},
		{"emma title:", "[emma][title:]"},
		{"title:, emma", "[title:,][emma]"},
		{"author: title:emma", "[author:][title:emma]"},
		{"emma author: -austen", "[emma][author:][-austen]"},
		{"author : austen", "[author][austen]"},
		{"2001: A Space Odyssey", "[2001:][A][Space][Odyssey]"},
		{"Re: Zero", "[Re:][Zero]"},
		{"Thor: Ragnarok", "[Thor:][Ragnarok]"},
		{"publisher:penguin", "[publisher:penguin]"},
		{"Year: A Memoir", "[Year:][A][Memoir]"},
		{"The Title: A Comedy", "[The][Title:][A][Comedy]"},
		{"In the Fourth Year: Anticipations", "[In][the][Fourth][Year:][Anticipations]"},
		{"isbn:", "[isbn:]"},
		{"isbn: agency", "[isbn:][agency]"},
		{`isbn:"agency"`, "[isbn:][agency]"},
		{"subtitle:x", "[subtitle:x]"},
	})
}

func TestISBN(t *testing.T) {
	const found = "[isbn:9780306406157=9780306406157]"
	const foundTen = "[isbn:0306406152=9780306406157]"
	check(t, [][2]string{
		{"9780306406157", found},
		{"978-0-306-40615-7", found},
		{"978‐0‑306–40615—7", found},
		{"978−0−306−40615−7", found},
		{"978 0 306 40615 7", found},
		{"978\u00a00\u2009306 40615 7", found},
		{"978 0306406157", found},
		{"978 - 0 - 306 - 40615 - 7", found},
		{"978.0.306.40615.7", found},
		{"９７８０３０６４０６１５７", found},
		{"٩٧٨٠٣٠٦٤٠٦١٥٧", found},
		{"(9780306406157)", found},
		{"[978-0-306-40615-7]", found},
		{`"9780306406157"`, found},
		{`="9780306406157"`, found},
		{`"978 0 306 40615 7"`, found},
		{"9780306406157.", found},
		{"ISBN 9780306406157", found},
		{"isbn9780306406157", found},
		{"ISBN-13: 978-0306406157", found},
		{"ISBN 13: 978-0306406157", found},
		{"ISBN13 9780306406157", found},
		{"ISBN-13 978 0 306 40615 7", found},
		{"ISBN (13): 9780306406157", found},
		{"(ISBN: 9780306406157)", found},
		{"ISBN：9780306406157", found},
		{"ISBN no. 9780306406157", found},
		{"ISBN/EAN: 9780306406157", found},
		{"e-ISBN 9780306406157", found},
		{"urn:isbn:9780306406157", found},
		{"URN:ISBN:0306406152", foundTen},
		{"EAN 9780306406157", found},
		{"EAN-13: 9780306406157", found},
		{"9780306406157 ISBN", found},
		{"book nr. 9780306406157", found},
		{"isbn:9780306406157", found},
		{"isbn: 978 0 306 40615 7", found},
		{`isbn:"978 0 306 40615 7"`, found},
		{`isbn: "9780306406157"`, found},
		{"ISBN-10: 0306406152 ISBN-13: 978-0306406157", foundTen},
		{"979-10-90636-07-1", "[isbn:9791090636071=9791090636071]"},
		// Ten characters
		{"0306406152", foundTen},
		{"0-306-40615-2", foundTen},
		{"0 306 40615 2", foundTen},
		{"030640615-2", foundTen},
		{"ISBN-10: 0306406152", foundTen},
		{"ISBN 10 0306406152", foundTen},
		{"isbn 306406152", "[isbn:306406152=9780306406157]"},
		{"SBN 306-40615-2", "[isbn:306406152=9780306406157]"},
		{"080442957x", "[isbn:080442957X=9780804429573]"},
		{"0-8044-2957-X", "[isbn:080442957X=9780804429573]"},
		{"080442957Ｘ", "[isbn:080442957X=9780804429573]"},
		// The second barcode
		{"978030640615751299", found},
		{"9780306406157 51299", found},
		{"978-0-306-40615-7 51299", found},
		{"978 0 306 40615 7 51299", found},
		{"978030640615712", found},
		{"9780306406157 12", found},
		// Words around it
		{"9780306406157 hunger games", found + "[hunger][games]"},
		{"hunger 9780306406157 51299 games", "[hunger]" + found + "[games]"},
		{"9780306406157,games", found + "[,games]"},
		{"9780306406157 1984", found + "[1984]"},
		{`"book" 9780306406157 the book thief`, found + "[the][thief]"},
		{"the book", "[the][book]"},
		{"isbn agency", "[isbn][agency]"},
		{"9780306406157 9791090636071", found + "[isbn:9791090636071=9791090636071]"},
	})
}

func TestISBNPrefix(t *testing.T) {
	check(t, [][2]string{
		{"9780306", "[9780306=9780306*]"},
		{"978030640615", "[978030640615=978030640615*]"},
		{"978-0-306-", "[9780306=9780306*]"},
		{"9791090", "[9791090=9791090*]"},
		{"ISBN 9780306", "[isbn:9780306=9780306*]"},
		{"isbn:0306406", "[isbn:0306406=9780306406*]"},
		{"0306406", "[0306406=9780306406*]"},
		{"030640615", "[030640615=978030640615*]"},
		{"978030", "[978030]"},
		{"97803064061", "[97803064061=97803064061*]"},
		{"03064061521", "[03064061521]"},
	})
}

func TestNoISBN(t *testing.T) {
	check(t, [][2]string{
		{"1984", "[1984]"},
		{"1984 1985 1986", "[1984][1985][1986]"},
		{"1914-1918", "[1914-1918]"},
		{"2019-12-31", "[2019-12-31]"},
		{"1234567.89", "[1234567.89]"},
		{"1,234,567", "[1,234,567]"},
		{"555-123-4567", "[555-123-4567]"},
		{"030 640 6152", "[030][640][6152]"},
		{"+49 30 6406152", "[+49][30][6406152=9786406152*]"},
		{"36105018139407", "[36105018139407]"},
		{"4006381333931", "[4006381333931]"},
		{"EAN 4006381333931", "[EAN][4006381333931]"},
		{"2004005074", "[2004005074]"},
		{"9780306406157abc", "[9780306406157abc]"},
		{"a9780306406157", "[a9780306406157]"},
		{"0027-8378", "[0027-8378]"},
		{"97803064061571", "[97803064061571]"},
		{"1234567890123456789012345678901234567890", "[1234567890123456789012345678901234567890]"},
	})
}

func TestWrongISBN(t *testing.T) {
	for typed, wrong := range map[string]string{
		"9780306406158":               "9780306406158",
		"978-0-306-40615-8":           "9780306406158",
		"978 0 306 40615 8":           "9780306406158",
		"emma 9780306406158":          "9780306406158",
		"978030640615851299":          "9780306406158",
		"ISBN 0306406153":             "0306406153",
		"isbn:0306406153":             "0306406153",
		"0-306-40615-3":               "0306406153",
		"0306406153":                  "0306406153",
		"0306406152":                  "",
		"0 306 40615 3":               "",
		"9770306406158":               "",
		"1-800-555-1234":              "",
		"ISBN 9780306":                "",
		"9780306406157":               "",
		"emma -9780306406158":         "",
		"9781984 1985 1986":           "",
		"a b c d e f g h i j k l m n": "",
	} {
		q := keyword.Parse(model.Keyword(typed))
		assert.Equal(t, wrong, q.WrongISBN, typed)
		if wrong != "" {
			assert.Contains(t, notation(q), "["+wrong+"]", typed)
		}
	}
}

func TestLimit(t *testing.T) {
	const fifteen = "a b c d e f g h i j k l m n o"
	for typed, c := range map[string]struct {
		served  string
		ignored int
	}{
		fifteen + " p":                     {fifteen + " p", 0},
		fifteen + " p ":                    {fifteen + " p ", 0},
		fifteen + "  p q  r":               {fifteen + "  p", 2},
		fifteen + " - p - q":               {fifteen + " - p", 1},
		fifteen + " -p q":                  {fifteen + " -p", 1},
		fifteen + ` "p q r" s`:             {fifteen + ` "p`, 3},
		fifteen + ` "p" q`:                 {fifteen + ` "p"`, 1},
		fifteen + ` author: p q`:           {fifteen + ` author: p`, 1},
		fifteen + ` 978 0 306 40615 7 q`:   {fifteen + ` 978 0 306 40615 7`, 1},
		strings.Repeat("word ", 500):       {strings.TrimSpace(strings.Repeat("word ", 16)), 484},
		`"` + fifteen + ` : p" q`:          {`"` + fifteen + ` : p"`, 1},
		strings.Repeat("- ", 40) + "a b c": {strings.Repeat("- ", 40) + "a b c", 0},
	} {
		q := keyword.Parse(model.Keyword(typed))
		assert.Equal(t, c.served, q.Served, typed)
		assert.Equal(t, c.ignored, q.Ignored, typed)
	}
}

func TestPlain(t *testing.T) {
	q := keyword.Plain(`"Undo": -a author:b 9780306406157 - c`)
	assert.Equal(t, `["Undo":][-a][author:b][9780306406157][c]`, notation(q))
	assert.Equal(t, 2, keyword.Plain("a b c d e f g h i j k l m n o p q r").Ignored)
}

func TestOffsets(t *testing.T) {
	typed := `emma (-"de Luxe") author: Austen, isbn: 0-306-40615-2 51299`
	q := keyword.Parse(model.Keyword(typed))
	var clauses []string
	for _, c := range q.Clauses {
		clauses = append(clauses, typed[c.Start:c.End])
	}
	assert.Equal(t, []string{"emma", `-"de Luxe"`, "author: Austen,", "isbn: 0-306-40615-2", "51299"}, clauses)
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		typed string
		texts map[int]string
		want  string
	}{
		{"jane  eire", map[int]string{1: "eyre"}, "jane eyre"},
		{"jane eire -filn", map[int]string{1: "eyre", 2: "film"}, "jane eyre -film"},
		{`author:bronty "jane eire"`, map[int]string{0: "brontë", 1: "jane eyre"}, `author:brontë "jane eyre"`},
		{"mobydick melville", map[int]string{0: "moby dick"}, "moby dick melville"},
		{"title:mobydick -whitewhale", map[int]string{0: "moby dick", 1: "white whale"}, `title:"moby dick" -"white whale"`},
		{"jane eyre -film", map[int]string{1: ""}, "jane -film"},
		{"jane -film", map[int]string{0: ""}, ""},
		{"jane -film", map[int]string{1: ""}, "jane"},
		{`jane author: "bronte" x`, map[int]string{1: ""}, "jane x"},
		{"jane eyre", nil, "jane eyre"},
		{"jane eyre", map[int]string{7: "x"}, "jane eyre"},
		{"ISBN 9780306406157 jane", map[int]string{0: ""}, "jane"},
		{"a b c d e f g h i j k l m n o p q", map[int]string{0: ""}, "b c d e f g h i j k l m n o p"},
	} {
		assert.Equal(t, c.want, keyword.Parse(model.Keyword(c.typed)).Rewrite(c.texts), c.typed)
	}
	assert.Equal(t, "eyre", keyword.Parse("jane eyre").Without(0))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`"war and peace" -author:x title: "y z"`, "isbn: 978 0 306 40615 7 51299 q", "ISBN-13: 9780306406158",
		"«a „b c“» -.NET", "year:1990-1999 (year:1990s)", `a b c d e f g h i j k l m n "o p q`, `a b c d e f g h i j k l m n "o p q"`,
		"97803064061571", "「源氏 物語」", "0-8044-2957-X", "The Title: A Comedy", `-"x" ("y")-z`, "٩٧٨٠ xX ｘ", "'a b' 'c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		k, err := model.ParseKeyword(typed)
		if err != nil {
			return
		}
		for _, q := range []keyword.Query{keyword.Parse(k), keyword.Plain(k)} {
			checkQuery(t, string(k), q)
		}
		q := keyword.Parse(k)
		if n := len(q.Clauses); q.Ignored > 0 && !q.Clauses[n-1].Phrase {
			require.Equal(t, q.Clauses, keyword.Parse(model.Keyword(q.Served)).Clauses, "served %q", q.Served)
		}
	})
}

// checkQuery checks what holds for every query.
func checkQuery(t *testing.T, typed string, q keyword.Query) {
	t.Helper()
	require.True(t, strings.HasPrefix(typed, q.Served))
	words, last, searched := 0, 0, len(q.Clauses) == 0
	for i, c := range q.Clauses {
		require.NotEmpty(t, c.Text)
		require.True(t, last <= c.Start && c.Start < c.End && c.End <= len(q.Served), "%q: %+v", typed, c)
		require.True(t, utf8.ValidString(typed[c.Start:c.End]))
		last, searched = c.End, searched || !c.Excluded
		n := len(keyword.Plain(model.Keyword(c.Text)).Clauses)
		require.True(t, c.Phrase || len(strings.Fields(c.Text)) == 1, "%q: %+v", typed, c)
		words += n
		require.True(t, utf8.ValidString(q.Without(i)))
		require.True(t, utf8.ValidString(q.Rewrite(map[int]string{i: "x y"})))
	}
	require.True(t, searched)
	require.LessOrEqual(t, words, model.MaxWords)
}

func BenchmarkParse(b *testing.B) {
	for name, k := range map[string]model.Keyword{
		"title": "Alice's adventures in wonderland", "isbn": "ISBN 978-0-306-40615-7",
		"operators": `author:"jane austen" emma -film year:1990s`, "quotes": model.Keyword(strings.Repeat(`'a "`, 250)),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				keyword.Parse(k)
			}
		})
	}
}
