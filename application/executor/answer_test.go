package executor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

func TestPages(t *testing.T) {
	for name, c := range map[string]struct {
		keyword              model.Keyword
		offset, limit, total int
		want                 string
	}{
		"nothing":                      {"", 0, 20, 0, ""},
		"one page":                     {"", 0, 20, 20, "[1]"},
		"two pages":                    {"", 0, 20, 21, "[1] 2"},
		"few":                          {"", 40, 20, 100, "1 2 [3] 4 5"},
		"first of many":                {"", 0, 20, 400, "[1] 2 3 … 20"},
		"in the middle":                {"", 100, 20, 400, "1 … 4 5 [6] 7 8 … 20"},
		"one left out before":          {"", 80, 20, 400, "1 2 3 4 [5] 6 7 … 20"},
		"none left out before":         {"", 60, 20, 400, "1 2 3 [4] 5 6 … 20"},
		"one left out behind":          {"", 300, 20, 400, "1 … 14 15 [16] 17 18 19 20"},
		"two left out behind":          {"", 280, 20, 400, "1 … 13 14 [15] 16 17 … 20"},
		"last":                         {"", 380, 20, 400, "1 … 18 19 [20]"},
		"last is not full":             {"", 380, 20, 381, "1 … 18 19 [20]"},
		"between two pages":            {"", 50, 20, 400, "1 2 3 4 5 … 20"},
		"behind the end":               {"", 900, 20, 400, "1 … 18 19 20"},
		"plain list has no bound":      {"", 0, 20, 78_765, "[1] 2 3 … 3939"},
		"results have":                 {"e", 0, 20, 78_765, "[1] 2 3 … 500"},
		"limit that doesn't divide it": {"e", 0, 30, 78_765, "[1] 2 3 … 333"},
		"single books":                 {"e", 9_999, 1, 78_765, "1 … 9998 9999 [10000]"},
	} {
		answer := &executor.Answer{
			Search:       model.Search{Keyword: c.keyword, Offset: c.offset, Limit: c.limit},
			SearchResult: model.SearchResult{Total: c.total},
		}
		var list []string
		last := 0
		for _, page := range answer.Pages() {
			if page.Number > last+1 {
				list = append(list, "…")
			}
			last = page.Number
			text := fmt.Sprint(page.Number)
			if page.Current {
				text = "[" + text + "]"
			}
			list = append(list, text)
			assert.False(t, page.Search.TooDeep(), name)
			assert.Equal(t, (page.Number-1)*c.limit, page.Search.Offset, name)
			assert.Equal(t, c.keyword, page.Search.Keyword, name)
		}
		assert.Equal(t, c.want, strings.Join(list, " "), name)
	}
}

func TestUnreachable(t *testing.T) {
	for _, c := range []struct {
		keyword            model.Keyword
		limit, total, want int
	}{{"", 20, 78_765, 0}, {"e", 20, 10_000, 0}, {"e", 20, 10_001, 1}, {"e", 30, 10_000, 10}, {"e", 100, 78_765, 68_765}, {"e", 20, 3, 0}} {
		answer := &executor.Answer{
			Search:       model.Search{Keyword: c.keyword, Limit: c.limit},
			SearchResult: model.SearchResult{Total: c.total},
		}
		assert.Equal(t, c.want, answer.Unreachable(), c)
	}
}
