package highlight

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

var _ gateway.Highlighter = Highlighter{}

// written puts the marked parts in brackets.
func written(fragments []model.Fragment) string {
	var out strings.Builder
	for _, f := range fragments {
		if f.Match {
			out.WriteString("[" + f.Text + "]")
		} else {
			out.WriteString(f.Text)
		}
	}
	return out.String()
}

func highlight(k string, b model.Book) map[string]string {
	h := Highlighter{}.Highlight(model.Keyword(k), []*model.Book{&b})[0]
	marked := map[string]string{}
	for name, fragments := range map[string][]model.Fragment{
		"title": h.Title, "author": h.Author, "series": h.Series, "subjects": h.Subjects, "publisher": h.Publisher, "description": h.Description,
	} {
		if fragments != nil {
			marked[name] = written(fragments)
		}
	}
	return marked
}

func TestTitles(t *testing.T) {
	for _, c := range []struct{ query, title, language, want string }{
		{"war", "War and Peace", "en", "[War] and Peace"},
		{"peace war", "War and Peace!", "en", "[War] and [Peace]!"},
		{"war and peace", "War and Peace", "en", "[War and Peace]"},
		{"ar", "War and Peace", "en", ""},
		{"don't", "Don’t be evil", "en", "[Don’t] be evil"},
		{"muller", "Die schöne Müllerin. Müller", "de", "Die schöne Müllerin. [Müller]"},
		{"mueller", "Müller", "de", "[Müller]"},
		{"märchens", "Das Märchen", "de", "Das [Märchen]"},
		{"moby dick", "Mobydick", "en", "[Mobydick]"},
		{"mobydick", "Moby Dick, or the Whale", "en", "[Moby Dick], or the Whale"},
		{"1984", "Nineteen Eighty-Four", "en", "[Nineteen Eighty-Four]"},
		{"c++", "The C++ Primer", "en", "The [C++] Primer"},
		{"猫", "吾輩は猫である", "ja", "吾輩は[猫]である"},
		{"吾輩は", "吾輩は猫である", "ja", "[吾輩は]猫である"},
		{"红楼梦", "紅樓夢", "zh", "[紅樓夢]"},
		{"война", "Война и мир", "ru", "[Война] и мир"},
		{`"war and" -peace`, "War and Peace", "en", "[War and] Peace"},
		{"title:war", "War", "en", "[War]"},
		{"author:war", "War", "en", ""},
		{"year:1869 isbn:9780306406157", "1869", "en", ""},
		{"<b>", "Das <b> & das", "de", "Das <[b]> & das"},
		{"", "War", "en", ""},
		{"war", "", "en", ""},
	} {
		assert.Equal(t, c.want, highlight(c.query, model.Book{Title: c.title, Language: c.language})["title"], "%s in %s", c.query, c.title)
	}
}

func TestWhereWordsAreMarked(t *testing.T) {
	b := model.Book{
		Title: "War and Peace", Author: "Leo Tolstoy", Language: "en", Series: "Great Russians", Publisher: "Moscow Press", Subjects: []string{"Napoleon", "Russia, Novels"},
		Description: "A war, in Russia; and peace.\nTolstoy’s greatest book, says Moscow.",
	}
	for query, want := range map[string]map[string]string{
		"war tolstoy":     {"title": "[War] and Peace", "author": "Leo [Tolstoy]"},
		"war book":        {"title": "[War] and Peace", "description": "A war, in Russia; and peace.\nTolstoy’s greatest [book], says Moscow."},
		"war novels":      {"title": "[War] and Peace", "subjects": "Russia, [Novels]"},
		"russia napoleon": {"subjects": "[Napoleon]; [Russia], Novels"},
		"moscow":          {"publisher": "[Moscow] Press"},
		"great":           {"series": "[Great] Russians"},
		"subject:russia":  {"subjects": "[Russia], Novels"},
		"zebra":           {},
		"?":               {},
	} {
		assert.Equal(t, want, highlight(query, b), query)
	}
}

func TestExcerpts(t *testing.T) {
	filler := strings.Repeat("lorem ipsum dolor sit amet ", 40)
	for name, c := range map[string]struct{ query, description, want string }{
		"beginning": {"zebra", "A zebra runs. " + filler, "A [zebra] runs. lorem ipsum dolor sit amet"},
		"middle":    {"zebra", filler + "a zebra, and more " + filler, "a [zebra], and more lorem"},
		"end":       {"zebra", filler + "zebra", "…"},
		"together":  {"zebra lion", "Zebra. " + filler + "a lion hunts a zebra " + filler, "a [lion] hunts a [zebra] lorem"},
		"no blanks": {"猫", strings.Repeat("吾輩は", 200) + "猫" + strings.Repeat("である", 200), "吾輩は[猫]である"},
		"long word": {strings.Repeat("z", 100), strings.Repeat("y", 300) + " " + strings.Repeat("z", 100) + strings.Repeat(" x", 300), "[" + strings.Repeat("z", 100) + "] x"},
	} {
		got := highlight(c.query, model.Book{Description: c.description})["description"]
		assert.Contains(t, got, c.want, name)
		assert.LessOrEqual(t, utf8.RuneCountInString(got), excerptLength+8, name)
		assert.True(t, utf8.ValidString(got), name)
		assert.Equal(t, name != "beginning", strings.HasPrefix(got, "…"), got)
		assert.Equal(t, name != "end", strings.HasSuffix(got, "…"), got)
	}
	assert.Empty(t, highlight("zebra", model.Book{Description: strings.Repeat("x ", maxRead) + "zebra"}), "only the beginning is read")
}

// Fragments always make up the text, or a part of it.
func FuzzHighlight(f *testing.F) {
	for _, seed := range [][2]string{{"war peace", "War and Peace"}, {"吾輩は", "吾輩は猫である"}, {"j k rowling", "J. K. Rowling"}, {"\xff x", "\xff x\xff"}, {"ﷺ é", "e\u0301 ﷺ"}, {"don't o'neill", "Don’t O’Neill’s"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, typed, s string) {
		k, err := model.ParseKeyword(typed)
		if err != nil {
			return
		}
		h := Highlighter{}.Highlight(k, []*model.Book{{Title: s, Author: s, Description: s + strings.Repeat(" "+s, 20)}})[0]
		for _, list := range [][]model.Fragment{h.Title, h.Author} {
			whole := ""
			for _, fragment := range list {
				require.NotEmpty(t, fragment.Text)
				whole += fragment.Text
			}
			if list != nil {
				require.Equal(t, s, whole)
			}
		}
		for _, fragment := range h.Description {
			require.Equal(t, utf8.ValidString(s), utf8.ValidString(fragment.Text))
		}
	})
}

func BenchmarkHighlight(b *testing.B) {
	book := &model.Book{Title: "War and Peace", Author: "Leo Tolstoy", Language: "en", Description: strings.Repeat("A long novel about Russia and the wars of Napoleon. ", 20)}
	books := make([]*model.Book, 20)
	for i := range books {
		books[i] = book
	}
	for name, query := range map[string]model.Keyword{"title": "war peace", "description": "novel napoleon"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Highlighter{}.Highlight(query, books)
			}
		})
	}
}
