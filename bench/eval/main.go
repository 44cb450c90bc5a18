// Command eval measures how well the search engine finds books: by titles as they are and
// misspelt, by authors and their other names, in the catalogues of TEST_DATA_DIR.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/index/bleve"
)

func main() {
	show := flag.Int("show", 0, "print the first `n` failures of each measure")
	every := flag.Int("every", 1, "measure every `n`th query")
	only := flag.String("only", "", "measure only what has this in its name")
	profile := flag.String("profile", "", "write a CPU profile of the measures to `file`")
	flag.Parse()
	profileTo = *profile
	log.SetFlags(log.Ltime)
	if err := run(*show, *every, *only); err != nil {
		log.Fatal(err)
	}
}

var profileTo string

// first ids of the catalogues
var catalogues = map[string]struct {
	file  string
	first uint
}{"gutenberg": {"gutenberg.jsonl.gz", 0}, "goodbooks": {"goodbooks10k.csv", 1_000_000}, "free": {"free_programming_books.csv", 2_000_000}}

func run(show, every int, only string) error {
	dir := os.Getenv("TEST_DATA_DIR")
	if dir == "" {
		fmt.Println("skipped: TEST_DATA_DIR is not set")
		return nil
	}
	folder, err := os.MkdirTemp("", "eval-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	index, err := bleve.Open(filepath.Join(folder, "index"))
	if err != nil {
		return err
	}
	defer index.Close()
	e := &eval{dir: dir, index: index, books: map[uint]*model.Book{}, titles: map[string][]uint{}, show: show, every: every}
	began := time.Now()
	for name, c := range catalogues {
		if err := e.load(filepath.Join(dir, c.file), c.first); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	log.Printf("%d books indexed in %.1f s", len(e.books), time.Since(began).Seconds())
	if profileTo != "" {
		f, err := os.Create(profileTo)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, m := range []struct {
		name    string
		measure func() error
	}{{"titles", e.measureTitles}, {"typos", e.measureTypos}} {
		if strings.Contains(m.name, only) {
			began := time.Now()
			if err := m.measure(); err != nil {
				return err
			}
			log.Printf("%s: %.1f s", m.name, time.Since(began).Seconds())
		}
	}
	return nil
}

type eval struct {
	dir    string
	index  *bleve.Index
	books  map[uint]*model.Book
	titles map[string][]uint
	show   int
	every  int
}

func (e *eval) load(file string, first uint) error {
	f, err := catalog.Open(file, gateway.FileOptions{})
	if err != nil {
		return err
	}
	defer f.Close()
	var batch []*model.Book
	next := first
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			return e.index.Put(batch...)
		}
		var rejected *model.RowError
		if errors.As(err, &rejected) {
			next++
			continue
		}
		if err != nil {
			return err
		}
		b := row.Book
		next++
		b.ID = next
		if id, err := strconv.ParseUint(row.ExternalID, 10, 32); err == nil {
			b.ID = first + uint(id)
		}
		e.books[b.ID] = &b
		key := model.Fold(b.Title)
		e.titles[key] = append(e.titles[key], b.ID)
		if batch = append(batch, &b); len(batch) == 2000 {
			if err := e.index.Put(batch...); err != nil {
				return err
			}
			batch = nil
		}
	}
}

// place returns the place of the first book that is wanted, from 1, or 0.
func (e *eval) place(keyword string, limit int, wanted func(id uint) bool) (int, *model.SearchResult, error) {
	k, err := model.ParseKeyword(keyword)
	if err != nil {
		return 0, nil, nil
	}
	result, err := e.index.SearchBooks(context.Background(), model.Search{Keyword: k, Limit: limit})
	if err != nil {
		return 0, nil, err
	}
	for i, id := range result.IDs {
		if wanted(id) {
			return i + 1, result, nil
		}
	}
	return 0, result, nil
}

// score collects places.
type score struct {
	name        string
	n           int
	first, ten  int
	twenty      int
	reciprocals float64
	shown       int
}

func (e *eval) add(s *score, keyword string, place int, r *model.SearchResult) {
	s.n++
	if place == 1 {
		s.first++
	}
	if place > 0 {
		if s.twenty++; place <= 10 {
			s.ten++
			s.reciprocals += 1 / float64(place)
		}
	}
	if place != 1 && s.shown < e.show {
		s.shown++
		title := ""
		if r != nil && len(r.IDs) > 0 {
			title = e.books[r.IDs[0]].Title
		}
		if r == nil {
			r = &model.SearchResult{}
		}
		fmt.Printf("   %s: %q place %d, first %q of %d, %s %q\n", s.name, keyword, place, title, r.Total, r.Match, r.Served)
	}
}

func (s *score) String() string {
	n := float64(max(s.n, 1)) / 100
	return fmt.Sprintf("%-28s %6d  first %.2f %%  ten %.2f %%  twenty %.2f %%  MRR %.4f", s.name, s.n, float64(s.first)/n, float64(s.ten)/n, float64(s.twenty)/n, s.reciprocals/n/100)
}

func (e *eval) measureTitles() error {
	plain, asked, quoted, curly, by := score{name: "title"}, score{name: "title?"}, score{name: "“title”"}, score{name: "title’s"}, score{name: "title by author"}
	for id, b := range e.books {
		if id%20 != 0 {
			continue
		}
		key := model.Fold(b.Title)
		same := func(other uint) bool { return model.Fold(e.books[other].Title) == key }
		self := func(other uint) bool { return other == id || same(other) }
		forms := []struct {
			score   *score
			keyword string
		}{{&plain, b.Title}, {&asked, b.Title + "?"}, {&quoted, `"` + b.Title + `"`}, {&curly, strings.ReplaceAll(b.Title, "'", "’")}}
		if b.Author != "" {
			forms = append(forms, struct {
				score   *score
				keyword string
			}{&by, b.Title + " by " + b.Authors()[0]})
		}
		for _, f := range forms {
			place, r, err := e.place(f.keyword, 20, self)
			if err != nil {
				return err
			}
			e.add(f.score, f.keyword, place, r)
		}
	}
	fmt.Println(&plain)
	fmt.Println(&asked)
	fmt.Println(&quoted)
	fmt.Println(&curly)
	fmt.Println(&by)
	return nil
}

func (e *eval) measureTypos() error {
	rows, err := e.csv("typo_queries.csv")
	if err != nil {
		return err
	}
	byDistance := map[string]*score{"": {name: "typos"}}
	for i, row := range rows {
		if i%e.every != 0 {
			continue
		}
		id, err := strconv.ParseUint(row["expected_id"], 10, 64)
		if err != nil {
			return err
		}
		want := catalogues[row["dataset"]].first + uint(id)
		place, r, err := e.place(row["query"], 20, func(id uint) bool {
			return id == want || model.Fold(e.books[id].Title) == model.Fold(row["expected_title"])
		})
		if err != nil {
			return err
		}
		distance := row["edit_distance_DL"]
		if byDistance[distance] == nil {
			byDistance[distance] = &score{name: "typos, distance " + distance}
		}
		e.add(byDistance[""], row["query"], place, r)
		e.add(byDistance[distance], row["query"], place, r)
	}
	for _, s := range byDistance {
		fmt.Println(s)
	}
	return nil
}

func (e *eval) csv(name string) ([]map[string]string, error) {
	f, err := os.Open(filepath.Join(e.dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var rows []map[string]string
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, value := range line {
			row[all[0][i]] = value
		}
		rows = append(rows, row)
	}
	return rows, nil
}
