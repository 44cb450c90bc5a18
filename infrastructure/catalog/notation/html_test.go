package notation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/infrastructure/catalog/notation"
)

func TestHTMLBecomesText(t *testing.T) {
	for text, want := range map[string]string{
		"<div><p>By the <em>sea</em>.</p><p>Again &amp; again</p></div>": "By the sea.\nAgain & again",
		`<p>One.</p>\n<p>Two.</p>`:                                       "One.\nTwo.", "One<br/>two<br>three": "One\ntwo\nthree", "<ul><li>a</li><li>b</li></ul>": "a\nb",
		"Salt &amp; Road": "Salt & Road", "caf&eacute; &#8211; &#x2014;": "café – —", "&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;": "One\nTwo",
		"a < b": "a < b", "AT&T": "AT&T", "C<T> and Vec<int>": "C<T> and Vec<int>", "<p>Map<K> of things</p>": "Map<K> of things", "List<a> of <b>": "List<a> of <b>", "a <b>bold</b> one": "a bold one", "?a=1&copy=2": "?a=1&copy=2", "&nothing;": "&nothing;", "x <y> z": "x <y> z",
		"<script>alert(1)</script><p>x</p>": "x", "<p>x<style>p{}</style>y</p>": "xy", `<a href="https://example.com">here</a>`: "here", "<o:p></o:p><p>x</p>": "x",
		"Buy <script>alert(1)</script>now": "Buy now", "<script src=x></script>": "", "<style>p{}</style>One": "One", "<script>alert(1)": "", "One<script>x</script>": "One",
		"One <b>bold word": "One bold word", "<i>Emma, a novel": "Emma, a novel", "One <em>fine day": "One fine day", `See <a href="https://example.com">here`: "See here", `<span class="x">One`: "One", "One day.</p": "One day.", `One <a href="https://exa`: "One",
		"if a <b and b> c": "if a <b and b> c", "Map<b>x": "Map<b>x",
		"one\ntwo": "one\ntwo", "<3 you": "<3 you", "plain": "plain", `C:\new`: `C:\new`, "1 &lt; 2": "1 < 2", "<!-- hidden --><p>seen</p>": "seen", "&amp;amp;": "&amp;",
	} {
		assert.Equal(t, want, notation.Text(text), text)
	}
	for line, want := range map[string]string{
		"Salt &amp; Road": "Salt & Road", "<i>Emma</i>, a novel": "Emma, a novel", "AT&T": "AT&T", "a < b": "a < b", "C<T>": "C<T>", "The <b> tag": "The <b> tag", "One<br>Two": "One Two",
		"H<sub>2</sub>O": "H2O", "<p>One</p><p>Two</p>": "One Two", "<h1>Emma</h1>": "Emma", "<li>One</li><li>Two</li>": "One Two", "Emma<script>alert(1)</script>": "Emma", "Emma <!-- draft -->": "Emma", "D&#39;Art": "D'Art", "Q&A;": "Q&A;",
	} {
		assert.Equal(t, want, notation.Line(line), line)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"<p>a &amp; b</p>", "a < b", "<script>x", "&lt;p&gt;", "<p", "<!--", "<a href='"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		notation.Text(s)
		notation.Line(s)
	})
}
