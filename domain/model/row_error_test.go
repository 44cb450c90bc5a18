package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReasonsOfRejectedRows(t *testing.T) {
	for want, e := range map[string]RowError{
		"lines 2 and 4 have the same ISBN 9780306406157":                  {Code: RowSameISBN, OtherLine: 2, Value: "9780306406157"},
		`lines 2 and 4 have the same id "a \"b\""`:                        {Code: RowSameID, OtherLine: 2, Value: `a "b"`},
		`another row has the same id "7"`:                                 {Code: RowSameID, Value: "7"},
		"the row is the same book as line 3":                              {Code: RowSameBook, OtherLine: 3},
		"the ISBN 9780306406157 belongs to another book of the catalogue": {Code: RowISBNTaken, Value: "9780306406157"},
		"the book has no title":                                           {Code: RowNoTitle},
		"the row has 2 cells, the header 3":                               {Code: RowMalformed, Detail: "the row has 2 cells, the header 3"},
		"in other words":                                                  {Code: RowSameID, Value: "7", Detail: "in other words"},
		"too_long":                                                        {Code: RowTooLong},
	} {
		e.Line = 4
		assert.Equal(t, want, e.Reason())
		assert.EqualError(t, &e, "line 4: "+want)
	}
}
