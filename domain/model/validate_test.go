package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestValidate(t *testing.T) {
	n := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		change  func(*model.Book)
		refused string // the invalid field, or empty
	}{
		"only a title":          {func(b *model.Book) {}, ""},
		"no title":              {func(b *model.Book) { b.Title = "" }, "title"},
		"blank title":           {func(b *model.Book) { b.Title = " \n\u3000" }, "title"},
		"longest title":         {func(b *model.Book) { b.Title = strings.Repeat("ü", 1000) }, ""},
		"longer title":          {func(b *model.Book) { b.Title = strings.Repeat("ü", 1001) }, "title"},
		"line break in a title": {func(b *model.Book) { b.Title = "a\nb" }, "title"},
		"invalid UTF-8":         {func(b *model.Book) { b.Author = "\xff" }, "author"},
		"NUL":                   {func(b *model.Book) { b.Publisher = "a\x00b" }, "publisher"},
		"long series":           {func(b *model.Book) { b.Series = strings.Repeat("a", 1001) }, "series"},
		"long edition":          {func(b *model.Book) { b.Edition = strings.Repeat("a", 1001) }, "edition"},
		"paragraphs":            {func(b *model.Book) { b.Description = "a\r\n\tb" }, ""},
		"bell":                  {func(b *model.Book) { b.Description = "a\ab" }, "description"},
		"longest description":   {func(b *model.Book) { b.Description = strings.Repeat("ü", model.MaxDescription) }, ""},
		"longer description":    {func(b *model.Book) { b.Description = strings.Repeat("ü", model.MaxDescription+1) }, "description"},
		"year":                  {func(b *model.Book) { b.PublishedAt = "1869" }, ""},
		"early year":            {func(b *model.Book) { b.PublishedAt = "-380" }, ""},
		"month":                 {func(b *model.Book) { b.PublishedAt = "2004-12" }, ""},
		"date":                  {func(b *model.Book) { b.PublishedAt = "1900-02-29" }, ""},
		"thirteenth month":      {func(b *model.Book) { b.PublishedAt = "2004-13" }, "published_at"},
		"thirtieth of February": {func(b *model.Book) { b.PublishedAt = "2004-02-30" }, "published_at"},
		"words for a date":      {func(b *model.Book) { b.PublishedAt = "about 1900" }, "published_at"},
		"five digits":           {func(b *model.Book) { b.PublishedAt = "10000" }, "published_at"},
		"wrong ISBN":            {func(b *model.Book) { b.ISBN = "9780306406158" }, "isbn"},
		"wrong language":        {func(b *model.Book) { b.Language = "english!" }, "language"},
		"most subjects":         {func(b *model.Book) { b.Subjects = slices.Repeat([]string{"s"}, 200) }, ""},
		"more subjects":         {func(b *model.Book) { b.Subjects = slices.Repeat([]string{"s"}, 201) }, "subjects"},
		"empty subject":         {func(b *model.Book) { b.Subjects = []string{"a", " "} }, "subjects"},
		"broken subject":        {func(b *model.Book) { b.Subjects = []string{"a\nb"} }, "subjects"},
		"price":                 {func(b *model.Book) { b.Price = "0.999999" }, ""},
		"price with a comma":    {func(b *model.Book) { b.Price = "12,90" }, "price"},
		"negative price":        {func(b *model.Book) { b.Price = "-1" }, "price"},
		"price with a sign":     {func(b *model.Book) { b.Price = "€ 5" }, "price"},
		"price in Thai digits":  {func(b *model.Book) { b.Price = "๑" }, "price"},
		"currency":              {func(b *model.Book) { b.Currency = "EUR" }, ""},
		"wrong currency":        {func(b *model.Book) { b.Currency = "EURO" }, "currency"},
		"no stock":              {func(b *model.Book) { b.Stock = n(0) }, ""},
		"negative stock":        {func(b *model.Book) { b.Stock = n(-1) }, "stock"},
		"huge stock":            {func(b *model.Book) { b.Stock = n(1 << 31) }, "stock"},
		"availability":          {func(b *model.Book) { b.Availability = model.ToOrder }, ""},
		"other availability":    {func(b *model.Book) { b.Availability = "soon" }, "availability"},
		"address":               {func(b *model.Book) { b.BuyURL = "https://example.com/?q=ü" }, ""},
		"script":                {func(b *model.Book) { b.BuyURL = "javascript:alert(1)" }, "buy_url"},
		"no host":               {func(b *model.Book) { b.BuyURL = "https:///x" }, "buy_url"},
		"relative address":      {func(b *model.Book) { b.CoverURL = "/c.jpg" }, "cover_url"},
		"other scheme":          {func(b *model.Book) { b.CoverURL = "ftp://example.com/c.jpg" }, "cover_url"},
		"long address":          {func(b *model.Book) { b.CoverURL = "https://example.com/" + strings.Repeat("a", 2000) }, "cover_url"},
	} {
		b := &model.Book{Title: "T"}
		c.change(b)
		err := b.Validate()
		if c.refused == "" {
			assert.NoError(t, err, name)
			again := *b
			assert.NoError(t, again.Validate(), name)
			assert.Equal(t, *b, again, "%s: the canonical form is its own", name)
			continue
		}
		assert.Equal(t, model.Invalid, model.ErrorCode(err), name)
		assert.ErrorContains(t, err, c.refused+": ", name)
	}
}

func TestValidateBringsTheCanonicalForm(t *testing.T) {
	b := &model.Book{
		Title: " T ", Author: "\tA\n", Description: "\n\nD ", PublishedAt: " 1869 ", ISBN: "0-306-40615-2", Language: "EN-us",
		Publisher: " P", Subjects: []string{" s "}, Currency: "eur",
	}
	require.NoError(t, b.Validate())
	assert.Equal(t, &model.Book{
		Title: "T", Author: "A", Description: "D", PublishedAt: "1869", ISBN: "9780306406157", Language: "en-US",
		Publisher: "P", Subjects: []string{"s"}, Currency: "EUR",
	}, b)
}

func TestYear(t *testing.T) {
	for published, want := range map[string]int{"1869": 1869, "2004-05-06": 2004, "-380": -380, "-0380-01": -380, " 12 ": 12, "1869?": 1869} {
		year, ok := (&model.Book{PublishedAt: published}).Year()
		assert.True(t, ok, published)
		assert.Equal(t, want, year, published)
	}
	for _, published := range []string{"", "-", "about 1900", "99999", "99999999999999999999"} {
		_, ok := (&model.Book{PublishedAt: published}).Year()
		assert.False(t, ok, published)
	}
}
