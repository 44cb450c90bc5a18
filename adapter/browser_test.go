package adapter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// hostileBooks have texts that don't fit.
func hostileBooks() []*model.Book {
	long, stock := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 8), 3
	books := []*model.Book{
		{
			Title: long, Author: long + ", Anna Author", Description: long + "\n" + long, ISBN: "9780306406157", PublishedAt: "1925-04-26",
			Language: "de-Latn-AT-1996-x-" + strings.Repeat("private-", 9) + "tag", Publisher: long, Series: long, Edition: long,
			Subjects: []string{long, "Ships & more"}, Price: "123456789012.123456", Currency: "CHF", Stock: &stock,
			BuyURL: "https://shop.example/" + strings.Repeat("a", 1900), CoverURL: "https://elsewhere.example/c.jpg",
		},
		{Title: "Война и мир", Author: "Лев Николаевич Толстой", Language: "ru", PublishedAt: "1869-04", Price: "5.8", Currency: "EUR"},
	}
	for _, title := range []string{
		"WWWWWWWWWWWWWWW MMMMMMMMMMMMMMM", "mmmmmmmmmmmmmmmmmmmmmmmmm", "THE METAMORPHOSIS OF PLANTS", "Metamorphosis", strings.Repeat("W ", 100),
		strings.Repeat("紅樓夢三國演義", 20), "ШШШШШШШШШШШШ ЩЩЩЩЩЩЩЩЩЩЩЩ ЖЖЖЖЖЖЖЖЖЖ", "Ἰλιάς Ὀδύσσεια ΩΩΩΩΩΩΩΩΩΩΩΩΩ", "שלום עולם שלוםעולםשלוםעולם",
		strings.Repeat("🍕", 40), "１２３４５６７８９０ＡＢＣＤＥＦＧ", "吾輩は猫である。名前はまだ無い。", "ﬃﬃﬃﬃﬃﬃﬃﬃﬃﬃﬃﬃﬃﬃﬃ", "@@@@@@@@@@@@%%%%%%%%%%%%——————————",
		"https://books.example/a/very/long/address?with=parameters&and=more", "ÆŒÆŒÆŒÆŒÆŒÆŒÆŒÆŒ ÀÉÎÕÜÀÉÎÕÜÀÉÎÕÜ",
		"ألف ليلة وليلة ألفليلةوليلةألفليلة", "กระทรวงวัฒนธรรมแห่งชาติกระทรวง", "ვეფხისტყაოსანი ვეფხისტყაოსანი", "Հայաստան ՀԱՅԱՍՏԱՆՀԱՅԱՍՏԱՆ",
		"हिन्दीहिन्दीहिन्दीहिन्दीहिन्दी", "대한민국대한민국대한민국대한민국", "𝔉𝔯𝔞𝔨𝔱𝔲𝔯𝔉𝔯𝔞𝔨𝔱𝔲𝔯𝔉𝔯𝔞𝔨𝔱𝔲𝔯", "½½½½½½½½½½½½½½½½℃℃℃℃℃℃℃℃℃㎏㎏㎏㎏㎏㎏",
		"ﷺﷺﷺﷺﷺﷺ", "a" + strings.Repeat("\u0301\u0323", 60), "1,234,567,890,123,456,789", "_____________________________", "ĲĲĲĲĲĲĲĲĲĲĲǄǄǄǄǄǄǄǄǄ",
	} {
		books = append(books, &model.Book{Title: title, Author: title, Availability: model.ToOrder})
	}
	return append(books, numbered(60, func(b *model.Book) { b.Availability = model.InStock })...)
}

// visited is a page as a reader sees it.
type visited struct{ name, address string }

// everyKindOfPage serves shops and returns the addresses of their pages.
func everyKindOfPage(t *testing.T) []visited {
	failing := func(err error, changes ...func(*setup)) string {
		return newShop(t, append(changes, onIndex(func(context.Context) (*model.SearchResult, error) { return nil, err }))...).serve()
	}
	s := newShop(t, func(with *setup) {
		with.Contact, with.Imprint = strings.Repeat("very-long-address", 4)+"@shop.example", "https://shop.example/imprint"
	})
	s.add(hostileBooks()...)
	base := s.serve()
	shopOfMany := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) {
		return &model.SearchResult{IDs: []uint{1}, Total: 33_629}, nil
	}))
	shopOfMany.add(&model.Book{Title: "One of many"})
	many := shopOfMany.serve()
	withFacets := newShop(t, withEngine(t))
	withFacets.add(hostileBooks()...)
	withFacets.add(libraryBooks()...)
	for range 3 { // the home page recommends the first ones, with reasons
		withFacets.open(uuid.NewString(), 1, 2, 3, 4)
	}
	clever := withFacets.serve()
	long := strings.Repeat("Pneumonoultramicroscopicsilicovolcanoconiosis", 5)
	return []visited{
		{"home", base + "/"},
		{"what we record", base + "/privacy"},
		{"what we record, counting", newShop(t, counting).serve() + "/privacy?forgotten"},
		{"home, last page", base + "/?o=60"},
		{"results", base + "/?q=o&sort=title"},
		{"result of one long word", base + "/?q=donaudampfschifffahrtsgesellschaftdonaudampfschifffahrtsgesellschaft"},
		{"filters", base + "/?q=e&author=Anna+Author&limit=7&available=true"},
		{"many pages", many + "/?q=e&o=5000"},
		{"last page of very many", many + "/?q=e&o=9980"},
		{"pages of the plain list", many + "/?o=33600"},
		{"book", base + "/books/1"},
		{"book from results", base + "/books/2?q=" + long + "&author=" + long},
		{"nothing found", base + "/?q=" + long + "+" + long + "&author=" + long + "&language=en&decade=1990&available=false"},
		{"behind the end", base + "/?q=o&o=5000"},
		{"too many words", base + "/?q=" + strings.Repeat("o+", 40)},
		{"empty shop", newShop(t).serve() + "/"},
		{"home, browsing", clever + "/"},
		{"book, with what readers also opened", clever + "/books/1"},
		{"facets", clever + "/?q=tolstoy&language=en&subject=Russia"},
		{"facets of long values", clever + "/?available=false&author=" + strings.Repeat("Donaudampfschifffahrtsgesellschaft", 8)},
		{"facets of all", clever + "/?sort=title"},
		{"corrected", clever + "/?q=tolstoi"},
		{"relaxed", clever + "/?q=emma+" + long},
		{"wrong ISBN", clever + "/?q=9780306406158"},
		{"filter finds nothing", clever + "/?q=wells&language=de&subject=" + long},
		{"nothing found, words do", clever + "/?q=emma+mars+" + long + "&exact=true"},
		{"400", base + "/?o=x&q=" + long},
		{"too deep", base + "/?q=o&o=99999"},
		{"404", base + "/books/987654321"},
		{"404 without books", failing(errors.New("broken")) + "/books/987654321"},
		{"429", failing(&model.Error{Code: model.TooManyRequests}) + "/?q=" + long},
		{"500", failing(errors.New("broken")) + "/?q=" + long},
		{"503", failing(&model.Error{Code: model.UnavailableNow}) + "/?q=" + long},
		{"overloaded", failing(&model.Error{Code: model.Overloaded}) + "/?q=" + long},
	}
}

// browser is a tab of Chromium.
type browser struct {
	t   *testing.T
	tab context.Context
}

// newBrowser starts Chromium, or skips the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if !slices.ContainsFunc([]string{"chromium", "chromium-browser", "google-chrome"}, func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	}) {
		t.Skip("no chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.NoSandbox)) // root has none
	t.Cleanup(cancel)
	return &browser{t, ctx}
}

func (b *browser) open(address string) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.tab, chromedp.Navigate(address)), address)
}

func (b *browser) resize(width int64) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.tab, chromedp.EmulateViewport(width, 800)))
}

// prefer chooses the colour scheme light or dark.
func (b *browser) prefer(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
}

// evaluate returns the value of a script, or of its promise.
func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.tab, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	return value
}

// No page is wider than the screen, down to 320 px (WCAG 1.4.10), and nothing on it
// lies outside the screen.
func TestNoPageScrollsSideways(t *testing.T) {
	b := newBrowser(t)
	for _, page := range everyKindOfPage(t) {
		b.open(page.address)
		for _, width := range []int64{320, 768, 1280} {
			b.resize(width)
			where := fmt.Sprintf("%s, %d px", page.name, width)
			assert.LessOrEqual(t, evaluate[int64](b, `document.documentElement.scrollWidth`), width, where)
			assert.Empty(t, evaluate[[]string](b, `[...document.querySelectorAll('body *:not(.skip, .cover *, input)')].filter(e => {
				const box = e.getBoundingClientRect()
				return box.left < -0.5 || box.right > innerWidth + 0.5 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
			}).map(e => e.outerHTML.slice(0, 100))`), where)
		}
	}
}

// The text of a drawn cover stays within its frame.
func TestCoversHoldTheirText(t *testing.T) {
	b := newBrowser(t)
	s := newShop(t, func(with *setup) { with.PageSize = 100 })
	s.add(hostileBooks()...)
	b.resize(1280)
	b.open(s.serve())
	assert.Greater(t, evaluate[int](b, `document.querySelectorAll('.cover text').length`), 100)
	assert.Empty(t, evaluate[[]string](b, `[...document.querySelectorAll('.cover text')].filter(text => {
		const frame = text.closest('.cover').querySelector('.frame').getBoundingClientRect(), box = text.getBoundingClientRect()
		return box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom
	}).map(text => text.textContent)`))
}

// newAccessibleBrowser starts a browser for checkAccessible, or skips the test.
func newAccessibleBrowser(t *testing.T) *browser {
	t.Helper()
	if os.Getenv("TEST_AXE_DIR") == "" {
		t.Skip("TEST_AXE_DIR is not set")
	}
	return newBrowser(t)
}

// checkAccessible fails if axe has a complaint about a page, at any width, light or dark.
func (b *browser) checkAccessible(name, address string) {
	t := b.t
	t.Helper()
	axe, err := os.ReadFile(filepath.Join(os.Getenv("TEST_AXE_DIR"), "node_modules/axe-core/axe.min.js"))
	require.NoError(t, err)
	const check = `axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(found => ({
			passed: found.passes.length,
			violations: found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ': ' + node.html.slice(0, 200) + ' ' + node.failureSummary)),
		}))`
	type findings struct {
		Passed     int
		Violations []string
	}
	b.open(address)
	evaluate[chromedp.Void](b, string(axe))
	for _, width := range []int64{320, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.resize(width)
			b.prefer(scheme)
			where := fmt.Sprintf("%s, %d px, %s", name, width, scheme)
			found := evaluate[findings](b, check)
			assert.Empty(t, found.Violations, where)
			assert.Greater(t, found.Passed, 15, where)
		}
	}
}

// axe has no complaint about any kind of page.
func TestPagesAreAccessible(t *testing.T) {
	b := newAccessibleBrowser(t)
	for _, page := range everyKindOfPage(t) {
		b.checkAccessible(page.name, page.address)
	}
}
