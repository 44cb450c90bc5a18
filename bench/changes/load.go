//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
)

const adminToken = "all-copies-agree-token"

// load writes to both instances, past them into the database, and by imports, and reads
// all the time.
type load struct {
	shops   []*testbed.Shop
	db      *sql.DB
	journal *journal
	rate    float64 // writes of books per second
	rows    int     // of each imported file
	dir     string  // for the files

	mu   sync.Mutex
	pool []uint // books that are probably there
	next int    // for unique values
	// refused counts answers that say nothing about the write, by their text.
	refused                          map[string]int
	unanswered, reads, foreign       int
	imports, killedImports, imported int
}

func newLoad(r *run, rate float64, rows int, dir string) *load {
	return &load{shops: r.shops, db: r.db, journal: r.journal, rate: rate, rows: rows, dir: dir, refused: map[string]int{}}
}

const (
	clients = 8
	readers = 3 // of each instance
	files   = 3 // for imports
)

// run writes and reads until ctx ends. Requests that have begun get their answers.
func (l *load) run(ctx context.Context, seed uint64) error {
	group, ctx := errgroup.WithContext(ctx)
	source := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
	for i := range clients {
		rng := source(uint64(i + 10))
		group.Go(func() error { l.writeAll(ctx, rng); return nil })
	}
	for i := range readers * len(l.shops) {
		rng, shop := source(uint64(i+100)), l.shops[i%len(l.shops)]
		group.Go(func() error { l.readAll(ctx, rng, shop); return nil })
	}
	group.Go(func() error { return l.writeSQL(ctx, source(1)) })
	group.Go(func() error { return l.importAll(ctx, source(2)) })
	return group.Wait()
}

// value returns a value that no other write has.
func (l *load) value(what string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprintf("%s %d", what, l.next)
}

func (l *load) add(id uint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pool = append(l.pool, id)
}

// pick returns a book, often one of the newest, or 0. take removes it from the pool.
func (l *load) pick(rng *rand.Rand, take bool) uint {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.pool)
	if n == 0 {
		return 0
	}
	i := rng.IntN(n)
	if rng.IntN(2) == 0 {
		i = n - 1 - rng.IntN(min(n, 20))
	}
	id := l.pool[i]
	if take {
		l.pool[i] = l.pool[n-1]
		l.pool = l.pool[:n-1]
	}
	return id
}

func (l *load) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// writeAll writes books by the API, in bursts on one book.
func (l *load) writeAll(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil {
		l.mu.Lock()
		known := len(l.pool)
		l.mu.Unlock()
		writes := 1
		switch n := rng.IntN(100); {
		case known < 20 || n < 22:
			l.create(ctx, rng)
		case n < 35:
			if id := l.pick(rng, true); id != 0 {
				l.change(ctx, rng, id, http.MethodDelete)
			}
		default:
			id := l.pick(rng, false)
			for writes = 1 + rng.IntN(4); id != 0 && writes > 0 && ctx.Err() == nil; writes-- {
				l.change(ctx, rng, id, []string{http.MethodPut, http.MethodPatch}[rng.IntN(2)])
			}
			writes = 2
		}
		pause := float64(writes) * clients / l.rate * float64(time.Second)
		_ = testbed.Sleep(ctx, time.Duration(pause/2+rng.Float64()*pause))
	}
}

// send sends a request by staff.
func send(ctx context.Context, method, url, kind string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	return client.Do(request)
}

// ask sends a write and returns whether it was carried out. If that can't be known, unsure
// is true.
func (l *load) ask(ctx context.Context, rng *rand.Rand, method, path, kind string, body map[string]string) (answer []byte, done, unsure bool) {
	url, err := l.address(ctx, rng.IntN(len(l.shops)))
	if err != nil {
		return nil, false, false
	}
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			panic(err) // texts can be encoded
		}
	}
	// Not bound to ctx: a write that has begun must get its answer.
	response, err := send(context.WithoutCancel(ctx), method, url+path, kind, text)
	if err != nil {
		l.note(func() { l.unanswered++ })
		return nil, false, true
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	switch {
	case response.StatusCode/100 == 2:
		return answer, err == nil || method != http.MethodPost, err != nil
	case response.StatusCode == http.StatusNotFound && method != http.MethodPost:
		return nil, false, false
	}
	l.note(func() { l.refused[fmt.Sprintf("%s %s: %.100s", method, response.Status, answer)]++ })
	return nil, false, true
}

// address returns the URL of an instance, or of another one while that is down.
func (l *load) address(ctx context.Context, wanted int) (url string, err error) {
	for {
		for i := range l.shops {
			soon, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			url, _, err = l.shops[(wanted+i)%len(l.shops)].Address(soon)
			cancel()
			if err == nil || ctx.Err() != nil {
				return url, err
			}
		}
	}
}

const (
	jsonType  = "application/json"
	patchType = "application/merge-patch+json"
)

func (l *load) create(ctx context.Context, rng *rand.Rand) {
	w := &write{what: "POST", start: time.Now(), values: map[string]string{
		"title": l.value("Created"), "publisher": l.value("House"), "description": l.value("Text"),
	}}
	body := maps.Clone(w.values)
	body["author"] = "Somebody"
	answer, done, _ := l.ask(ctx, rng, http.MethodPost, "/api/books", jsonType, body)
	var book model.Book
	if !done || json.Unmarshal(answer, &book) != nil || book.ID == 0 {
		return // nobody knows the id of a book whose answer is missing
	}
	w.end = time.Now()
	l.journal.note(book.ID, w)
	l.add(book.ID)
}

func (l *load) change(ctx context.Context, rng *rand.Rand, id uint, method string) {
	w := &write{what: method, start: time.Now()}
	kind := jsonType
	var body map[string]string
	switch method {
	case http.MethodPut:
		w.values = map[string]string{"title": l.value("Replaced"), "publisher": l.value("House"), "description": l.value("Text")}
		body = maps.Clone(w.values)
		body["author"] = "Somebody else"
	case http.MethodPatch:
		w.values = map[string]string{fields[rng.IntN(len(fields))]: l.value("Patched")}
		body, kind = w.values, patchType
	default:
		kind = ""
	}
	_, done, unsure := l.ask(ctx, rng, method, fmt.Sprintf("/api/books/%d", id), kind, body)
	if done {
		w.end = time.Now()
	}
	if done || unsure {
		l.journal.note(id, w)
	}
}

// readAll reads books and pages, so that caches have them.
func (l *load) readAll(ctx context.Context, rng *rand.Rand, shop *testbed.Shop) {
	for ctx.Err() == nil {
		url, _, err := shop.Address(ctx)
		if err != nil {
			return
		}
		id := l.pick(rng, false)
		path := []string{"/api/books/%d", "/api/books/%d", "/books/%d"}[rng.IntN(3)]
		status, body, err := get(context.WithoutCancel(ctx), url+fmt.Sprintf(path, max(id, 1)))
		if err == nil {
			l.note(func() {
				l.reads++
				if status != http.StatusOK && status != http.StatusNotFound {
					l.refused[fmt.Sprintf("GET %d: %.100s", status, body)]++
				}
			})
		}
		_ = testbed.Sleep(ctx, time.Duration(rng.Int64N(int64(15*time.Millisecond))))
	}
}

// writeSQL is the other program. It knows the tutorial's six columns.
func (l *load) writeSQL(ctx context.Context, rng *rand.Rand) error {
	for ctx.Err() == nil {
		if err := l.statement(context.WithoutCancel(ctx), rng); err != nil {
			if server, ok := errors.AsType[*mysql.MySQLError](err); !ok || server.Number != 1213 && server.Number != 1205 && server.Number != 1020 {
				return fmt.Errorf("the other program: %w", err)
			}
		} else {
			l.note(func() { l.foreign++ })
		}
		_ = testbed.Sleep(ctx, time.Duration((0.5+rng.Float64())*float64(120*time.Millisecond)))
	}
	return nil
}

func (l *load) statement(ctx context.Context, rng *rand.Rand) error {
	w := &write{start: time.Now()}
	var result sql.Result
	var err error
	id := l.pick(rng, false)
	switch n := rng.IntN(10); {
	case n < 3 || id == 0:
		w.what, w.values = "INSERT", map[string]string{"title": l.value("Inserted"), "description": l.value("Text")}
		result, err = l.db.ExecContext(ctx, "INSERT INTO books (title, author, published_at, description, created_at) VALUES (?, 'Another', '1999', ?, NOW(3))",
			w.values["title"], w.values["description"])
		if err == nil {
			var inserted int64
			if inserted, err = result.LastInsertId(); err == nil {
				id = uint(inserted)
				l.add(id)
			}
		}
	case n < 8:
		w.what, w.values = "UPDATE", map[string]string{"title": l.value("Updated"), "description": l.value("Text")}
		result, err = l.db.ExecContext(ctx, "UPDATE books SET title = ?, author = 'Another', description = ? WHERE id = ?", w.values["title"], w.values["description"], id)
	default:
		id = l.pick(rng, true)
		w.what = "DELETE"
		result, err = l.db.ExecContext(ctx, "DELETE FROM books WHERE id = ?", id)
	}
	if err != nil {
		return err
	}
	if changed, err := result.RowsAffected(); err != nil || changed == 0 {
		return err // somebody has deleted the book
	}
	w.end, w.what = time.Now(), w.what+" by another program"
	l.journal.note(id, w)
	return nil
}

// importAll imports files, again and again, and kills half of the imports.
func (l *load) importAll(ctx context.Context, rng *rand.Rand) error {
	for revision := 1; ctx.Err() == nil; revision++ {
		if err := l.importFile(ctx, rng, rng.IntN(files), revision); err != nil {
			return fmt.Errorf("import: %w", err)
		}
		_ = testbed.Sleep(ctx, time.Duration(rng.Int64N(int64(2*time.Second))))
	}
	return nil
}

// importFile imports a revision of a file: each row has another title than before.
func (l *load) importFile(ctx context.Context, rng *rand.Rand, file, revision int) error {
	source := fmt.Sprintf("file%d", file)
	var text bytes.Buffer
	text.WriteString("id,title,author\n")
	writes := make(map[string]*write, l.rows)
	for i := range l.rows {
		title := l.value("Imported")
		fmt.Fprintf(&text, "%d,%s,Somebody Imported\n", i, title)
		writes[fmt.Sprintf("%s/%d", source, i)] = &write{what: fmt.Sprintf("import %d", revision), values: map[string]string{"title": title}}
	}
	path := filepath.Join(l.dir, source+".csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return err
	}
	start := time.Now()
	l.journal.mu.Lock()
	for row, w := range writes {
		w.start = start
		l.journal.imports[row] = append(l.journal.imports[row], w)
	}
	l.journal.mu.Unlock()
	for again := rng.IntN(2) == 0; ; again = rng.IntN(3) == 0 {
		killed, err := l.runImport(path, source, again, time.Duration(rng.Int64N(int64(800*time.Millisecond))))
		if err != nil {
			return err
		}
		if !killed {
			break
		}
		l.note(func() { l.killedImports++ })
	}
	l.journal.mu.Lock()
	for _, w := range writes {
		w.end = time.Now()
	}
	l.journal.mu.Unlock()
	l.note(func() { l.imports++; l.imported += l.rows })
	return l.learnRows(context.WithoutCancel(ctx), source)
}

// runImport imports a file with the program. It kills the import after a time, if kill is
// true and the import takes that long.
func (l *load) runImport(path, source string, kill bool, after time.Duration) (killed bool, err error) {
	shop := l.shops[0]
	command := exec.Command(shop.Program, "import", "--source", source, path)
	command.Dir, command.Env = shop.Dir, shop.Environ
	output := &testbed.Output{}
	command.Stdout, command.Stderr = output, output
	process, err := testbed.Run(command)
	if err != nil {
		return false, err
	}
	if kill {
		select {
		case <-process.Exited():
		case <-time.After(after):
			if err := process.End(syscall.SIGKILL); err != nil {
				return false, err
			}
			if !process.ProcessState.Exited() {
				return true, nil
			}
		}
	}
	<-process.Exited()
	if !process.ProcessState.Success() {
		return false, fmt.Errorf("%s\n%s", process.ProcessState, output)
	}
	return false, nil
}

// learnRows notes which books come from which rows. A tenth of them may be changed by
// others.
func (l *load) learnRows(ctx context.Context, source string) error {
	books, err := readDatabase(ctx, l.db)
	if err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(books))
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	for _, id := range ids {
		row := books[id].row
		if _, known := l.journal.rowOf[id]; known || len(row) <= len(source) || row[:len(source)+1] != source+"/" {
			continue
		}
		l.journal.rowOf[id] = row
		if id%10 == 0 {
			l.add(id)
		}
	}
	return nil
}
