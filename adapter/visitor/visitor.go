// Package visitor describes the visitor behind a request: a person or a program,
// and the random number in the cookie of a visitor who agreed to it. It must not
// know gin or the application.
package visitor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/adapter/agent"
	"literank.com/event-books/domain/model"
)

// Rule says which browsers get the cookie.
type Rule string

const (
	// Off: none; the shop ignores cookies that browsers still have.
	Off Rule = "off"
	// Ask: those whose visitors say yes. This is the default.
	Ask Rule = "ask"
	// On: all whose visitors don't say no.
	On Rule = "on"
)

const (
	// cookieName's cookie holds a random UUID with a signature, or declined.
	cookieName = "visitor"
	declined   = "no"
	// cookieAge is how long a browser keeps the answer, yes or no.
	cookieAge = 180 * 24 * time.Hour
)

// Visitors applies a rule to requests.
type Visitors struct {
	Rule Rule
	// CookiePath is the path of the shop, escaped as browsers compare it.
	CookiePath string
	// Secure reports whether the cookie must travel over HTTPS only.
	Secure func(r *http.Request) bool
	// Key returns the key that signs the numbers, so that nobody can make one up. It
	// returns nil while the key isn't known; then no cookie is set, and no number is
	// taken.
	Key func() []byte
}

// Visit describes a request for the event of its search. HEAD requests are no
// searches and get the zero value.
func (v *Visitors) Visit(r *http.Request, surface model.Surface, tag string) model.Visit {
	if r.Method == http.MethodHead {
		return model.Visit{}
	}
	return model.Visit{Surface: surface, Agent: agent.Of(r), Tag: tag, ClientID: v.clientID(r)}
}

// clientID returns the number that events may carry, or "".
func (v *Visitors) clientID(r *http.Request) string {
	if !v.mayRemember(r) {
		return ""
	}
	id, _ := v.readCookie(r)
	return id
}

// Notice is what a page says about the cookie.
type Notice int

const (
	NoNotice Notice = iota
	// AskConsent: the page asks whether the shop may set the cookie.
	AskConsent
	// OfferToForget: the page says that there is a cookie and offers to delete it.
	OfferToForget
)

// Welcome sets the cookie if the rule is On and returns the notice for the page.
func (v *Visitors) Welcome(w http.ResponseWriter, r *http.Request) Notice {
	if !v.mayRemember(r) {
		return NoNotice
	}
	id, answer := v.readCookie(r)
	switch {
	case id != "":
		return OfferToForget
	case answer == no:
		return NoNotice // the visitor isn't asked again
	case (answer == yes || v.Rule == On) && isPageView(r):
		if v.setNumber(w, r) || answer == yes {
			return OfferToForget
		}
		return NoNotice // there is nothing to forget
	}
	return AskConsent
}

// Renew gives a browser that said yes and has no valid number a new one. Welcome does the
// same.
func (v *Visitors) Renew(w http.ResponseWriter, r *http.Request) {
	if id, answer := v.readCookie(r); id == "" && answer == yes && v.mayRemember(r) && isPageView(r) {
		v.setNumber(w, r)
	}
}

// Accept sets the cookie, unless the browser has it or asks for privacy.
func (v *Visitors) Accept(w http.ResponseWriter, r *http.Request) {
	if id, _ := v.readCookie(r); id == "" && !wantsPrivacy(r) {
		v.setNumber(w, r)
	}
}

// Decline replaces the number with the answer no.
func (v *Visitors) Decline(w http.ResponseWriter, r *http.Request) { v.setCookie(w, r, declined) }

// setNumber sets a new, signed number. It reports false while the key isn't known.
func (v *Visitors) setNumber(w http.ResponseWriter, r *http.Request) bool {
	key := v.Key()
	if key == nil {
		return false
	}
	id := uuid.NewString()
	v.setCookie(w, r, id+"."+sign(key, id))
	return true
}

func (v *Visitors) setCookie(w http.ResponseWriter, r *http.Request, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: v.CookiePath, MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, Secure: v.Secure(r), SameSite: http.SameSiteLaxMode,
	})
}

// sign returns the first 16 bytes of an HMAC-SHA256 (RFC 2104) in base64url.
func sign(key []byte, id string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// isPageView reports whether a browser asks for a page. Only then it gets a number.
func isPageView(r *http.Request) bool {
	return r.Method == http.MethodGet && agent.Of(r) != model.BotAgent
}

func (v *Visitors) mayRemember(r *http.Request) bool {
	return v.Rule != Off && !wantsPrivacy(r)
}

// wantsPrivacy reports whether the browser asks not to be tracked.
func wantsPrivacy(r *http.Request) bool {
	return r.Header.Get("Sec-GPC") == "1" || r.Header.Get("DNT") == "1"
}

// answer is what the visitor said about the cookie.
type answer int

const (
	none answer = iota
	yes
	no
)

// readCookie returns the number and the answer of the visitor. A number without our
// signature, such as one from before there were signatures, is a yes without a number. A
// malformed cookie is no answer.
func (v *Visitors) readCookie(r *http.Request) (id string, said answer) {
	for _, cookie := range r.CookiesNamed(cookieName) {
		if cookie.Value == declined {
			return "", no
		}
		id, signature, _ := strings.Cut(cookie.Value, ".")
		if parsed, err := uuid.Parse(id); err != nil || parsed.Version() != 4 || parsed.String() != id {
			continue
		}
		if key := v.Key(); key != nil && hmac.Equal([]byte(signature), []byte(sign(key, id))) {
			return id, yes
		}
		said = yes
	}
	return "", said
}
