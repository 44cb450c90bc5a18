// Package visitor describes the visitor behind a request: a person or a program,
// and the random number in the cookie of a visitor who agreed to it. It must not
// know gin or the application.
package visitor

import (
	"net/http"
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
	// cookieName's cookie holds a random UUID, or declined.
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
	// Secure cookies travel over HTTPS only.
	Secure bool
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
	id, _ := readCookie(r)
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
	id, answered := readCookie(r)
	switch {
	case id != "":
		return OfferToForget
	case answered:
		return NoNotice // the visitor said no and isn't asked again
	case v.Rule == On && r.Method == http.MethodGet && agent.Of(r) != model.BotAgent:
		v.setCookie(w, uuid.NewString())
		return OfferToForget
	}
	return AskConsent
}

// Accept sets the cookie, unless the browser has it or asks for privacy.
func (v *Visitors) Accept(w http.ResponseWriter, r *http.Request) {
	if id, _ := readCookie(r); id == "" && !wantsPrivacy(r) {
		v.setCookie(w, uuid.NewString())
	}
}

// Decline replaces the number with the answer no.
func (v *Visitors) Decline(w http.ResponseWriter) { v.setCookie(w, declined) }

func (v *Visitors) setCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: v.CookiePath, MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, Secure: v.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (v *Visitors) mayRemember(r *http.Request) bool {
	return v.Rule != Off && !wantsPrivacy(r)
}

// wantsPrivacy reports whether the browser asks not to be tracked.
func wantsPrivacy(r *http.Request) bool {
	return r.Header.Get("Sec-GPC") == "1" || r.Header.Get("DNT") == "1"
}

// readCookie returns the number, and whether the visitor answered at all. A
// malformed cookie is no answer.
func readCookie(r *http.Request) (id string, answered bool) {
	for _, cookie := range r.CookiesNamed(cookieName) {
		if cookie.Value == declined {
			return "", true
		}
		if parsed, err := uuid.Parse(cookie.Value); err == nil && parsed.Version() == 4 && parsed.String() == cookie.Value {
			return cookie.Value, true
		}
	}
	return "", false
}
