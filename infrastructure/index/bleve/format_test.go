package bleve

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// The file testdata/format has the format and a checksum of what the index stores for some
// books. If that changes, older indexes are out of date: raise format, and write the new line
// into the file.
func TestFormat(t *testing.T) {
	stock := 3
	books := []*model.Book{
		{ID: 1, Version: 4, Title: "The Winter's Tale: Volume II", Author: "Anna Müller, J. R. O'Neill", PublishedAt: "1984-05", Language: "en-GB", ISBN: "9780306406157",
			Description: "Twenty-one walks & talks in the garden.", Publisher: "Press", Subjects: []string{"Walking -- History", "C++"}, Series: "Seasons", Edition: "2nd",
			Stock: &stock, Popularity: 1000, AuthorAliases: []string{"Miller, Anna"}},
		{ID: 2, Title: "Die Märchen der Brüder", Author: "Grimm", Language: "de"},
		{ID: 3, Title: "吾輩は猫である", Author: "夏目漱石", Language: "ja"},
		{ID: 4, Title: "Война и мир", Author: "Лев Толстой", Language: "ru", PublishedAt: "-380"},
		{ID: 5, Title: "ألف ليلة وليلة", Language: "ar"},
		{ID: 6, Title: "Poems, MDCCCXLII"},
	}
	sum := sha256.New()
	for _, b := range books {
		var lines []string
		for _, field := range newDocument(b).Fields {
			f := field.(*terms)
			for term := range f.terms {
				lines = append(lines, f.name+"="+term)
			}
			lines = append(lines, f.name+":"+string(f.value))
		}
		slices.Sort(lines)
		fmt.Fprintln(sum, strings.Join(lines, "\n"))
	}
	line := fmt.Sprintf("%s %x", format, sum.Sum(nil))
	stored, err := os.ReadFile("testdata/format")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(stored)), line)
}
