package main

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"literank.com/event-books/domain/model"
)

// suggested is the number of suggestions that are looked at.
const suggested = 8

// suggestions types the first half of titles.
func (e *eval) suggestions(ctx context.Context) error {
	all, han := e.newScore("first half of a title: among 8 suggestions", "93 %"), e.newScore("the same, Han titles", "99 %")
	for i, id := range e.ids {
		title := e.books[id].Title
		score := all
		if isHan(title) {
			score = han
		} else if i%(titleEvery*e.every) != 0 {
			continue
		}
		typed := firstHalf(title)
		keyword, err := model.ParseKeyword(typed)
		if err != nil || keyword == "" {
			continue
		}
		found, err := e.index.Suggest(ctx, keyword, suggested)
		if err != nil {
			return fmt.Errorf("%q: %w", typed, err)
		}
		folded, ok := model.Fold(title), false
		for _, s := range found {
			ok = ok || model.Fold(s.Text) == folded
		}
		e.addSuggestions(score, ok, typed, title, found)
	}
	return nil
}

// firstHalf returns the first half of a title, two letters at least.
func firstHalf(title string) string {
	letters := []rune(strings.TrimSpace(title))
	return strings.TrimSpace(string(letters[:min(len(letters), max(2, (len(letters)+1)/2))]))
}

// isHan reports whether a title is written in Chinese characters.
func isHan(title string) bool {
	han := 0
	for _, r := range title {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.IsLetter(r):
			return false
		}
	}
	return han > 0
}

// addSuggestions counts a prefix, and prints it if it failed and few have been printed.
func (e *eval) addSuggestions(s *score, ok bool, typed, title string, found []model.Suggestion) {
	s.n++
	if ok {
		s.reached++
		return
	}
	if s.shown++; s.shown > e.show {
		return
	}
	fmt.Printf("%s: %q lacks %q:", s.name, typed, title)
	for _, f := range found {
		fmt.Printf(" %q", f.Text)
	}
	fmt.Println()
}
