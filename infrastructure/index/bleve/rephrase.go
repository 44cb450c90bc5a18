package bleve

import (
	"slices"
	"strings"

	"literank.com/event-books/infrastructure/index/text"
)

// byWords stand between a title and its author.
var byWords = []string{"by", "von", "par", "por", "di", "door", "av", "af"}

// askWords are words of questions for books. They say nothing about the books. They are left
// out only if nothing is found with them.
var askWords = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`
		book books novel novels stories about on of the a an in for by with what which who wrote is are there any some good best find me i want to read something
		buch bücher romane über vom von den der die das ein eine
		livre livres romans sur les des le la un une
		libro libros novelas sobre los las el libri romanzi
		boek boeken over het een книга книги о об про`) {
		words[text.Query(word)[0].Terms[0]] = true
	}
	return words
}()

// rephrased returns other plans for what was typed, the likeliest first: a title by an
// author, and the content of a question.
func (p *plan) rephrased() []*plan {
	var plans []*plan
	if len(p.conditions) > 0 {
		return nil
	}
	for i := len(p.words) - 2; i > 0; i-- {
		if slices.Contains(byWords, p.words[i].Terms[0]) {
			plans = append(plans, p.titleBy(i))
			break
		}
	}
	content := slices.DeleteFunc(slices.Clone(p.words), func(w word) bool { return askWords[w.Terms[0]] })
	if len(content) > 0 && len(content) < len(p.words) {
		plans = append(plans, p.with(content))
	}
	return plans
}

// titleBy returns the plan for the words before the i-th as a title and those after it as an
// author.
func (p *plan) titleBy(i int) *plan {
	title, author := p.words[:i], p.words[i+1:]
	titled := p.with(title)
	by := titled.with(slices.Concat(title, author))
	by.key, by.exact = titled.key, titled.exact
	by.conditions = []condition{{field: authorField}}
	for _, w := range author {
		by.conditions[0].words = append(by.conditions[0].words, w.Token)
	}
	return by
}
