package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application"
)

// run runs a command in the working directory.
func run(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr strings.Builder
	err := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, application.Parts{})
	status = Exit(err, &stderr)
	return status, stdout.String(), stderr.String()
}

func TestUsageErrorsSayWhatIsWrong(t *testing.T) {
	t.Chdir(t.TempDir())
	for command, want := range map[string]string{
		"bogus":                         `there is no command "bogus"; use one of all, web, trends, interests, echo, broker, import,`,
		"improt books.csv":              `there is no command "improt"`,
		"--config x.yml bogus":          `there is no command "bogus"`,
		"events bogus":                  `there is no command "events bogus"; use one of tail, top`,
		"spool bogus":                   `there is no command "spool bogus"; use one of status, drain`,
		"health extra":                  "unexpected argument extra",
		"--config":                      "--config needs a value",
		"-c":                            "-c needs a value",
		"events top --since":            "--since needs a value",
		"events top --since -1h":        "--since needs a value; if -1h is one, write --since=-1h",
		"events top --since=-1h":        `--since: "-1h" is a time ahead: write 1h for that long ago`,
		"events top --since 2999-01-01": `--since: "2999-01-01" is a time ahead: it is now `,
		"events top --since bogus":      `--since: "bogus" must be a duration before now such as 30m, 24h or 7d, or a time such as 2006-01-02,`,
		"events top --limit 0":          "--limit: must be at least 1, not 0",
		"events tail --from=-1h":        `--from: "-1h" is a time ahead`,
		"events tail --from 2999-01-01": `--from: "2999-01-01" is a time ahead`,
		"events tail --from bogus":      `--from: "bogus" must be beginning, end, a duration before now such as`,
	} {
		status, out, errs := run(t, strings.Fields(command)...)
		assert.Equal(t, 2, status, command)
		assert.Contains(t, errs, "event-books: "+want, command)
		assert.Empty(t, out, command)
	}
}

// Commands that only read make no shop by accident, and the log doesn't get into what they print.
func TestCommandsInAFolderWithoutAShop(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("books.csv", []byte("title,author\nA,B\n,C\n"), 0o600))
	for _, c := range []struct {
		command string
		status  int
		want    string
	}{
		{"export", 1, "there is no shop yet in the folder data (app.data_dir)"},
		{"export all.csv", 1, "there is no shop yet in the folder data (app.data_dir)"},
		{"import --dry-run books.csv", 0, "There is no shop yet in the folder data (app.data_dir): this shows an import into an empty one.\nline 3 rejected"},
		{"import missing.csv lost.csv", 1, "missing.csv: no such file or directory\nlost.csv: no such file or directory"},
		{"spool status", 2, "there is no spool in data/spool"},
		{"spool drain", 2, "there is no spool in data/spool"},
		{"spool status --dir books.csv", 2, "books.csv is no folder"},
		{"config check", 0, ""},
	} {
		status, _, errs := run(t, strings.Fields(c.command)...)
		assert.Equal(t, c.status, status, "%s: %s", c.command, errs)
		assert.Contains(t, errs, c.want, c.command)
		files, err := os.ReadDir(".")
		require.NoError(t, err)
		require.Len(t, files, 1, "%s made %v", c.command, files)
	}

	status, out, errs := run(t, "import", "missing.csv", "books.csv")
	assert.Equal(t, 1, status)
	assert.Empty(t, out)
	assert.Contains(t, errs, "created:   1\n")
	assert.NotContains(t, errs, "database migrated")
	status, out, errs = run(t, "export")
	assert.Equal(t, 0, status)
	assert.Equal(t, 1, strings.Count(out, "\n"))
	assert.Equal(t, "1 books exported\n", errs)

	t.Setenv("EVENT_BOOKS_DB_DSN", "user:pass@tcp(127.0.0.1:1)/shop")
	for _, command := range []string{"export", "import books.csv"} {
		status, _, errs = run(t, strings.Fields(command)...)
		assert.Equal(t, 1, status)
		assert.Regexp(t, `^event-books: the catalogue does not answer at the moment: .*\n$`, errs, "told once")
	}
	t.Setenv("EVENT_BOOKS_DB_DSN", "")

	t.Setenv("EVENT_BOOKS_APP_LOG_LEVEL", "debug")
	t.Setenv("EVENT_BOOKS_APP_DATA_DIR", "other")
	_, _, errs = run(t, "import", "books.csv")
	assert.Contains(t, errs, `level=INFO msg="database migrated"`)
	require.NoError(t, os.Remove("other/books.db"))
	status, _, errs = run(t, "export")
	assert.Equal(t, 1, status)
	assert.Contains(t, errs, "the catalogue is lost")
}
