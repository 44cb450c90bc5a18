package adapter

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/desk"
)

// deskOnly leads those who aren't signed in to the page on which they can.
func (s *Server) deskOnly(c *gin.Context) {
	staff, err := s.checkStaff(c)
	switch {
	case err != nil:
		s.fail(c, err)
	case !staff:
		c.Abort()
		c.Header("Cache-Control", "no-store")
		c.Redirect(http.StatusSeeOther, s.links.To(desk.SignInPath, url.Values{"next": {desk.Next(c.Request.URL.RequestURI())}}))
	}
}

// showSignIn shows the page on which staff sign in.
func (s *Server) showSignIn(c *gin.Context) error {
	return s.desk.ShowSignIn(c, http.StatusOK, desk.SignIn{Next: desk.Next(c.Query("next"))})
}

// signIn exchanges the admin token for a session.
func (s *Server) signIn(c *gin.Context) error {
	next := desk.Next(c.PostForm("next"))
	client := clientOf(c)
	if wait := s.logins.wait(client, time.Now()); wait > 0 {
		return s.desk.ShowSignIn(c, http.StatusTooManyRequests, desk.SignIn{Next: next, Wait: wait})
	}
	if !s.isToken(c.PostForm("token")) {
		s.wrongToken(c, client)
		return s.desk.ShowSignIn(c, http.StatusForbidden, desk.SignIn{Next: next, Wrong: true})
	}
	if err := s.sessions.SignIn(c.Writer, c.Request, s.isHTTPS(c.Request)); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, s.links.To(next, nil))
	return nil
}

// signOut ends the session, or all sessions.
func (s *Server) signOut(c *gin.Context) error {
	everywhere := c.PostForm("everywhere") != ""
	if err := s.sessions.SignOut(c.Writer, c.Request, everywhere, s.isHTTPS(c.Request)); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, s.links.To(desk.SignInPath, nil))
	return nil
}

// isToken reports whether a text is the admin token.
func (s *Server) isToken(text string) bool {
	hash := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return s.options.AdminToken != "" && subtle.ConstantTimeCompare(hash[:], s.tokenHash[:]) == 1
}

// wrongToken counts a wrong token against its client.
func (s *Server) wrongToken(c *gin.Context, client string) {
	s.logins.take(client, 1, time.Now())
	s.log.Warn("wrong admin token", "client", c.ClientIP(), "request_id", c.GetString(requestIDKey))
}

// checkStaff reports whether a request comes from staff: with the token, or signed in.
func (s *Server) checkStaff(c *gin.Context) (bool, error) {
	staff, err := s.checkToken(c)
	if staff || err != nil || c.GetHeader("Authorization") != "" || s.sessions == nil {
		return staff, err
	}
	return s.sessions.SignedIn(c.Request)
}
