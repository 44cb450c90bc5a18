package adapter

import (
	"net/http"
	"net/url"

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
	staff, err := s.isAdminToken(c, c.PostForm("token"))
	switch {
	case err != nil:
		return s.desk.ShowSignIn(c, http.StatusTooManyRequests, desk.SignIn{Next: next, Wait: true})
	case !staff:
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
	everywhere := c.PostForm("everywhere") != "" && s.isStaff(c)
	if err := s.sessions.SignOut(c.Writer, c.Request, everywhere, s.isHTTPS(c.Request)); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, s.links.To(desk.SignInPath, nil))
	return nil
}

// checkStaff reports whether a request comes from staff: with the token, or signed in.
func (s *Server) checkStaff(c *gin.Context) (bool, error) {
	staff, err := s.checkToken(c)
	if staff || err != nil || c.GetHeader("Authorization") != "" || s.sessions == nil {
		return staff, err
	}
	return s.sessions.SignedIn(c.Request)
}

// eventLink returns the address of a search's event for staff who are signed in, or "".
func (s *Server) eventLink(c *gin.Context, searchID string) string {
	if !s.isStaff(c) {
		return ""
	}
	return s.links.To(desk.EventPath, url.Values{"id": {searchID}})
}
