package database

import (
	"context"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"literank.com/event-books/domain/model"
)

// SearchBooks scans search_text. Our code folds both sides and the database
// compares bytes, so every database returns the same books.
func (db *DB) SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error) {
	if err := db.usable(); err != nil {
		return nil, err
	}
	result := &model.SearchResult{Served: s.Keyword.Served()}
	words, _ := s.Keyword.Words()
	if s.Keyword != "" && len(words) == 0 {
		return result, nil
	}
	query := db.filter(db.searches.WithContext(ctx).Model(&bookRow{}), words, s.Filters).Session(&gorm.Session{})
	counted := !s.WithoutTotal && db.dialect.countsInScan()
	var found []foundRow
	columns := "id"
	if counted {
		columns += ", COUNT(*) OVER () AS total"
	}
	if err := db.order(query.Select(columns), words, s.Sort).Offset(s.Offset).Limit(s.Limit).Find(&found).Error; err != nil {
		return nil, db.searchFailed(ctx, "search books", err)
	}
	for _, row := range found {
		result.IDs = append(result.IDs, row.ID)
	}
	if ctx.Err() != nil { // the rows may be only some of those that match
		return nil, db.searchFailed(ctx, "search books", nil)
	}
	db.answers()
	if counted && len(found) > 0 {
		result.Total = found[0].Total
		return result, nil
	}
	// A page that isn't full is the last one. Then the total is known without
	// counting.
	if n := len(result.IDs); s.WithoutTotal || n < s.Limit && (n > 0 || s.Offset == 0) {
		result.Total = s.Offset + n
		return result, nil
	}
	var total int64
	if err := query.Count(&total).Error; err != nil {
		return nil, db.searchFailed(ctx, "count books", err)
	}
	if ctx.Err() != nil {
		return nil, db.searchFailed(ctx, "count books", nil)
	}
	result.Total = int(total)
	return result, nil
}

// foundRow is a book of a page. Total counts the books of all pages, if the query asks for it.
type foundRow struct {
	ID    uint
	Total int
}

// searchFailed returns the context's error for a search that was stopped: the database's
// error says less.
func (db *DB) searchFailed(ctx context.Context, operation string, err error) error {
	if stopped := ctx.Err(); stopped != nil {
		err = stopped
	}
	return db.failed(operation, err)
}

func (db *DB) filter(query *gorm.DB, words []string, f model.Filters) *gorm.DB {
	for _, word := range words {
		query = query.Where(db.dialect.contains("search_text"), word)
	}
	if f.Author != "" {
		query = query.Where(db.dialect.contains("authors_folded"), "\n"+model.Fold(f.Author)+"\n")
	}
	if f.Subject != "" {
		query = query.Where(db.dialect.contains("subjects_folded"), "\n"+model.Fold(f.Subject)+"\n")
	}
	if f.Language != "" {
		query = query.Where("(language = ? OR language LIKE ? ESCAPE '!')", f.Language, escape(f.Language)+"-%")
	}
	if f.Decade != nil {
		query = query.Where("year BETWEEN ? AND ?", *f.Decade, *f.Decade+9)
	}
	if f.Available != nil {
		const inStock = "COALESCE(availability, '') = 'in_stock' OR COALESCE(availability, '') = '' AND COALESCE(stock, 0) > 0"
		if *f.Available {
			query = query.Where("(" + inStock + ")")
		} else {
			query = query.Where("NOT (" + inStock + ")")
		}
	}
	return query
}

func (db *DB) order(query *gorm.DB, words []string, sort model.Sort) *gorm.DB {
	switch sort {
	case model.ByTitle:
		query = query.Order("title_folded")
	case model.ByNewest:
		query = query.Order("year IS NULL, year DESC")
	case model.ByOldest:
		query = query.Order("year IS NULL, year")
	default:
		if len(words) == 0 {
			break
		}
		inTitle := make([]string, len(words))
		vars := make([]any, len(words))
		for i, word := range words {
			inTitle[i], vars[i] = db.dialect.contains("title_folded"), word
		}
		query = query.Order(clause.OrderBy{Expression: clause.Expr{
			SQL:  "CASE WHEN " + strings.Join(inTitle, " AND ") + " THEN 0 ELSE 1 END, id",
			Vars: vars,
		}})
		return query
	}
	return query.Order("id")
}

var escaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func escape(text string) string { return escaper.Replace(text) }
