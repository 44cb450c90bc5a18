//go:build unix

package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"literank.com/event-books/application/shoppers"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/catalog"
)

const (
	// persons is the number of persons that one client plays.
	persons = 12
	// networks is the number of networks that persons come from.
	networks = 20
	// requestTimeout is the time after which a request counts as unanswered.
	requestTimeout = time.Minute
)

// load is the visitors of the shops. It notes what they were answered.
type load struct {
	shops    []*testbed.Shop
	keywords []string
	clients  int
	limit    *rate.Limiter
	client   *http.Client

	mu       sync.Mutex
	searches map[string]bool // ids of the answered ones
	clicks   map[click]bool  // that led to their books
	erasures int
	// refused counts other answers, by their text. unanswered counts requests whose
	// connection broke, or that a busy shop refused.
	refused    map[string]int
	unanswered int
}

// click is a book of a result that was opened.
type click struct {
	search string
	book   uint
}

func newLoad(shops []*testbed.Shop, keywords []string, clients int, perSecond float64) *load {
	return &load{
		shops: shops, keywords: keywords, clients: clients, limit: rate.NewLimiter(rate.Limit(perSecond), clients),
		client: &http.Client{
			Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: clients},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		searches: map[string]bool{}, clicks: map[click]bool{}, refused: map[string]int{},
	}
}

// keywordsOf returns n keywords of simulated shoppers, and some of which there are several
// spellings.
func keywordsOf(n int) ([]string, error) {
	books, err := catalog.Starter()
	if err != nil {
		return nil, err
	}
	for i, book := range books {
		book.ID = uint(i + 1)
	}
	spellings := []string{"the", "love", "LOVE", "lôve", "der", "la", "nothing has this", "Nothing  has THIS"}
	return append(spellings, shoppers.New(books, 1).Keywords(n)...), nil
}

// run searches until ctx ends. What has begun is finished.
func (l *load) run(ctx context.Context, seed uint64) {
	defer l.client.CloseIdleConnections()
	var clients sync.WaitGroup
	for i := range l.clients {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i+1)))
			crowd := make([]*person, persons)
			for j := range crowd {
				crowd[j] = newPerson(l, rng, j)
			}
			for l.limit.Wait(ctx) == nil {
				crowd[rng.IntN(len(crowd))].act(ctx)
			}
		})
	}
	clients.Wait()
}

// person is a visitor with a browser, or a program.
type person struct {
	*load
	rng    *rand.Rand
	header http.Header
	cookie string
	// bots only search, and private persons have no identity.
	bot, private bool
}

// newPerson returns one of each kind for the first numbers, and ordinary people for the others.
func newPerson(l *load, rng *rand.Rand, number int) *person {
	p := &person{load: l, rng: rng, header: http.Header{}, bot: number == 0, private: number == 1}
	p.header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", rng.IntN(networks), 1+rng.IntN(200)))
	p.header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%[1]d.0", 140+rng.IntN(6)))
	p.header.Set("Sec-Fetch-Site", "same-origin")
	if p.bot {
		p.header.Set("User-Agent", "curl/8.5.0")
	}
	if p.private {
		p.header.Set("DNT", "1")
	}
	return p
}

// act does one thing: it mostly searches.
func (p *person) act(ctx context.Context) {
	switch n := p.rng.IntN(200); {
	case n < 3 && !p.bot && !p.private && p.cookie == "":
		p.answerVisitor(ctx, "yes")
	case n == 3 && !p.bot:
		p.answerVisitor(ctx, "forget")
	case n < 100:
		p.searchAPI(ctx)
	default:
		p.searchPage(ctx)
	}
}

// query is a search as this person may type it.
func (p *person) query() url.Values {
	query := url.Values{"q": {p.keywords[min(p.rng.IntN(len(p.keywords)), p.rng.IntN(len(p.keywords)))]}}
	if p.rng.IntN(8) == 0 {
		query.Set("o", strconv.Itoa(20*(1+p.rng.IntN(3))))
	}
	if p.rng.IntN(10) == 0 {
		query.Set("language", []string{"en", "de", "ja"}[p.rng.IntN(3)])
	}
	if p.rng.IntN(6) == 0 {
		query.Set("tag", []string{"letter", "poster"}[p.rng.IntN(2)])
	}
	return query
}

func (p *person) searchAPI(ctx context.Context) {
	if response, _ := p.ask(ctx, http.MethodGet, "/api/books?"+p.query().Encode(), nil); response != nil {
		p.noteSearch(response)
	}
}

// noteSearch notes an answered search and returns its id, or "".
func (p *person) noteSearch(response *http.Response) string {
	id := response.Header.Get("X-Search-Id")
	p.note(func() {
		switch {
		case response.StatusCode != http.StatusOK:
			p.refused[response.Request.URL.Path+": "+response.Status]++
		case id == "":
			p.refused["200 without a search id"]++
		default:
			p.searches[id] = true
		}
	})
	return id
}

var (
	bookLink = regexp.MustCompile(`class="book" href="([^"]+)"`)
	bookPath = regexp.MustCompile(`/books/(\d+)\?.*click=`)
)

// searchPage searches and may open some of the books, sometimes one of them twice.
func (p *person) searchPage(ctx context.Context) {
	response, body := p.ask(ctx, http.MethodGet, "/?"+p.query().Encode(), nil)
	if response == nil {
		return
	}
	search := p.noteSearch(response)
	links := bookLink.FindAllStringSubmatch(body, -1)
	if p.bot || search == "" || len(links) == 0 {
		return
	}
	for range p.rng.IntN(3) {
		p.open(ctx, search, html.UnescapeString(links[min(p.rng.IntN(len(links)), p.rng.IntN(len(links)))][1]))
	}
}

// open clicks on a link to a book and follows it.
func (p *person) open(ctx context.Context, search, link string) {
	found := bookPath.FindStringSubmatch(link)
	if found == nil { // a book that the shop offers because nothing was found
		return
	}
	response, _ := p.ask(ctx, http.MethodGet, link, nil)
	if response == nil {
		return
	}
	if response.StatusCode != http.StatusSeeOther {
		p.note(func() { p.refused["a click: "+response.Status]++ })
		return
	}
	book, err := strconv.ParseUint(found[1], 10, 64)
	if err != nil {
		panic(err) // happens only if the shop has that many books
	}
	p.note(func() { p.clicks[click{search, uint(book)}] = true })
	_, _ = p.ask(ctx, http.MethodGet, response.Header.Get("Location"), nil)
}

// answerVisitor answers the question about the cookie, or asks the shop to forget this person.
func (p *person) answerVisitor(ctx context.Context, choice string) {
	response, _ := p.ask(ctx, http.MethodPost, "/visitor", url.Values{"choice": {choice}, "back": {"/privacy"}})
	if response == nil {
		return
	}
	if response.StatusCode != http.StatusSeeOther {
		p.note(func() { p.refused["/visitor: "+response.Status]++ })
		return
	}
	for _, cookie := range response.Cookies() {
		if p.cookie = ""; cookie.MaxAge >= 0 {
			p.cookie = cookie.Name + "=" + cookie.Value
		}
	}
	if choice == "forget" {
		p.note(func() { p.erasures++ })
	}
}

// ask sends a request to any of the shops that answer, and reads the answer. The response is
// nil if there is none.
func (p *person) ask(ctx context.Context, method, path string, form url.Values) (*http.Response, string) {
	shop, _, err := p.shops[p.rng.IntN(len(p.shops))].Address(ctx)
	if err != nil {
		return nil, ""
	}
	// Not bound to ctx: what has begun must get its answer.
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), method, shop+path, strings.NewReader(form.Encode()))
	if err != nil {
		panic(err) // happens only if the URL can't be parsed
	}
	request.Header = p.header.Clone()
	if p.cookie != "" {
		request.Header.Set("Cookie", p.cookie)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.note(func() { p.unanswered++ })
		return nil, ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // the promises hold from the first line of an answer on
	if response.StatusCode == http.StatusServiceUnavailable {
		p.note(func() { p.unanswered++ })
		return nil, ""
	}
	return response, string(body)
}

// complete returns what visitors have not done yet, at least once.
func (l *load) complete() (err error) {
	l.note(func() {
		if len(l.searches) == 0 || len(l.clicks) == 0 || l.erasures == 0 {
			err = fmt.Errorf("only %d searches, %d clicks and %d erasures", len(l.searches), len(l.clicks), l.erasures)
		}
	})
	return err
}

func (l *load) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}
