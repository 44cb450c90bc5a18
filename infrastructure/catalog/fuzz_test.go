package catalog

import (
	"bytes"
	"testing"

	"literank.com/event-books/domain/gateway"
)

// fuzzFile reads any bytes as a file that begins with head. readAll checks that
// rows are valid and that lines increase.
func fuzzFile(t *testing.T, head string, data []byte) {
	f, err := Open("-", gateway.FileOptions{Encoding: "utf-8", Source: "fuzz", Stdin: bytes.NewReader(append([]byte(head), data...))})
	if err != nil {
		t.Fatal(err)
	}
	all, err := readAll(t, f)
	if err != nil {
		t.Errorf("the rest isn't read: %v", err)
	}
	if lines := bytes.Count(data, []byte("\n")) + 1; all.rows+all.rejected > lines+1 {
		t.Errorf("%d rows of %d lines", all.rows+all.rejected, lines)
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"Emma,Jane Austen,1815,0306406152,7,x;y,1.0\n",
		"\"Em\"\"ma\",\"a\nb\",,,,,\r\n\r\n",
		"\"Emma\nIda,,,,,,\n\"x\"y\n", "\x00\xff\",\"", ",,,,,,,,,\n", "a\",b\"c,\"\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzFile(t, "title,author,year,isbn,id,tags,stock\n", data)
	})
}

func FuzzJSONLines(f *testing.F) {
	for _, s := range []string{
		`{"title": "Emma", "authors": ["Austen, Jane", {"name": "x", "aliases": ["y, z", null, 1]}], "year": -44.0, "id": 7, "ratings": 1e9}`,
		`{"name": "\ud83d\ude00", "languages": ["en"], "stock": 3, "price": 1e3}` + "\n[]\n{}",
		"{\"title\": \"\\u0000\xff\"", `{"description": "a\nb", "title": null, "url": "http://x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzFile(t, "{}\n", append(data, '\n')) // without it the last line could count as cut off
	})
}
