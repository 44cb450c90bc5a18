package click_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/adapter/click"
	"literank.com/event-books/domain/model"
)

var (
	searched = time.Date(2026, 7, 1, 23, 58, 0, 123_456_789, time.UTC)
	signer   = click.Signer{DayKey: func(at time.Time) []byte { return fmt.Append(nil, "key of ", at.Format(time.DateOnly)) }}
)

func aClick() model.ClickEvent {
	return model.ClickEvent{
		SearchID: "0197a2b4-0000-7000-8000-000000000000", SearchTime: searched, Keyword: "moon", Offset: 40, Surface: model.PageSurface, Tag: "letter 7/é",
		Visitor: "0123456789abcdef", Book: 7, Ordinal: 43,
	}
}

// open opens a token as a request for a book does: with what else the click says.
func open(token string, now time.Time, c model.ClickEvent) (*model.ClickEvent, bool) {
	return signer.Open(token, now, func(opened *model.ClickEvent) {
		opened.Book, opened.Keyword, opened.ClientID, opened.Visitor = c.Book, c.Keyword, c.ClientID, c.Visitor
	})
}

func TestTokensSurvive(t *testing.T) {
	for name, change := range map[string]func(c *model.ClickEvent){
		"as it is":     func(*model.ClickEvent) {},
		"no tag":       func(c *model.ClickEvent) { c.Tag = "" },
		"first":        func(c *model.ClickEvent) { c.Offset, c.Ordinal = 0, 1 },
		"last":         func(c *model.ClickEvent) { c.Offset, c.Ordinal = model.MaxDepth-1, model.MaxDepth },
		"longest tag":  func(c *model.ClickEvent) { c.Tag = strings.Repeat("🍕", model.MaxTag) },
		"demo":         func(c *model.ClickEvent) { c.Surface = model.DemoSurface },
		"cookie":       func(c *model.ClickEvent) { c.ClientID, c.Visitor = "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11", "" },
		"nobody":       func(c *model.ClickEvent) { c.Visitor = "" },
		"largest book": func(c *model.ClickEvent) { c.Book = math.MaxInt64 },
	} {
		c := aClick()
		change(&c)
		token := signer.Token(&c)
		assert.Regexp(t, `^[A-Za-z0-9_-]+$`, token, "it needs no escaping")
		for _, later := range []time.Duration{0, time.Minute, 4 * time.Minute, 24 * time.Hour} { // over midnight, too
			got, ok := open(token, searched.Add(later), c)
			assert.True(t, ok, "%s, %s", name, later)
			assert.Equal(t, &c, got, name)
		}
	}
	c := aClick()
	assert.Less(t, len(signer.Token(&c)), 100)
}

func TestTokensOfAnotherClick(t *testing.T) {
	c := aClick()
	token := signer.Token(&c)
	for name, change := range map[string]func(c *model.ClickEvent){
		"another book":    func(c *model.ClickEvent) { c.Book++ },
		"another keyword": func(c *model.ClickEvent) { c.Keyword = "Moon" },
		"another visitor": func(c *model.ClickEvent) { c.Visitor = "0123456789abcde0" },
		"no visitor":      func(c *model.ClickEvent) { c.Visitor = "" },
		"a cookie":        func(c *model.ClickEvent) { c.ClientID, c.Visitor = c.Visitor, "" },
		"moved text":      func(c *model.ClickEvent) { c.Keyword, c.ClientID = "moo", "n" },
	} {
		other := aClick()
		change(&other)
		_, ok := open(token, searched, other)
		assert.False(t, ok, name)
	}
	for now, name := range map[time.Time]string{
		searched.Add(24*time.Hour + time.Nanosecond): "too old", searched.Add(-6 * time.Minute): "ahead", time.Unix(0, 0): "long before",
	} {
		_, ok := open(token, now, c)
		assert.False(t, ok, name)
	}
	other := click.Signer{DayKey: func(time.Time) []byte { return []byte("another key") }}
	_, ok := other.Open(token, searched, func(opened *model.ClickEvent) { *opened = c })
	assert.False(t, ok)
}

// No byte of a token can be changed.
func TestForgedTokens(t *testing.T) {
	c := aClick()
	token := signer.Token(&c)
	data, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for i := range data {
		for bit := range 8 {
			forged := append([]byte(nil), data...)
			forged[i] ^= 1 << bit
			_, ok := open(base64.RawURLEncoding.EncodeToString(forged), searched, c)
			require.False(t, ok, "bit %d of byte %d", bit, i)
		}
	}
	for n := range data {
		_, ok := open(base64.RawURLEncoding.EncodeToString(data[:n]), searched, c)
		require.False(t, ok, n)
	}
	for _, text := range []string{"", "x", token + "A", token + "=", " " + token, strings.Repeat("A", 1<<20), "%zz", "AQ"} {
		_, ok := open(text, searched, c)
		assert.False(t, ok)
	}
}

func TestNoKeyNoToken(t *testing.T) {
	c := aClick()
	token := signer.Token(&c)
	none := click.Signer{DayKey: func(time.Time) []byte { return nil }}
	assert.Empty(t, none.Token(&c))
	_, ok := none.Open(token, searched, func(*model.ClickEvent) { t.Error("nobody has to be recognised") })
	assert.False(t, ok)
	c.SearchID = "another program's"
	assert.Empty(t, signer.Token(&c))
}

func FuzzOpen(f *testing.F) {
	c := aClick()
	f.Add(signer.Token(&c))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, token string) {
		if opened, ok := open(token, searched, c); ok {
			require.Equal(t, signer.Token(&c), signer.Token(opened))
		}
	})
}
