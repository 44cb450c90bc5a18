package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestPopularity(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "7": 7, "1,234": 1234, "4 780 653": 4780653, "1'234'567": 1234567, "12345.0": 12345, ">1,000": 1000, "500+": 500, " 12 ": 12, "": 0, "9223372036854775807": 1<<63 - 1,
	} {
		for _, row := range []*model.ImportRow{cell(t, "ratings_count", text), book(t, fmt.Sprintf(`"downloads": %q`, text))} {
			assert.Equal(t, want, row.Book.Popularity, text)
			assert.NotZero(t, row.Fields&model.PopularityField, text)
			assert.Empty(t, row.Notes, text)
		}
	}
	for _, text := range []string{"-5", "many", "1e99", "1e3", "4.25", "1.000", "12,34", "9223372036854775808", "1/2", "NaN"} {
		row := cell(t, "ratings", text)
		assert.Zero(t, row.Book.Popularity, text)
		assert.Zero(t, row.Fields&model.PopularityField, "%s: the field stays as it is", text)
		assert.Equal(t, []string{`popularity dropped: "` + text + `" is not a whole number from 0 to 9223372036854775807`}, row.Notes)
	}
	for _, number := range []string{"-5", "1e99", "4.25"} {
		row := book(t, `"popularity": `+number)
		assert.Zero(t, row.Fields&model.PopularityField, number)
		assert.Len(t, row.Notes, 1, number)
	}
	assert.Equal(t, []string{`popularity dropped: the key "ratings" can't be a JSON object`}, book(t, `"ratings": {"5": 7}`).Notes)
	both := onlyRow(t, "title,work_ratings_count,ratings_count,ratings_1\nEmma,9,7,1\n")
	assert.EqualValues(t, 7, both.Book.Popularity, "of this edition")
	assert.Zero(t, cell(t, "author", "Jane Austen").Fields&(model.PopularityField|model.AuthorAliasesField), "a file without the columns")
}

func TestAuthorAliases(t *testing.T) {
	for keys, want := range map[string]string{
		`"author_aliases": ["Clemens, Samuel Langhorne", "Mr. Twain"]`:                                        "Samuel Langhorne Clemens/Mr. Twain",
		`"author_aliases": "Clemens, Samuel; Mr. Twain|Mr. Twain"`:                                            "Samuel Clemens/Mr. Twain",
		`"author_aliases": [{"name": "Clemens, Samuel"}, null, "", " "]`:                                      "Samuel Clemens",
		`"author": {"name": "Twain, Mark", "aliases": "Mark Twain; Clemens, S. (Samuel)"}`:                    "S. Clemens (Samuel)",
		`"authors": [{"name": "Twain, Mark", "aliases": ["A"]}, "Ray, Bob", {"name": "C", "aliases": ["B"]}]`: "A/B",
		`"authors": [{"name": "Quill, Ada", "aliases": ["Minister of Salt (1801-1809)"]}]`:                    "Minister of Salt",
		`"authors": [{"name": "Twain, Mark", "aliases": ["A"]}], "author_aliases": ["B"]`:                     "B",
		`"authors": [{"name": "Twain, Mark", "aliases": ["A"]}], "author_aliases": null`:                      "A",
		`"author": "Bob Ray", "additional_authors": [{"name": "Twain, Mark", "aliases": ["A"]}]`:              "A",
		`"authors": [{"name": "Twain, Mark", "aliases": []}]`:                                                 "",
		`"authors": [{"name": "Twain, Mark", "aliases": null}]`:                                               "",
		`"author_aliases": []`: "",
	} {
		row := book(t, keys)
		assert.Equal(t, want, strings.Join(row.Book.AuthorAliases, "/"), keys)
		assert.NotZero(t, row.Fields&model.AuthorAliasesField, keys)
		assert.Empty(t, row.Notes, keys)
	}
	for text, want := range map[string]string{
		"Clemens, Samuel; Mr. <i>Twain</i> &amp; Co": "Samuel Clemens/Mr. Twain & Co", `["A;B", "Ray, Bob"]`: "A;B/Bob Ray", "": "",
	} {
		row := cell(t, "author_aliases", text)
		assert.Equal(t, want, strings.Join(row.Book.AuthorAliases, "/"), text)
		assert.NotZero(t, row.Fields&model.AuthorAliasesField, text)
	}
	inACell := cell(t, "authors", `[{"name": "Twain, Mark", "aliases": ["A"]}]`)
	assert.Equal(t, "Mark Twain", inACell.Book.Author)
	assert.Equal(t, []string{"A"}, inACell.Book.AuthorAliases)
}

func TestWrongAuthorAliasesAreDropped(t *testing.T) {
	some := book(t, `"authors": [{"name": "Twain, Mark", "aliases": 7}, {"name": "Ray, Bob", "aliases": ["B"]}]`)
	assert.Equal(t, "Mark Twain, Bob Ray", some.Book.Author)
	assert.Equal(t, []string{"B"}, some.Book.AuthorAliases)
	assert.Equal(t, []string{`author_aliases dropped: the key "aliases" can't be a JSON number`}, some.Notes)
	for _, keys := range []string{`"authors": [{"name": "Twain, Mark", "aliases": [7]}]`, `"author_aliases": true`, `"author": "Mark Twain"`, `"authors": [{"name": "Twain, Mark"}]`} {
		assert.Zero(t, book(t, keys).Fields&model.AuthorAliasesField, "%s: the field stays as it is", keys)
	}

	many := make([]string, maxAliases+3)
	for i := range many {
		many[i] = fmt.Sprint("Alias ", i)
	}
	long := strings.Repeat("x", maxAlias+1)
	row := cell(t, "author_aliases", long+";"+strings.Repeat("ä", maxAlias)+";"+strings.Join(many, ";"))
	assert.Len(t, row.Book.AuthorAliases, maxAliases)
	assert.NotContains(t, row.Book.AuthorAliases, long)
	assert.NotZero(t, row.Fields&model.AuthorAliasesField)
	assert.Equal(t, []string{
		"author_aliases dropped: " + show(long) + " is longer than 200 characters", "author_aliases cut: there were 54, more than 50",
	}, row.Notes)
}

// A complete product without aliases leaves those of other files alone.
func TestONIXClearsNoAliases(t *testing.T) {
	row := onlyRow(t, onixMessage(onixProduct("1", "03", onixTitle("Emma")+"<Contributor><ContributorRole>A01</ContributorRole><PersonName>Jane Austen</PersonName></Contributor>")))
	assert.NotZero(t, row.Fields&model.AuthorField)
	assert.Zero(t, row.Fields&(model.AuthorAliasesField|model.PopularityField))
}
