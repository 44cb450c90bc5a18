package catalog

import (
	"slices"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/notation"
)

const (
	// maxAliases is the largest number of author aliases of a book, maxAlias the length
	// of the longest one in code points.
	maxAliases = 50
	maxAlias   = 200
)

// authorAliases returns the aliases in their own column, or those beside the names of the
// authors.
func (b *builder) authorAliases() []string {
	if b.record.exported {
		aliases := b.exportedList(authorAliasesSlot)
		if bounded := b.boundAliases(slices.Clone(aliases)); len(bounded) < len(aliases) {
			b.dropped(model.AuthorAliasesField) // another program wrote them into the database
			return nil
		}
		return aliases
	}
	v := b.record.values[authorAliasesSlot]
	names := b.list(v)
	if len(names) == 0 {
		names = b.aliasesOfNames()
	}
	for i := range names {
		names[i] = b.clean(authorAliasesSlot, names[i])
		if !v.spoken {
			names[i] = notation.Alias(names[i])
		}
	}
	authors := b.row.Book.Authors()
	aliases := slices.DeleteFunc(b.distinct(authorAliasesSlot, names), func(name string) bool { return slices.Contains(authors, name) })
	return b.boundAliases(aliases)
}

// aliasesOfNames returns the aliases that JSON has beside the names of the authors. If it
// has some, even none for these authors, the row sets the field.
func (b *builder) aliasesOfNames() (names []string) {
	for _, s := range []slot{authorSlot, moreAuthorsSlot} {
		for _, raw := range b.record.values[s].asList().aliases {
			var v value
			if err := v.setJSON(authorAliasesSlot, raw); err != nil {
				b.note("author_aliases dropped: the key \"aliases\" %s", err)
				continue
			}
			b.row.Fields |= model.AuthorAliasesField
			names = append(names, b.list(v)...)
		}
	}
	return names
}

// boundAliases drops aliases that are too long or too many.
func (b *builder) boundAliases(aliases []string) []string {
	aliases = slices.DeleteFunc(aliases, func(alias string) bool {
		tooLong := utf8.RuneCountInString(alias) > maxAlias
		if tooLong {
			b.note("author_aliases dropped: %s is longer than %d characters", show(alias), maxAlias)
		}
		return tooLong
	})
	if len(aliases) > maxAliases {
		b.note("author_aliases cut: there were %d, more than %d", len(aliases), maxAliases)
		aliases = aliases[:maxAliases]
	}
	return aliases
}
