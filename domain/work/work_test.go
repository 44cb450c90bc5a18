package work_test

import (
	"encoding/csv"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
)

// pair is a row of a list: two books and why they belong together or apart.
type pair struct {
	a, b   *model.Book
	reason string
}

func readPairs(t *testing.T, file string) []pair {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var pairs []pair
	for _, r := range rows[1:] {
		pairs = append(pairs, pair{
			&model.Book{Title: r[0], Author: r[1], Language: r[2]}, &model.Book{Title: r[3], Author: r[4], Language: r[5]}, r[6],
		})
	}
	return pairs
}

// same reports whether two books are editions of one work.
func same(a, b *model.Book) bool {
	keyA, okA := work.Key(a)
	keyB, okB := work.Key(b)
	return okA && okB && keyA == keyB
}

func describe(b *model.Book) string {
	key, ok := work.Key(b)
	if !ok {
		key = "none"
	}
	return b.Title + " / " + b.Author + " → " + key
}

func TestApart(t *testing.T) {
	for _, p := range readPairs(t, "testdata/apart.csv") {
		assert.False(t, same(p.a, p.b), "%s: %s, %s", p.reason, describe(p.a), describe(p.b))
	}
}

func TestTogether(t *testing.T) {
	for _, p := range readPairs(t, "testdata/together.csv") {
		assert.True(t, same(p.a, p.b), "%s: %s, %s", p.reason, describe(p.a), describe(p.b))
	}
}

func TestOtherFields(t *testing.T) {
	book := model.Book{Title: "Salt", Author: "Mary Key", Language: "en"}
	for reason, c := range map[string]struct {
		change   func(*model.Book)
		together bool
	}{
		"hardback":           {func(b *model.Book) { b.Edition = "Hardcover, 2nd edition" }, true},
		"unabridged":         {func(b *model.Book) { b.Edition = "Unabridged audiobook" }, true},
		"abridged":           {func(b *model.Book) { b.Edition = "Abridged" }, false},
		"volume":             {func(b *model.Book) { b.Edition = "Volume 2" }, false},
		"young readers":      {func(b *model.Book) { b.Edition = "Young Readers Edition" }, false},
		"box":                {func(b *model.Book) { b.Edition = "Boxed set" }, false},
		"comic":              {func(b *model.Book) { b.Subjects = []string{"Comics & Graphic Novels / Literary"} }, false},
		"study guide":        {func(b *model.Book) { b.Subjects = []string{"Study Aids"} }, false},
		"publisher of aids":  {func(b *model.Book) { b.Publisher = "SparkNotes" }, false},
		"other subject":      {func(b *model.Book) { b.Subjects = []string{"Sea stories"} }, true},
		"other publisher":    {func(b *model.Book) { b.Publisher = "Harbour Press" }, true},
		"publisher in title": {func(b *model.Book) { b.Publisher, b.Title = "Harbour Press", "Salt (Harbour Press)" }, true},
		"series":             {func(b *model.Book) { b.Series = "The Tides #2" }, true},
		"same series, first": {func(b *model.Book) { b.Series = "Salt #1" }, true},
		"same series":        {func(b *model.Book) { b.Series = "Salt, Volume 2" }, false},
		"no series number":   {func(b *model.Book) { b.Series = "Salt" }, true},
	} {
		other := book
		c.change(&other)
		assert.Equal(t, c.together, same(&book, &other), "%s: %s", reason, describe(&other))
	}
}

func TestNoTitle(t *testing.T) {
	for _, title := range []string{"", "?!", "(Hardcover)", "Untitled"} {
		_, ok := work.Key(&model.Book{Title: title, Author: "Mary Key"})
		assert.Equal(t, title == "(Hardcover)", ok, title)
	}
}

func FuzzKey(f *testing.F) {
	for _, p := range []string{"A; or, B, C (D, #1-2) — Vol. IV [E]", "$b\n:(", "Nineteen hundred and one thousand", "& , The", "#1", "20 thousand 1,000"} {
		f.Add(p, "Key, Mary", "en", "Salt #2", "2nd ed")
	}
	f.Fuzz(func(t *testing.T, title, author, language, series, edition string) {
		b := &model.Book{Title: title, Author: author, Language: language, Series: series, Edition: edition, Publisher: author}
		key, ok := work.Key(b)
		require.Equal(t, ok, key != "")
		again, _ := work.Key(b)
		require.Equal(t, key, again)
	})
}
