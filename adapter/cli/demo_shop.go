package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/html"

	"literank.com/event-books/application/shoppers"
	"literank.com/event-books/domain/model"
)

const (
	// demoHeader carries the token that marks searches as those of simulated shoppers.
	demoHeader = "X-Event-Books-Demo"
	// demoTimeout bounds a request.
	demoTimeout = 30 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 8 << 20
)

// errDemoToken means that the shop has another admin token.
var errDemoToken = errors.New("the shop refuses the admin token: name the right one with --token-file")

// demoShop is a shop as simulated shoppers see it.
type demoShop struct {
	base   *url.URL
	token  string
	client *http.Client
}

func newDemoShop(address, token string) (*demoShop, error) {
	base, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--url: %q must be an address such as http://localhost:8080", address)
	}
	return &demoShop{base, token, &http.Client{
		Timeout: demoTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxVisits},
		// A redirect could lead the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// demoBrowser is a shopper's browser.
type demoBrowser struct {
	header http.Header
	asked  atomic.Bool // for the consent

	mu     sync.Mutex
	cookie string
}

func newDemoBrowser(s *shoppers.Shopper) *demoBrowser {
	b := &demoBrowser{header: http.Header{}}
	b.header.Set("User-Agent", s.UserAgent)
	b.header.Set("Accept-Language", s.AcceptLanguage)
	b.header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	b.header.Set("Sec-Fetch-Site", "same-origin")
	if s.Private {
		b.header.Set("Sec-GPC", "1")
	}
	return b
}

// sign adds what the browser says to a request.
func (b *demoBrowser) sign(r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, values := range b.header {
		r.Header[name] = values
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
}

// keep stores the cookie that an answer sets.
func (b *demoBrowser) keep(r *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cookie := range r.Cookies() {
		b.cookie = cookie.Name + "=" + cookie.Value
	}
}

// ask sends a request to an address of the shop, as a browser or as a program without one, and
// returns the answer if it has one of the statuses.
func (s *demoShop) ask(ctx context.Context, b *demoBrowser, method, address string, form url.Values, statuses ...int) (*http.Response, []byte, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, s.base.String()+address, body)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set(demoHeader, s.token)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b == nil {
		request.Header.Set("Authorization", "Bearer "+s.token)
	} else {
		b.sign(request)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, request.URL.Path, err)
	}
	if b != nil {
		b.keep(response)
	}
	for _, status := range statuses {
		if response.StatusCode == status {
			return response, content, nil
		}
	}
	return nil, nil, refusal(request, response, content)
}

// refusal is the error of an answer with another status.
func refusal(request *http.Request, response *http.Response, content []byte) error {
	if response.StatusCode == http.StatusUnauthorized {
		return errDemoToken
	}
	var problem struct{ Detail string }
	_ = json.Unmarshal(content, &problem) // other answers have no detail
	if problem.Detail != "" {
		return fmt.Errorf("%s %s: %s (%s)", request.Method, request.URL.Path, response.Status, harmless(problem.Detail))
	}
	return fmt.Errorf("%s %s: %s", request.Method, request.URL.Path, response.Status)
}

// clear forgets what simulated shoppers have done.
func (s *demoShop) clear(ctx context.Context) error {
	_, _, err := s.ask(ctx, nil, http.MethodDelete, "/api/insights/demo", nil, http.StatusNoContent)
	return err
}

// books returns the first books of the catalogue.
func (s *demoShop) books(ctx context.Context, most int) (books []*model.Book, err error) {
	for len(books) < most {
		address := fmt.Sprintf("/api/books?limit=%d&o=%d", model.MaxLimit, len(books))
		_, content, err := s.ask(ctx, nil, http.MethodGet, address, nil, http.StatusOK)
		if err != nil {
			return nil, err
		}
		page, err := model.DecodeBooks(content)
		if err != nil {
			return nil, fmt.Errorf("%s is not an event-books shop: %w", s.base, err)
		}
		if books = append(books, page...); len(page) < model.MaxLimit {
			break
		}
	}
	return books, nil
}

// consent says yes to the cookie, if the shop asks for that.
func (s *demoShop) consent(ctx context.Context, b *demoBrowser) error {
	form := url.Values{"choice": {"yes"}, "back": {"/"}}
	_, _, err := s.ask(ctx, b, http.MethodPost, "/visitor", form, http.StatusSeeOther, http.StatusNotFound)
	return err
}

// demoResult is a page of results: books and the links to them, in order.
type demoResult struct {
	books []uint
	links []string
	more  bool // there is a next page
}

func (s *demoShop) search(ctx context.Context, b *demoBrowser, search shoppers.Search) (result demoResult, err error) {
	query := url.Values{"q": {search.Keyword}}
	for name, value := range map[string]string{"language": search.Language, "tag": search.Tag} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if search.Offset > 0 {
		query.Set("o", strconv.Itoa(search.Offset))
	}
	_, content, err := s.ask(ctx, b, http.MethodGet, "/?"+query.Encode(), nil, http.StatusOK)
	if err != nil {
		return demoResult{}, err
	}
	return readResult(string(content)), nil
}

// open opens a book of a result.
func (s *demoShop) open(ctx context.Context, b *demoBrowser, link string) error {
	response, _, err := s.ask(ctx, b, http.MethodGet, s.local(link), nil, http.StatusSeeOther)
	if err != nil {
		return err
	}
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return fmt.Errorf("GET %s: the address of the book: %w", link, err)
	}
	_, _, err = s.ask(ctx, b, http.MethodGet, s.local(location.RequestURI()), nil, http.StatusOK)
	return err
}

// local returns the part of a link behind the path of the shop's address. The host of a link may
// be the public one, which this machine needn't reach.
func (s *demoShop) local(link string) string { return strings.TrimPrefix(link, s.base.Path) }

// readResult finds the links of a page that make clicks. Whatever the templates are, these links
// have a path that ends in the book's id, and the parameter click.
func readResult(page string) (result demoResult) {
	known := map[uint]bool{}
	for tokens := html.NewTokenizer(strings.NewReader(page)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return result
		case html.StartTagToken:
			href, rel := linkOf(tokens.Token())
			result.more = result.more || strings.HasPrefix(rel, "next")
			address, err := url.Parse(href)
			if err != nil || !address.Query().Has("click") {
				continue
			}
			id, err := strconv.ParseUint(address.Path[strings.LastIndexByte(address.Path, '/')+1:], 10, 63)
			if err == nil && !known[uint(id)] {
				known[uint(id)] = true
				result.books, result.links = append(result.books, uint(id)), append(result.links, address.RequestURI())
			}
		}
	}
}

// linkOf returns where a tag leads, if it is a link.
func linkOf(tag html.Token) (href, rel string) {
	if tag.Data != "a" {
		return "", ""
	}
	for _, attribute := range tag.Attr {
		switch attribute.Key {
		case "href":
			href = attribute.Val
		case "rel":
			rel = attribute.Val
		}
	}
	return href, rel
}
