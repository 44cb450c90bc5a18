package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/mq"
)

func TestEventsExportFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	for command, want := range map[string]string{
		"events export":                                    "missing flags: --as=KIND",
		"events export --as books":                         `--as must be one of "searches","impressions","clicks","ubi","judgements" but got "books"`,
		"events export --as clicks --from=-1h":             `--from: "-1h" is a time ahead`,
		"events export --as clicks --since soon":           `--from: "soon" must be beginning, a duration before now`,
		"events export --as clicks --to soon":              `--to: "soon" must be now, a duration before now`,
		"events export --as clicks --from 1d --to 2d":      `--to: "2d" must be later than --from`,
		"events export --as clicks --format xml":           `--format must be one of "jsonl","csv","" but got "xml"`,
		"events export --as ubi --format csv":              "--format: ubi is JSON Lines only, because queries and events have different fields",
		"events export --as ubi --output a.CSV.gz":         "--format: ubi is JSON Lines only",
		"events export --as judgements --min-shown 0":      "--min-shown: must be at least 1, not 0",
		"events export --as searches --surface everywhere": `--surface must be one of "page","api","demo",""`,
	} {
		status, out, errs := run(t, strings.Fields(command)...)
		assert.Equal(t, 2, status, command)
		assert.Contains(t, errs, "event-books: "+want, command)
		assert.Empty(t, out, command)
	}
	status, _, errs := run(t, "events", "export", "--as", "clicks")
	assert.Equal(t, 1, status)
	assert.Contains(t, errs, "events export: ")
	assert.Contains(t, errs, "127.0.0.1:9092", "it names the broker that doesn't answer")
}

func TestToldOfAnExport(t *testing.T) {
	begin := time.Date(2026, 7, 1, 12, 0, 0, 0, time.Local)
	for want, result := range map[string]application.ExportedEvents{
		"3 rows exported": {Rows: 3},
		"0 rows exported; left out: 1 repeated, 2 of visitors who asked to be forgotten, 3 unreadable":          {Copies: 1, Erased: 2, Unreadable: 3},
		"3 rows exported\nEvents before 2026-07-01 12:00:00 may be missing: a topic no longer has all of them.": {Rows: 3, Trimmed: mq.Trimmed{Partitions: 1, Begin: begin}},
		"0 rows exported; left out: 3 unreadable\nEvents may be missing: a topic no longer has all of them.":    {Unreadable: 3, Trimmed: mq.Trimmed{Partitions: 2}},
	} {
		assert.Equal(t, want, told(&result))
	}
}
