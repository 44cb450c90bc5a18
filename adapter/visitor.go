package adapter

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"literank.com/event-books/domain/model"
)

// VisitorCookie is the rule by which browsers are given a number of their own.
type VisitorCookie string

const (
	// CookieOff gives none and reads none.
	CookieOff VisitorCookie = "off"
	// CookieAsk gives one to who says yes.
	CookieAsk VisitorCookie = "ask"
	// CookieOn gives one to everyone who doesn't say no.
	CookieOn VisitorCookie = "on"
)

const (
	// visitorCookie holds a random UUID, or declined.
	visitorCookie = "visitor"
	declined      = "no"
	// visitorAge is how long a browser keeps the answer, whichever it was.
	visitorAge = 180 * 24 * time.Hour
	// maxBack is the longest address to return to, in bytes.
	maxBack = 4000
)

// visitorForm is what the foot of a page says about the number; nil = nothing.
type visitorForm struct {
	// Action is where the form goes, Back the page to return to.
	Action, Back string
	// Known browsers carry a number already.
	Known bool
}

// wantsPrivacy reports that a browser asks not to be followed.
func wantsPrivacy(r *http.Request) bool {
	return r.Header.Get("Sec-GPC") == "1" || r.Header.Get("DNT") == "1"
}

// visitorOf reads the cookie: the number, and whether there is an answer at
// all. What is malformed counts as none.
func visitorOf(r *http.Request) (id string, answered bool) {
	for _, cookie := range r.CookiesNamed(visitorCookie) {
		if cookie.Value == declined {
			return "", true
		}
		if parsed, err := uuid.Parse(cookie.Value); err == nil && parsed.Version() == 4 && parsed.String() == cookie.Value {
			return cookie.Value, true
		}
	}
	return "", false
}

// clientID returns the number that events may carry, or "".
func (s *Server) clientID(r *http.Request) string {
	if s.VisitorCookie == CookieOff || wantsPrivacy(r) {
		return ""
	}
	id, _ := visitorOf(r)
	return id
}

// welcome looks after the visitor's number on a page that is no result of a
// keyword: coming back to one would be another search. It returns what the
// page says about it.
func (s *Server) welcome(c *gin.Context) *visitorForm {
	if s.VisitorCookie == CookieOff || wantsPrivacy(c.Request) {
		return nil
	}
	id, answered := visitorOf(c.Request)
	if !answered && s.VisitorCookie == CookieOn && c.Request.Method == http.MethodGet && s.agent(c.Request) != model.BotAgent {
		s.setVisitor(c, uuid.NewString())
		id, answered = "given", true
	}
	if answered && id == "" {
		return nil // asked once is enough
	}
	return &visitorForm{Action: s.links.To("/visitor", nil), Back: c.Request.URL.RequestURI(), Known: id != ""}
}

func (s *Server) setVisitor(c *gin.Context, value string) {
	path := (&url.URL{Path: cmp.Or(s.basePath, "/")}).EscapedPath() // as browsers compare it
	http.SetCookie(c.Writer, &http.Cookie{
		Name: visitorCookie, Value: value, Path: path, MaxAge: int(visitorAge.Seconds()),
		HttpOnly: true, Secure: strings.HasPrefix(s.links.Base, "https://"), SameSite: http.SameSiteLaxMode,
	})
}

// answerVisitor takes the answer to the offer, or its withdrawal.
func (s *Server) answerVisitor(c *gin.Context) {
	if s.VisitorCookie == CookieOff {
		s.failStatus(c, http.StatusNotFound, "There is nothing at this address.")
		return
	}
	if err := c.Request.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			s.fail(c, model.Errorf(model.TooLarge, "", "the body is larger than %d bytes", maxBody))
			return
		}
		s.fail(c, &model.Error{Code: model.Malformed, Message: "the form can't be decoded", Cause: err})
		return
	}
	switch choice := c.Request.PostForm.Get("choice"); choice {
	case "no":
		s.setVisitor(c, declined)
	case "yes":
		if id, _ := visitorOf(c.Request); id == "" && !wantsPrivacy(c.Request) {
			s.setVisitor(c, uuid.NewString())
		}
	default:
		s.fail(c, model.Errorf(model.Malformed, "choice", "must be yes or no"))
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, s.links.Base+ownPage(c.Request.PostForm.Get("back")))
}

// ownPage returns an address within the shop: back, if it is one of its pages,
// else the first.
func ownPage(back string) string {
	u, err := url.ParseRequestURI(back)
	if err != nil || len(back) > maxBack || u.Host != "" || u.Scheme != "" || u.Path != "/" && !strings.HasPrefix(u.Path, "/books/") {
		return "/"
	}
	return u.RequestURI()
}
