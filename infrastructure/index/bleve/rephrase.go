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
	askingWords = wordSet(`book books novel novels stories wrote written buch bücher romane livre livres romans libro libros
		novelas libri romanzi boek boeken книга книги`)
	emptyWords = wordSet(`about on of the a an in for by with to what which who is are there any some good best find me i want
		read something über vom von den der die das ein eine sur les des le la un une sobre los las el over het een о об про`)
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
			plans = append(plans, p.titleBy(i))
			break
		}
	}
	asks := slices.ContainsFunc(p.words, func(w word) bool { return askingWords[w.Terms[0]] })
	content := slices.DeleteFunc(slices.Clone(p.words), func(w word) bool { return askingWords[w.Terms[0]] || emptyWords[w.Terms[0]] })
	if asks && len(content) > 0 {
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
