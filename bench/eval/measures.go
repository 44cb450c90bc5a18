package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"literank.com/event-books/domain/model"
)

// place returns the place of the first book that is wanted, from 1, or 0.
func place(books []*model.Book, wanted func(*model.Book) bool) int {
	return slices.IndexFunc(books, wanted) + 1
}

// titled returns a function that recognises books by their title.
func titled(title string) func(*model.Book) bool {
	folded := model.Fold(title)
	return func(b *model.Book) bool { return model.Fold(b.Title) == folded }
}

// titleEvery is the distance of the books whose titles are searched.
const titleEvery = 20

func (e *eval) titles(ctx context.Context) error {
	plain := e.newScore("title: it is first", "99 %")
	forms := []struct {
		score *score
		query func(b *model.Book) string
	}{
		{e.newScore("title?: among 20", "99 %"), func(b *model.Book) string { return b.Title + "?" }},
		{e.newScore("“title”: among 20", "99 %"), func(b *model.Book) string { return "“" + b.Title + "”" }},
		{e.newScore("title with ’: among 20", "99 %"), func(b *model.Book) string { return strings.ReplaceAll(b.Title, "'", "’") }},
		{e.newScore("title by author: among 20", "99 %"), func(b *model.Book) string {
			if b.Author == "" {
				return ""
			}
			return b.Title + " by " + b.Authors()[0]
		}},
	}
	for i := 0; i < len(e.ids); i += titleEvery * e.every {
		b := e.books[e.ids[i]]
		books, result, err := e.search(ctx, b.Title, 20)
		if err != nil {
			return err
		}
		e.add(plain, place(books, titled(b.Title)) == 1, b.Title, books, result)
		for _, form := range forms {
			query := form.query(b)
			if query == "" {
				continue
			}
			if books, result, err = e.search(ctx, query, 20); err != nil {
				return err
			}
			e.add(form.score, place(books, titled(b.Title)) > 0, query, books, result)
		}
	}
	return nil
}

func (e *eval) typos(ctx context.Context) error {
	rows, err := e.rows("typo_queries.csv")
	if err != nil {
		return err
	}
	ten, first, mrr := e.newScore("misspelt title: among 10", "99 %"), e.newScore("misspelt title: first", "96.5 %"), e.newScore("misspelt title: MRR@10", "0.975")
	mrr.percent = false
	for _, row := range rows {
		books, result, err := e.search(ctx, row["query"], 10)
		if err != nil {
			return err
		}
		at := place(books, e.expected(row))
		e.add(ten, at > 0, row["query"], books, result)
		e.add(first, at == 1, row["query"], books, result)
		mrr.n++
		if at > 0 {
			mrr.reached += 1 / float64(at)
		}
	}
	return nil
}

// expected returns a function that recognises the book that a misspelt title must find, or
// another one with its title.
func (e *eval) expected(row map[string]string) func(*model.Book) bool {
	title := row["expected_title"]
	for _, c := range catalogues {
		id, err := strconv.ParseUint(row["expected_id"], 10, 32)
		if b := e.books[c.first+uint(id)]; err == nil && strings.HasPrefix(row["dataset"], c.name) && b != nil {
			title = b.Title
		}
	}
	return titled(title)
}

// invertedNames compares "Surname, First" with "First Surname".
func (e *eval) invertedNames(ctx context.Context) error {
	same := e.newScore("“Surname, First” finds what “First Surname” finds", "99 %")
	rows, err := e.rows("author_alias_queries.csv")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, row := range rows {
		inverted := row["canonical_author"]
		surname, given, ok := strings.Cut(inverted, ", ")
		if !ok || seen[inverted] || strings.Contains(given, ",") {
			continue
		}
		seen[inverted] = true
		found, result, err := e.search(ctx, inverted, 100)
		if err != nil {
			return err
		}
		other, otherResult, err := e.search(ctx, given+" "+surname, 100)
		if err != nil {
			return err
		}
		e.add(same, result.Total > 0 && result.Total == otherResult.Total && slices.Equal(sorted(found), sorted(other)), inverted, found, result)
	}
	return nil
}

func sorted(books []*model.Book) []uint {
	ids := make([]uint, len(books))
	for i, b := range books {
		ids[i] = b.ID
	}
	slices.Sort(ids)
	return ids
}

func (e *eval) aliases(ctx context.Context) error {
	rows, err := e.rows("author_alias_queries.csv")
	if err != nil {
		return err
	}
	found := e.newScore("other name of an author: among 10", "99 %")
	for _, row := range rows {
		books, result, err := e.search(ctx, row["query"], 10)
		if err != nil {
			return err
		}
		author := words(row["canonical_author"])
		e.add(found, place(books, func(b *model.Book) bool { return contains(words(b.Author), author) }) > 0, row["query"], books, result)
	}
	return nil
}

// words returns the folded words of a text.
func words(text string) []string {
	return strings.FieldsFunc(model.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(word string) bool { return !slices.Contains(all, word) })
}

// wordsOf returns the words of a book that a search may find.
func wordsOf(b *model.Book) []string {
	return words(strings.Join(slices.Concat([]string{b.Title, b.Author, b.Series, b.Publisher, b.Description}, b.Subjects, b.AuthorAliases), " "))
}

// spellingsOf returns the words of a book, also as one word where apostrophes or hyphens are.
func spellingsOf(b *model.Book) []string {
	joined := *b
	joined.Title = strings.NewReplacer("'", "", "’", "", "-", "", "æ", "ae").Replace(b.Title)
	return slices.Concat(wordsOf(b), wordsOf(&joined))
}

// rareIn is the number of books that a rare word is in, at most.
const rareIn = 3

// rare returns the words of titles that few books have.
func (e *eval) rare() map[string]bool {
	counts := map[string]int{}
	for _, b := range e.books {
		all := wordsOf(b)
		slices.Sort(all)
		for _, word := range slices.Compact(all) {
			counts[word]++
		}
	}
	rare := map[string]bool{}
	for _, b := range e.books {
		for _, word := range words(b.Title) {
			if counts[word] <= rareIn && len(word) > 3 && !strings.ContainsFunc(word, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsDigit(r) }) {
				rare[word] = true
			}
		}
	}
	return rare
}

// rareQueries is the number of rare words that are searched.
const rareQueries = 1000

func (e *eval) rareWords(ctx context.Context) error {
	right := e.newScore("rare word: a book that has it is first", "100 %")
	all := e.rare()
	list := make([]string, 0, len(all))
	for word := range all {
		list = append(list, word)
	}
	slices.Sort(list)
	for i := 0; i < len(list); i += e.every * max(1, len(list)/rareQueries) {
		books, result, err := e.search(ctx, list[i], 10)
		if err != nil {
			return err
		}
		e.add(right, len(books) > 0 && slices.Contains(spellingsOf(books[0]), list[i]), list[i], books, result)
	}
	return nil
}

// rareBesideTypos searches a rare word of a title together with another one that is misspelt.
func (e *eval) rareBesideTypos(ctx context.Context) error {
	first, ten := e.newScore("rare word beside a misspelt one: a wrong book first", "0.1 %"), e.newScore("rare word beside a misspelt one: a wrong book among 10", "9 %")
	first.bad, ten.bad = true, true
	rows, err := e.rows("typo_queries.csv")
	if err != nil {
		return err
	}
	rare := e.rare()
	for _, row := range rows {
		all := words(row["expected_title"])
		i := slices.IndexFunc(all, func(word string) bool { return rare[word] && word != model.Fold(row["correct_word"]) })
		if i < 0 {
			continue
		}
		query := all[i] + " " + row["misspelt_word"]
		books, result, err := e.search(ctx, query, 10)
		if err != nil {
			return err
		}
		wrong := func(b *model.Book) bool { return !slices.Contains(wordsOf(b), all[i]) }
		e.add(first, place(books, wrong) == 1, query, books, result)
		e.add(ten, place(books, wrong) > 0, query, books, result)
	}
	return nil
}
