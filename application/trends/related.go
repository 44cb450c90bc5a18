package trends

import (
	"cmp"
	"maps"
	"slices"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// enoughCommon is how many of their first books two searches must have in common to be related. One
// is enough if a search has no other.
const enoughCommon = 2

// Related returns up to n public keywords that find the same books as a search, those with the most
// in common first: of the first trend.MaxBooks books that each found. The search itself isn't one of
// them. There are none before the first Refresh.
func (b *Board) Related(query string, books []uint, n int) (related []Entry) {
	lists := b.lists.Load()
	if lists == nil {
		return nil
	}
	books = books[:min(len(books), trend.MaxBooks)]
	common, known := map[string]int{}, map[string]Entry{}
	for _, entries := range *lists {
		for _, e := range entries {
			same := 0
			for _, book := range e.Books {
				if slices.Contains(books, book) {
					same++
				}
			}
			if same == 0 || same < min(enoughCommon, len(books), len(e.Books)) {
				continue
			}
			folded := model.Fold(e.Query)
			if folded == model.Fold(query) {
				continue
			}
			if known[folded].Searches <= e.Searches { // of the longest window
				known[folded] = e
			}
			common[folded] = same
		}
	}
	related = slices.SortedFunc(maps.Values(known), func(x, y Entry) int {
		return cmp.Or(cmp.Compare(common[model.Fold(y.Query)], common[model.Fold(x.Query)]), cmp.Compare(y.Searches, x.Searches), cmp.Compare(x.Query, y.Query))
	})
	return related[:min(len(related), n)]
}
