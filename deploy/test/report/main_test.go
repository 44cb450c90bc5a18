package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const passed = `{"Action":"run","Package":"p","Test":"TestA/Kafka"}
{"Action":"output","Package":"p","Test":"TestA/Kafka","Output":"=== RUN   TestA/Kafka\n"}
{"Action":"pass","Package":"p","Test":"TestA/Kafka"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`

const skipped = `{"Action":"output","Package":"p","Test":"TestB/MySQL","Output":"=== RUN   TestB/MySQL\n"}
{"Action":"output","Package":"p","Test":"TestB/MySQL","Output":"    b_test.go:1: TEST_MYSQL_DSN is not set\n"}
{"Action":"output","Package":"p","Test":"TestB/MySQL","Output":"--- SKIP: TestB/MySQL (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB/MySQL"}
`

func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		input, allow string
		well         bool
		want         []string
	}{
		"passed":              {passed, "", true, []string{"Kafka: 1 passed, 0 skipped", "1 passed, 0 failed, 0 skipped"}},
		"nothing ran":         {"", "", false, []string{"0 passed, 0 failed, 0 skipped"}},
		"any skip allowed":    {passed + skipped, "", true, []string{"skipped: p TestB/MySQL: b_test.go:1: TEST_MYSQL_DSN is not set", "1 passed, 0 failed, 1 skipped"}},
		"this skip allowed":   {passed + skipped, "TEST_MYSQL_DSN|x", true, []string{"MySQL: 0 passed, 1 skipped"}},
		"no skip allowed":     {passed + skipped, "^$", false, []string{"skipped, which is not allowed here: p TestB/MySQL"}},
		"failed":              {passed + `{"Action":"output","Package":"p","Test":"TestC","Output":"why\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestC"}`, "", false, []string{"FAIL p TestC\nwhy", "1 passed, 1 failed, 0 skipped"}},
		"broken off":          {passed + `{"Action":"run","Package":"p","Test":"TestD"}`, "", false, []string{"FAIL p TestD", "1 failed"}},
		"does not compile":    {passed + `{"Action":"output","Package":"q","Output":"undefined: x\n"}` + "\n" + `{"Action":"fail","Package":"q"}`, "", false, []string{"FAIL q\nundefined: x"}},
		"compiler's own text": {"# q\n" + passed, "", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := read(strings.NewReader(c.input))
			require.NoError(t, err)
			var printed strings.Builder
			assert.Equal(t, c.well, r.print(&printed, regexp.MustCompile(c.allow)), printed.String())
			for _, want := range c.want {
				assert.Contains(t, printed.String(), want)
			}
		})
	}
}
