package bleve

import (
	"slices"
	"strings"

	"literank.com/event-books/infrastructure/index/text"
)

// byWords stand between a title and its author.
var byWords = []string{"by", "von", "par", "por", "di", "door", "av", "af"}

// askingWords make a query a question for books. They and emptyWords say nothing about the
// books. They are left out only if nothing is found with them.
var (
	askingWords = wordSet(`book books novel novels stories wrote written who what which when where how why buch bücher romane
		wer was wann wo livre livres romans qui quand où libro libros novelas libri romanzi boek boeken wie книга книги кто когда где`)
	emptyWords = wordSet(`about on of the a an in for by with to is are was were did does do there any some good best find me i want
		read something über vom von den der die das ein eine ist war sur les des le la un une est sobre los las el over het een о об про`)
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[text.Query(word)[0].Terms[0]] = true
	}
	return set
}

// rephrased returns other plans for what was typed, the likeliest first: a title by an
// author, and the content of a question.
func (p *plan) rephrased() []*plan {
	var plans []*plan
	if len(p.conditions) > 0 {
		return nil
	}
	for i := len(p.words) - 2; i > 0; i-- {
		if slices.Contains(byWords, p.words[i].Terms[0]) {
			if title := content(p.words[:i]); len(title) > 0 {
				plans = append(plans, p.titleBy(p.words[:i], p.words[i+1:]))
			} else { // books by an author
				plans = append(plans, p.titleBy(nil, p.words[i+1:]))
			}
			break
		}
	}
	asks := slices.ContainsFunc(p.words, func(w word) bool { return askingWords[w.Terms[0]] })
	if words := content(p.words); asks && len(words) > 0 {
		plans = append(plans, p.with(words))
	}
	return plans
}

// content returns the words that say something about books.
func content(words []word) []word {
	return slices.DeleteFunc(slices.Clone(words), func(w word) bool { return askingWords[w.Terms[0]] || emptyWords[w.Terms[0]] })
}

// titleBy returns the plan for some words as a title and others as its author.
func (p *plan) titleBy(title, author []word) *plan {
	titled := p.with(title)
	by := titled.with(slices.Concat(title, author))
	by.key, by.exact = titled.key, titled.exact
	by.conditions = []condition{{field: authorField}}
	for _, w := range author {
		by.conditions[0].words = append(by.conditions[0].words, w.Token)
	}
	return by
}
