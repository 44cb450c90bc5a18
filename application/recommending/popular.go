package recommending

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
)

const (
	// maxPopular is how many of the books that are opened most are looked at.
	maxPopular = 300
	// popularAge is how long a list of popular books is used, and maxLanguages how many are kept.
	popularAge   = 10 * time.Second
	maxLanguages = 200
	// popularListed is how many well-known books are looked for.
	popularListed = 100
)

// popularBooks keeps lists of popular books by language. The zero value has none.
type popularBooks struct {
	mu    sync.Mutex
	lists map[string]popularList
}

// popularList has the books that visitors open most, then those that the catalogue knows as popular.
type popularList struct {
	opened, wellKnown []*model.Book
	made              time.Time
}

// complete adds popular books until a list is full: first those in the language, which is a BCP 47
// tag or "".
func (r *Recommender) complete(ctx context.Context, l *list, seen map[uint]bool, language string) error {
	language, _, _ = strings.Cut(language, "-")
	if language != "" {
		if err := r.addPopular(ctx, l, seen, language, model.PopularInLanguage, model.WellKnownInLanguage); err != nil {
			return err
		}
	}
	return r.addPopular(ctx, l, seen, "", model.Popular, model.WellKnown)
}

func (r *Recommender) addPopular(ctx context.Context, l *list, seen map[uint]bool, language string, opened, wellKnown model.Reason) error {
	if l.full() {
		return nil
	}
	popular, err := r.popularIn(ctx, language)
	if err != nil {
		return err
	}
	for i, b := range slices.Concat(popular.opened, popular.wellKnown) {
		reason := opened
		if i >= len(popular.opened) {
			reason = wellKnown
		}
		if !seen[b.ID] {
			l.add(b, model.Recommendation{Reason: reason})
		}
	}
	return nil
}

// popularIn returns popular books in a language, or in any.
func (r *Recommender) popularIn(ctx context.Context, language string) (popularList, error) {
	r.popular.mu.Lock()
	known, ok := r.popular.lists[language]
	r.popular.mu.Unlock()
	if ok && r.now().Sub(known.made) < popularAge {
		return known, nil
	}
	made, err := r.readPopular(ctx, language)
	if err != nil {
		return popularList{}, err
	}
	r.popular.mu.Lock()
	defer r.popular.mu.Unlock()
	if len(r.popular.lists) >= maxLanguages || r.popular.lists == nil {
		r.popular.lists = map[string]popularList{}
	}
	r.popular.lists[language] = made
	return made, nil
}

func (r *Recommender) readPopular(ctx context.Context, language string) (made popularList, err error) {
	ids, err := r.interests.MostOpened(ctx, interest.Crowd, maxPopular)
	if err != nil {
		return made, err
	}
	opened, err := r.books.GetBooks(ctx, ids)
	if err != nil {
		return made, err
	}
	for _, b := range opened {
		if of, _, _ := strings.Cut(b.Language, "-"); language == "" || of == language {
			made.opened = append(made.opened, b)
		}
	}
	made.wellKnown, _ = r.contents.search(ctx, model.Search{Filters: model.Filters{Language: language}, Limit: popularListed})
	made.made = r.now()
	return made, nil
}
