package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

func TestImportProgressInLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		read := int64(0)
		p := newImportProgress(&out, false, func() (int64, int64) { return read, 200 })
		p.Progress(1000) // too early
		time.Sleep(linesBetween)
		p.Progress(999) // too few
		read = 50
		p.Progress(1500)
		p.Progress(2600) // too early again
		p.Rejected(&model.RowError{Line: 7, Detail: "the row has 2 cells, the header 3"})
		p.Waiting(errors.New("connection refused"))
		for n := range 5 {
			p.Note(n+1, "isbn dropped: x")
		}
		p.Note(9, "price dropped: y")
		p.Finish(importing.Summary{
			ImportCounts: model.ImportCounts{Rows: 10, Created: 4, Updated: 3, Unchanged: 2, Rejected: 1},
			Elapsed:      2500 * time.Millisecond,
			Format:       "CSV, gzip",
			Used:         []gateway.Column{{Name: "Titel", Field: "title"}, {Name: "isbn", Field: "isbn"}},
			Ignored:      []string{"rating"},
		})
		assert.Equal(t, `1500 rows, 25 % of the file, 300 rows/s
line 7 rejected: the row has 2 cells, the header 3
the catalogue does not answer, retrying: connection refused
line 1: isbn dropped: x
line 2: isbn dropped: x
line 3: isbn dropped: x
line 9: price dropped: y
isbn dropped: on 2 more lines, 5 in all
format:    CSV, gzip
used:      Titel → title, isbn
ignored:   rating
rows:      10
created:   4
updated:   3
unchanged: 2
rejected:  1
seconds:   2.5 (4 rows/s)
`, out.String())
	})
}

func TestImportProgressOnATerminal(t *testing.T) {
	for name, size := range map[string]int64{"known size": 4000, "unknown size": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				read := int64(0)
				p := newImportProgress(&out, true, func() (int64, int64) { return read, size })
				for rows := 100; rows <= 1000; rows += 100 {
					time.Sleep(time.Second)
					read += 400
					p.Progress(rows)
				}
				assert.Contains(t, out.String(), "500 rows")
				if size > 0 {
					assert.Contains(t, out.String(), "50%")
					assert.Contains(t, out.String(), "500 rows, 100 rows/s, 5s left")
				} else {
					assert.Contains(t, out.String(), "500 rows, 100 rows/s")
				}
				out.Reset()
				p.Rejected(&model.RowError{Line: 3, Detail: "evil \x1b]0;title\x07 \u202e"})
				assert.True(t, strings.HasSuffix(out.String(), "\rline 3 rejected: evil \\x1b]0;title\\a \\u202e\n"), "%q", out.String())
				p.Progress(1000)
				p.Finish(importing.Summary{ImportCounts: model.ImportCounts{Rows: 1000}, Format: "CSV"})
				assert.Contains(t, out.String(), "\rformat:    CSV\nused:      none\n")
			})
		})
	}
}
