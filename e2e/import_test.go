//go:build unix

package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// writeCatalogue writes a CSV file of n rows. Every hundredth row is bad.
func writeCatalogue(t *testing.T, path string, n int) {
	t.Helper()
	var text bytes.Buffer
	text.WriteString("id,title,author,year,description,ratings_count,author_aliases\n")
	for i := 1; i <= n; i++ {
		if i%100 == 0 {
			fmt.Fprintf(&text, "%d,,nobody,%d,,,\n", i, i%2000)
			continue
		}
		fmt.Fprintf(&text, "%d,Book %d,Author %d,%d,\"A description, of row %d\",%d,\"Alias %d; Name, Other\"\n", i, i, i%500, i%2000, i, i%7, i%500)
	}
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
}

// counts parses the summary that an import prints at its end.
func counts(t *testing.T, output string) map[string]int {
	t.Helper()
	counted := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^(rows|created|updated|unchanged|deleted|rejected): +(\d+)$`).FindAllStringSubmatch(output, -1) {
		var n int
		_, err := fmt.Sscan(m[2], &n)
		require.NoError(t, err)
		counted[m[1]] = n
	}
	require.NotEmpty(t, counted, output)
	assert.Equal(t, counted["rows"], counted["created"]+counted["updated"]+counted["unchanged"]+counted["deleted"]+counted["rejected"])
	return counted
}

// imported returns a number from a shop's SQLite database, 0 while there is none.
func ask(dir, query string) (n int) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "data", "books.db"))+"?mode=ro")
	if err != nil {
		return 0
	}
	defer db.Close()
	if db.QueryRow(query).Scan(&n) != nil {
		return 0
	}
	return n
}

func TestKilledImportGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const rows = 40_000
	writeCatalogue(t, filepath.Join(dir, "books.csv"), rows)
	p := start(t, dir, nil, "import", "books.csv")
	p.eventually("some rows are stored", func() bool { return ask(dir, "SELECT created FROM imports") >= 3000 })
	p.kill()
	require.Less(t, ask(dir, "SELECT COUNT(*) FROM books"), rows*99/100, "the kill came before the end")

	status, output := finish(t, dir, nil, "import", "books.csv")
	require.Equal(t, 0, status, output)
	assert.Regexp(t, `resuming after \d{4,5} rows`, output)
	counted := counts(t, output)
	assert.Equal(t, rows, counted["rows"], "the summary covers both imports")
	assert.Equal(t, rows/100, counted["rejected"])
	assert.LessOrEqual(t, counted["unchanged"], 1000, "at most one batch is imported again")
	assert.Equal(t, rows*99/100, ask(dir, "SELECT COUNT(*) FROM books"))

	kept, err := os.ReadFile(filepath.Join(dir, "books.csv.rejected"))
	require.NoError(t, err)
	for i := 100; i <= rows; i += 100 {
		require.Equal(t, 1, strings.Count(string(kept), fmt.Sprintf("\n%d,\"the book has no title\",no_title,%d,,nobody,", i+1, i)), "row %d", i)
	}
	mended := strings.ReplaceAll(string(kept), ",,nobody", ",Mended,Somebody")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "books.csv.rejected"), []byte(mended), 0o600))
	status, output = finish(t, dir, nil, "import", "books.csv.rejected")
	require.Equal(t, 0, status, output)
	assert.Equal(t, rows/100, counts(t, output)["created"])
	writeCatalogue(t, filepath.Join(dir, "books.csv"), rows)
	_, output = finish(t, dir, nil, "import", "books.csv")
	assert.Equal(t, rows*99/100, counts(t, output)["unchanged"])
}

func TestInterruptedImportTellsHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCatalogue(t, filepath.Join(dir, "books.csv"), 40_000)
	p := start(t, dir, nil, "import", "books.csv")
	p.eventually("some rows are stored", func() bool { return ask(dir, "SELECT created FROM imports") >= 1000 })
	assert.Equal(t, 1, p.stop(os.Interrupt))
	assert.Contains(t, p.log.String(), "interrupted")
	_, output := finish(t, dir, nil, "import", "books.csv")
	assert.Contains(t, output, "resuming after")
}

func TestDryRunAndExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCatalogue(t, filepath.Join(dir, "books.csv"), 500)
	status, output := finish(t, dir, nil, "import", "--dry-run", "books.csv")
	require.Equal(t, 0, status)
	assert.Contains(t, output, "nothing was stored")
	assert.Equal(t, 495, counts(t, output)["created"])
	assert.Zero(t, ask(dir, "SELECT COUNT(*) FROM books"))
	assert.NoFileExists(t, filepath.Join(dir, "books.csv.rejected"))
	finish(t, dir, nil, "import", "books.csv")

	for _, name := range []string{"all.csv", "all.jsonl.gz"} {
		status, output = finish(t, dir, nil, "export", name)
		require.Equal(t, 0, status, output)
		assert.Contains(t, output, "495 books exported")
		_, output = finish(t, dir, nil, "import", name)
		assert.Equal(t, 495, counts(t, output)["unchanged"], name)
		other := t.TempDir()
		_, output = finish(t, other, nil, "import", filepath.Join(dir, name))
		assert.Equal(t, 495, counts(t, output)["created"], name)
		assert.Equal(t, 495, ask(other, `SELECT COUNT(*) FROM books WHERE popularity = external_id % 7 AND author_aliases LIKE '["Alias %","Other Name"]'`), name)
		_, output = finish(t, other, nil, "import", filepath.Join(dir, "books.csv"))
		assert.Equal(t, 495, counts(t, output)["unchanged"], "the new shop knows the books by their ids")
	}
	export := exec.Command(program, "export")
	export.Dir = dir
	piped, err := export.Output()
	require.NoError(t, err)
	assert.Equal(t, 495, bytes.Count(piped, []byte("\n")))

	for _, arguments := range [][]string{{"export", "books.xlsx"}, {"export", "nowhere/all.csv"}, {"import", "books.csv", "--rejected", "r", "all.csv"}} {
		status, output := finish(t, dir, nil, arguments...)
		assert.NotEqual(t, 0, status, output)
		assert.NotContains(t, output, "goroutine")
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, "*.part*"))
	require.NoError(t, err)
	assert.Empty(t, leftovers)
}

// An import, the web service and a second writer work on one SQLite file at once.
func TestSeveralProcessesOnOneSQLiteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop := start(t, dir, nil)
	address := shop.ready()
	// The web service has its own folder, but shares the catalogue.
	own := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(own, "data"), 0o700))
	require.NoError(t, os.Symlink(filepath.Join(dir, "data", "books.db"), filepath.Join(own, "data", "books.db")))
	web := start(t, own, []string{
		"EVENT_BOOKS_APP_ADMIN_TOKEN_FILE=" + filepath.Join(dir, "data", "admin-token"), "EVENT_BOOKS_MQ_BROKERS=" + shop.broker(),
	}, "web")
	second := web.ready()
	writeCatalogue(t, filepath.Join(dir, "one.csv"), 8_000)
	writeCatalogue(t, filepath.Join(dir, "two.csv"), 8_000)
	imports := []*process{
		start(t, dir, nil, "import", "one.csv"), start(t, dir, nil, "import", "two.csv"),
		start(t, dir, nil, "import", "two.csv"), // imports the same file at the same time
	}
	done := make(chan struct{})
	var users sync.WaitGroup
	var answered, made int64
	var mu sync.Mutex
	for u := range 4 {
		users.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				at := []string{address, second}[u%2]
				found := get(t, at+"/api/books?q="+url.QueryEscape(fmt.Sprintf("book %d", n)))
				assert.Equal(t, http.StatusOK, found.code, found.body)
				created := post(t, dir, at+"/api/books", fmt.Sprintf(`{"title":"By hand %d %d"}`, u, n))
				mu.Lock()
				answered++
				switch created.code {
				case http.StatusCreated:
					made++
				case http.StatusServiceUnavailable:
					// On a slow machine, three imports can keep the lock for as long as a request may last.
				default:
					assert.Fail(t, "neither stored nor refused", created.body)
				}
				mu.Unlock()
			}
		})
	}
	for _, p := range imports {
		assert.Equal(t, 0, p.wait(), p.log)
		assert.Equal(t, 8_000, counts(t, p.log.String())["rows"])
	}
	close(done)
	users.Wait()
	assert.Greater(t, made, answered/2)
	assert.Equal(t, 2*7_920+int(made), ask(dir, "SELECT COUNT(*) FROM books WHERE title LIKE 'Book %' OR title LIKE 'By hand %'"))
	for _, p := range append(imports, shop, web) {
		assert.NotContains(t, strings.ToLower(p.log.String()), "locked")
		assert.NotContains(t, p.log.String(), `"ERROR"`)
	}
	assert.Equal(t, 0, web.stop(syscall.SIGTERM))
	assert.Equal(t, 0, shop.stop(syscall.SIGTERM))
}

// generated writes rows of a format until they have at least size bytes.
func generated(out io.Writer, format string, size int64) (rows int, err error) {
	w := &countingWriter{to: out}
	head := map[string]string{"CSV": "id,title,author,isbn\n", "ONIX": "<ONIXMessage><Header><FromCompany>S</FromCompany></Header>\n"}
	if _, err := io.WriteString(w, head[format]); err != nil {
		return 0, err
	}
	blurb := strings.Repeat("Words that fill a description. ", 40)
	for ; w.n < size; rows++ {
		switch format {
		case "CSV":
			_, err = fmt.Fprintf(w, "%d,The title of book number %d,Some Author,%s\n", rows, rows, isbn(rows))
		case "JSON Lines":
			_, err = fmt.Fprintf(w, `{"id": %d, "title": "Book %d", "authors": ["Author, Some"], "isbn": "%s", "description": "%s"}`+"\n", rows, rows, isbn(rows), blurb[:200])
		case "ONIX":
			_, err = fmt.Fprintf(w, "<Product><RecordReference>%d</RecordReference><NotificationType>03</NotificationType><ISBN>%s</ISBN><Title><TitleType>01</TitleType><TitleText>Book %d</TitleText></Title><OtherText><TextTypeCode>01</TextTypeCode><Text>%s</Text></OtherText></Product>\n", rows, isbn(rows), rows, blurb)
		}
		if err != nil {
			return rows, err
		}
	}
	if format == "ONIX" {
		_, err = io.WriteString(w, "</ONIXMessage>\n")
	}
	return rows, err
}

type countingWriter struct {
	to io.Writer
	n  int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.n += int64(n)
	return n, err
}

// isbn returns the n-th ISBN that starts with 979.
func isbn(n int) string {
	digits := fmt.Sprintf("979%09d", n)
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (1 + i%2*2)
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// peakMemory waits until the program ends, and returns the most memory that it had, in MB. The usage
// that the system reports afterwards would include the test's own, from which it was forked.
func (p *process) peakMemory() (peak int) {
	p.t.Helper()
	for ended := false; !ended; {
		select {
		case <-p.Exited():
			ended = true
		case <-time.After(5 * time.Millisecond):
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Process.Pid))
		if err != nil {
			continue // it has ended
		}
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			var kB int
			_, err := fmt.Sscan(rest, &kB)
			require.NoError(p.t, err)
			peak = max(peak, kB>>10)
		}
	}
	require.NotZero(p.t, peak, "/proc tells the memory of the program")
	return peak
}

// TEST_LARGE_FILE is the size in bytes; `make large` takes 1 GB.
func TestLargeFilesTakeLittleMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the memory of a program in /proc")
	}
	t.Parallel()
	size := int64(24 << 20)
	if text := os.Getenv("TEST_LARGE_FILE"); text != "" {
		_, err := fmt.Sscan(text, &size)
		require.NoError(t, err)
	}
	for _, format := range []string{"CSV", "JSON Lines", "ONIX"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "large")
			file, err := os.Create(path)
			require.NoError(t, err)
			rows, err := generated(file, format, size)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			p := start(t, dir, nil, "import", "--dry-run", path)
			peak := p.peakMemory()
			require.Equal(t, 0, p.ProcessState.ExitCode(), p.log)
			counted := counts(t, p.log.String())
			assert.Equal(t, rows, counted["created"])
			t.Logf("%d MB, %d rows: %d MB of memory", size>>20, rows, peak)
			assert.Less(t, peak, 200)
		})
	}
}

// An import rejects arguments that aren't files. If a file changes during its import, the
// import reads it as far as possible.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	require.NoError(t, err)
	defer socket.Close()
	for name, want := range map[string]string{".": "is a folder", "socket": "no such device", "/dev/null": "is empty"} {
		status, output := finish(t, dir, nil, "import", name)
		assert.Equal(t, 1, status, output)
		assert.Contains(t, output, want)
	}

	path := filepath.Join(dir, "growing.csv")
	writeCatalogue(t, path, 20_000)
	p := start(t, dir, nil, "import", "growing.csv")
	p.eventually("some rows are stored", func() bool { return ask(dir, "SELECT created FROM imports") >= 1000 })
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString("90001,A late book,Somebody,2026,,,\n90002,Half a r")
	require.NoError(t, err)
	assert.Equal(t, 0, p.wait(), p.log)
	before := counts(t, p.log.String())
	assert.GreaterOrEqual(t, before["rows"], 20_000)
	_, err = file.WriteString("ow,Somebody,2026,,,\n")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	_, output := finish(t, dir, nil, "import", "growing.csv")
	after := counts(t, output)
	assert.Equal(t, 20_002, after["rows"])
	assert.Equal(t, 20_000/100, after["rejected"])
	assert.Equal(t, 19_802, ask(dir, "SELECT COUNT(*) FROM books"))
}

func TestSearchFindsWhatAnImportBrings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	address := p.ready()
	for name, text := range map[string]string{
		"latin.csv": "Titel;Verfasser;Preis\nDie R\xe4uber;Schiller, Friedrich;12,90\nEmma;Austen, Jane;9,00\nIda;Hahn-Hahn, Ida;1,50\n",
		"sjis.csv":  "\x8f\x91\x96\xbc,\x92\x98\x8e\xd2\n\x8e\x4f\x8e\x6c\x98\x59,\x89\xc4\x96\xda\x9f\xf9\x90\xce\n", // 書名,著者 / 三四郎,夏目漱石
		"utf16.csv": "\xff\xfet\x00i\x00t\x00l\x00e\x00\n\x00B\x00a\x00r\x00t\x00l\x00e\x00b\x00y\x00\n\x00",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		status, output := finish(t, dir, nil, "import", name)
		require.Equal(t, 0, status, output)
		require.Zero(t, counts(t, output)["rejected"], output)
	}
	for query, want := range map[string]string{
		"räuber friedrich": `"price":"12.90"`, "三四郎": "夏目漱石", "bartleby": "Bartleby",
	} {
		p.eventually(query+" is found", func() bool {
			var found []json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(get(t, address+"/api/books?q="+url.QueryEscape(query)).body), &found))
			return len(found) > 0 && strings.Contains(string(found[0]), want)
		})
	}
}
