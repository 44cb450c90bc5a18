package adapter

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// press types keys into the focused field.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		require.NoError(b.t, chromedp.Do(b.tab, chromedp.KeyEvent(key)))
	}
}

// until waits until an expression is true.
func (b *browser) until(expression string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		is, err := chromedp.Run(b.tab, chromedp.Evaluate[bool](expression))
		return err == nil && is // an error may come from the page that is just being left
	}, 20*time.Second, 20*time.Millisecond, expression)
}

// options lists the suggestions that are shown, the active one in brackets.
func (b *browser) options() []string {
	b.t.Helper()
	return evaluate[[]string](b, `document.querySelector('[role=listbox]').hidden ? [] : [...document.querySelectorAll('[role=option]')].map(o =>
		o.getAttribute('aria-selected') === 'true' && o.id === q.getAttribute('aria-activedescendant') ? '[' + o.textContent + ']' : o.textContent)`)
}

const (
	listOpen   = `q.getAttribute('aria-expanded') === 'true' && !document.querySelector('[role=listbox]').hidden`
	listClosed = `q.getAttribute('aria-expanded') === 'false' && document.querySelector('[role=listbox]').hidden && !q.hasAttribute('aria-activedescendant')`
)

// onSearchField opens a page of a shop with suggestions and focuses its search field.
func onSearchField(t *testing.T) (*browser, *shop, string) {
	t.Helper()
	b, s := newBrowser(t), library(t)
	address := s.serve()
	b.resize(1280)
	b.open(address + "/")
	b.until(`q.role === 'combobox'`)
	evaluate[chromedp.Void](b, `q.focus()`)
	return b, s, address
}

func TestSearchFieldCompletes(t *testing.T) {
	b, s, address := onSearchField(t)
	b.press("w", "a", "r")
	b.until(listOpen)
	assert.Equal(t, []string{"War and Peace", "The War of the Worlds"}, b.options())
	b.until(`document.querySelector('form [role=status]').textContent === '2 suggestions'`)
	b.press(kb.ArrowDown)
	assert.Equal(t, []string{"[War and Peace]", "The War of the Worlds"}, b.options())
	b.press(kb.ArrowDown)
	assert.Equal(t, []string{"War and Peace", "[The War of the Worlds]"}, b.options())
	b.press(kb.ArrowDown)
	assert.Equal(t, []string{"[War and Peace]", "The War of the Worlds"}, b.options(), "around")
	b.press(kb.ArrowUp)
	assert.Equal(t, "war", evaluate[string](b, `q.value`), "only Enter changes the field")
	b.press(kb.Home)
	assert.Equal(t, []string{"War and Peace", "The War of the Worlds"}, b.options())
	assert.Zero(t, evaluate[int](b, `q.selectionStart`))
	b.press(kb.End)
	assert.Equal(t, 3, evaluate[int](b, `q.selectionStart`))
	b.press(kb.Escape)
	b.until(listClosed)
	assert.Equal(t, "war", evaluate[string](b, `q.value`))
	b.press(kb.ArrowUp)
	assert.Equal(t, []string{"War and Peace", "[The War of the Worlds]"}, b.options(), "opens again")
	assert.Empty(t, s.events.take(), "no search yet")
	b.press(kb.Enter)
	b.until(`location.search !== '' && document.readyState === 'complete'`)
	assert.Equal(t, address+"/?q="+url.QueryEscape("The War of the Worlds"), evaluate[string](b, `location.href`))
	assert.Len(t, s.events.take(), 1)

	b.until(`q.role === 'combobox'`)
	evaluate[chromedp.Void](b, `q.focus(), q.select()`)
	b.press("e", "m", "m", kb.Enter)
	b.until(`location.search === '?q=emm'`)
	b.until(`q.role === 'combobox'`)
	evaluate[chromedp.Void](b, `q.focus(), q.select()`)
	b.press("a", "u", "s", "t")
	b.until(listOpen)
	b.until(`document.querySelectorAll('[role=option]').length === 1`) // slow keys show what fits the first ones
	assert.Equal(t, []string{"Jane Austen Author"}, b.options())
	require.NoError(t, chromedp.Do(b.tab, chromedp.Click(`[role=option]`)))
	b.until(`location.search === '?q=Jane+Austen'`)
	b.until(`q.role === 'combobox'`)
	evaluate[chromedp.Void](b, `q.focus()`)
	b.press(kb.Escape)
	assert.Empty(t, evaluate[string](b, `q.value`), "a second Escape clears the field")
}

// A later key replaces the request of an earlier one, and the shop isn't asked for each key.
func TestSearchFieldAsksSparingly(t *testing.T) {
	b, _, _ := onSearchField(t)
	evaluate[chromedp.Void](b, `window.asked = [], window.aborted = 0, window.fetch = (address, options) => {
		asked.push(new URL(address, location).searchParams.get('q'))
		return new Promise((resolve, reject) => options.signal.addEventListener('abort', () => { aborted++; reject(new DOMException('', 'AbortError')) }))
	}`)
	b.press("w", "a", "r")
	b.until(`asked.length === 1`)
	assert.Equal(t, []string{"war"}, evaluate[[]string](b, `asked`))
	b.press(" ", "a")
	b.until(`asked.length === 2 && aborted === 1`)
	assert.Equal(t, []string{"war", "war a"}, evaluate[[]string](b, `asked`))
	b.press(kb.Escape, kb.Escape)
	b.until(`aborted === 2`)
	b.until(listClosed)
}

// While an input method composes a word, its keys are its own.
func TestSearchFieldLeavesInputMethodsAlone(t *testing.T) {
	b, s, _ := onSearchField(t)
	evaluate[chromedp.Void](b, `window.asked = 0, window.really = fetch, window.fetch = (...all) => (asked++, really(...all)),
		window.timers = 0, window.later = setTimeout, window.setTimeout = (...all) => (timers++, later(...all))`)
	compose := func(text string) {
		_, err := chromedp.Call(b.tab, input.ImeSetComposition, input.ImeSetCompositionParams{Text: text, SelectionStart: 1, SelectionEnd: 1})
		require.NoError(t, err)
	}
	compose("わ")
	compose("わが")
	b.press(kb.Enter, kb.ArrowDown)
	assert.Equal(t, "わが", evaluate[string](b, `q.value`))
	assert.Zero(t, evaluate[int](b, `asked + timers`), "nor will it ask")
	assert.Empty(t, evaluate[string](b, `location.search`), "Enter ends the composition only")
	_, err := chromedp.Call(b.tab, input.InsertText, input.InsertTextParams{Text: "吾輩"})
	require.NoError(t, err)
	b.until(listOpen)
	assert.Equal(t, 1, evaluate[int](b, `asked`))
	assert.Equal(t, []string{"吾輩は猫である"}, b.options())
	assert.Empty(t, s.events.take())
}

// axe has no complaint about the open list.
func TestSearchFieldIsAccessible(t *testing.T) {
	folder := os.Getenv("TEST_AXE_DIR")
	if folder == "" {
		t.Skip("TEST_AXE_DIR is not set")
	}
	axe, err := os.ReadFile(filepath.Join(folder, "node_modules/axe-core/axe.min.js"))
	require.NoError(t, err)
	b, _, _ := onSearchField(t)
	b.press("w", "a", "r")
	b.until(listOpen)
	b.press(kb.ArrowDown)
	evaluate[chromedp.Void](b, string(axe))
	for _, width := range []int64{320, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.resize(width)
			b.prefer(scheme)
			found := evaluate[[]string](b, `axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(found =>
				found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ': ' + node.html.slice(0, 200) + ' ' + node.failureSummary)))`)
			assert.Empty(t, found, "%d px, %s", width, scheme)
			assert.Len(t, b.options(), 2, "still open")
			assert.LessOrEqual(t, evaluate[int64](b, `document.documentElement.scrollWidth`), width)
		}
	}
}

// A page without suggestions has an ordinary field.
func TestSearchFieldWithoutSuggestions(t *testing.T) {
	page := newShop(t).get("/").Body.String()
	assert.False(t, strings.Contains(page, "<script") || strings.Contains(page, "data-suggest"), page)
	assert.Contains(t, library(t, atBase("https://shop.example/b")).get("/books/999", "Accept", "text/html").Body.String(),
		fmt.Sprintf(`data-suggest=%q`, "https://shop.example/b/api/suggest"))
}
