// Package visitor describes the visitor behind a request: a person or a program, the random
// number in the cookie of a visitor who agreed to it, and the daily visitor. It must not know
// gin or the application.
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
	// Daily says that visitors without a number get a daily visitor. DayKey returns the key
	// of the UTC day of a time, or nil if it isn't known.
	Daily  bool
	DayKey func(at time.Time) []byte
}

// Visit describes a request for the event of its search. client is the client's address.
// HEAD requests are no searches and get the zero value.
func (v *Visitors) Visit(r *http.Request, client string, surface model.Surface, tag string) model.Visit {
	if r.Method == http.MethodHead {
		return model.Visit{}
	}
	visit := model.Visit{Surface: surface, Agent: agent.Of(r), Tag: tag, Language: language(r)}
	visit.ClientID, visit.Visitor = v.identify(r, client, visit.Agent, time.Now())
	return visit
}

// Agent says who sent a request.
func (v *Visitors) Agent(r *http.Request) model.Agent { return agent.Of(r) }

// Cookie returns the number of the visitor's cookie, or "" if there is none, or if the browser asks
// not to be tracked.
func (v *Visitors) Cookie(r *http.Request) string {
	id, _ := v.readCookie(r)
	if v.Rule == Off || wantsPrivacy(r) {
		return ""
	}
	return id
}

// Language returns the first language that a browser asks for, as a canonical BCP 47 tag, or "".
func (v *Visitors) Language(r *http.Request) string { return language(r) }

// Identify returns what the event of a search at that time tells about the visitor: the
// number of the cookie, or else the daily visitor, or neither.
func (v *Visitors) Identify(r *http.Request, client string, at time.Time) (clientID, daily string) {
	return v.identify(r, client, agent.Of(r), at)
}

func (v *Visitors) identify(r *http.Request, client string, by model.Agent, at time.Time) (clientID, daily string) {
	if wantsPrivacy(r) {
		return "", ""
	}
	id, answer := v.readCookie(r)
	if id != "" && v.Rule != Off {
		return id, ""
	}
	if !v.Daily || answer == no || by == model.BotAgent {
		return "", ""
	}
	return "", dailyVisitor(v.DayKey(at), client, r.UserAgent())
}

// Known returns all that events of today may tell about the visitor, whatever the browser
// asks for by now. The error has the code UnavailableNow while the shop can't tell.
func (v *Visitors) Known(r *http.Request, client string) (visitors []string, err error) {
	unavailable := &model.Error{Code: model.UnavailableNow, Message: "visitors can't be recognised at the moment"}
	id, answer := v.readCookie(r)
	switch {
	case id != "":
		visitors = append(visitors, id)
	case answer == yes && v.Key() == nil:
		return nil, unavailable
	}
	if v.Daily {
		key := v.DayKey(time.Now())
		if key == nil {
			return nil, unavailable
		}
		if daily := dailyVisitor(key, client, r.UserAgent()); daily != "" {
			visitors = append(visitors, daily)
		}
	}
	return visitors, nil
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
func (v *Visitors) Decline(w http.ResponseWriter, r *http.Request) {
	v.setCookie(w, r, declined, cookieAge)
}

// Forget deletes the cookie. The answer no stays, because it says nothing about the visitor.
func (v *Visitors) Forget(w http.ResponseWriter, r *http.Request) {
	if _, answer := v.readCookie(r); answer != no {
		v.setCookie(w, r, "", -time.Second)
	}
}

// State is what a browser has told the shop.
type State struct {
	// Accepted and Declined are the visitor's answer about the cookie. Private browsers
	// ask not to be tracked.
	Accepted, Declined, Private bool
}

// State returns the state of a browser.
func (v *Visitors) State(r *http.Request) State {
	_, answer := v.readCookie(r)
	return State{Accepted: answer == yes && v.Rule != Off, Declined: answer == no, Private: wantsPrivacy(r)}
}

// setNumber sets a new, signed number. It reports false while the key isn't known.
func (v *Visitors) setNumber(w http.ResponseWriter, r *http.Request) bool {
	key := v.Key()
	if key == nil {
		return false
	}
	id := uuid.NewString()
	v.setCookie(w, r, id+"."+sign(key, id), cookieAge)
	return true
}

// setCookie sets the cookie for a time, or deletes it if that is negative.
func (v *Visitors) setCookie(w http.ResponseWriter, r *http.Request, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: v.CookiePath, MaxAge: int(age.Seconds()),
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
