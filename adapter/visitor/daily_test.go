package visitor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestDailyVisitor(t *testing.T) {
	key := []byte("a key")
	of := func(client, userAgent string) string { return dailyVisitor(key, client, userAgent) }
	one := of("192.0.2.7", "Firefox")
	assert.Regexp(t, "^[0-9a-f]{16}$", one)
	for name, c := range map[string]struct {
		other            string
		network, browser bool // are the same
	}{
		"again":                      {of("192.0.2.7", "Firefox"), true, true},
		"as IPv6":                    {of("::ffff:192.0.2.7", "Firefox"), true, true},
		"a neighbour":                {of("192.0.2.8", "Firefox"), true, false},
		"another network":            {of("192.0.3.7", "Firefox"), false, false},
		"another browser":            {of("192.0.2.7", "Chrome"), true, false},
		"another day":                {dailyVisitor([]byte("another key"), "192.0.2.7", "Firefox"), false, false},
		"text moved from one part":   {of("192.0.2.7", ""), true, false},
		"a key that is one byte off": {dailyVisitor([]byte("a kex"), "192.0.2.7", "Firefox"), false, false},
	} {
		assert.Equal(t, c.network, one[:8] == c.other[:8], name)
		assert.Equal(t, c.browser, one[8:] == c.other[8:], name)
	}
	six := of("2001:db8:1:2:3:4:5:6", "Firefox")
	assert.Equal(t, six, of("2001:db8:1:2:ffff::1", "Firefox"), "a client has a whole /64")
	assert.Equal(t, six, of("2001:db8:1:2:3:4:5:6%eth0", "Firefox"))
	assert.Equal(t, six[:8], of("2001:db8:1:3::1", "Firefox")[:8], "a network is a /48")
	assert.NotEqual(t, six[8:], of("2001:db8:1:3::1", "Firefox")[8:])
	assert.NotEqual(t, six[:8], of("2001:db8:2:2::1", "Firefox")[:8])

	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("network\n192.0.2.0/24"))
	assert.Equal(t, hex.EncodeToString(mac.Sum(nil)[:4]), one[:8], "HMAC-SHA256, which mustn't change within a day")

	assert.Empty(t, dailyVisitor(nil, "192.0.2.7", "Firefox"))
	assert.Empty(t, of("", "Firefox"))
	assert.Empty(t, of("not an address", "Firefox"))
}

// A visitor is recognised by the key of the day that is asked for: a search at 23:58 may be
// clicked at 00:02.
func TestIdentifyByTheKeyOfADay(t *testing.T) {
	v := &Visitors{Rule: Ask, Daily: true, Key: func() []byte { return nil }, DayKey: func(at time.Time) []byte { return []byte(at.Format(time.DateOnly)) }}
	r := &http.Request{Method: http.MethodGet, Header: http.Header{"User-Agent": {"shop-app/1.0"}}}
	searched := time.Date(2026, 7, 1, 23, 58, 0, 0, time.UTC)
	_, then := v.Identify(r, "192.0.2.7", searched)
	_, again := v.Identify(r, "192.0.2.7", searched.Add(time.Minute))
	_, nextDay := v.Identify(r, "192.0.2.7", searched.Add(4*time.Minute))
	assert.NotEmpty(t, then)
	assert.Equal(t, then, again)
	assert.NotEqual(t, then[:8], nextDay[:8])
	assert.NotEqual(t, then[8:], nextDay[8:])
}

func TestLanguage(t *testing.T) {
	for asked, want := range map[string]string{
		"": "", "de": "de", "de-AT,de;q=0.9,en;q=0.5": "de-AT", " EN-us ; q=1 , fr": "en-US", "eng": "en", "zh-hant-tw": "zh-Hant-TW",
		"*": "", "*;q=0.5, de": "", "english": "", "xx-nonsense!": "", ",de": "", "de_CH": "de-CH", "\xff": "", "und": "", "<script>": "",
		"de-" + "x-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd": "",
	} {
		r := &http.Request{Header: http.Header{"Accept-Language": {asked, "fr"}}}
		assert.Equal(t, want, language(r), asked)
	}
	assert.Empty(t, language(&http.Request{}))
}
