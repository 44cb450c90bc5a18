package visitor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"

	"literank.com/event-books/domain/model"
)

// How much of a client's address tells networks and browsers apart, in bits.
const (
	networkBits4, networkBits6 = 24, 48
	browserBits4, browserBits6 = 32, 64
)

// dailyVisitor returns 16 hexadecimal digits that are the same for all requests of a browser
// on one day: eight of the client's network, and eight of its address and User-Agent. It
// returns "" without a key or an address.
func dailyVisitor(key []byte, client, userAgent string) string {
	address, err := netip.ParseAddr(client)
	if key == nil || err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	network, browser := networkBits4, browserBits4
	if address.Is6() {
		network, browser = networkBits6, browserBits6
	}
	prefix := func(bits int) string { return netip.PrefixFrom(address, bits).Masked().String() }
	return digits(key, "network", prefix(network)) + digits(key, "browser", prefix(browser), userAgent)
}

// digits returns the first eight hexadecimal digits of an HMAC-SHA256 of texts. The first
// one says what it is for.
func digits(key []byte, texts ...string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(texts, "\n")))
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

// maxLanguage is the longest language tag that is kept, in bytes. Longer ones are made up
// (RFC 5646, section 4.4.1).
const maxLanguage = 35

// language returns the first language that the browser asks for, as a canonical BCP 47 tag,
// or "" if that is none.
func language(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	first, _, _ = strings.Cut(first, ";")
	first = strings.TrimSpace(first)
	if first == "" || len(first) > maxLanguage {
		return ""
	}
	tag, err := model.ParseLanguage(first)
	if err != nil || len(tag) > maxLanguage {
		return ""
	}
	return tag
}
