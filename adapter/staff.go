package adapter

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"literank.com/event-books/domain/model"
)

// A wrong token slows its client down: loginBurst attempts at once, then one each
// loginEvery.
const (
	loginBurst = 5
	loginEvery = 2 * time.Second
)

func newLogins() limiters { return limiters{limit: rate.Every(loginEvery), burst: loginBurst} }

func (s *Server) staffOnly(c *gin.Context) {
	if err := s.requireStaff(c); err != nil {
		s.fail(c, err)
	}
}

// requireStaff returns an error unless the request comes from staff.
func (s *Server) requireStaff(c *gin.Context) error {
	staff, err := s.checkStaff(c)
	if err == nil && !staff {
		err = errNotStaff
	}
	return err
}

// isStaff reports whether a request for everyone comes from staff.
func (s *Server) isStaff(c *gin.Context) bool {
	staff, err := s.checkStaff(c)
	return err == nil && staff
}

var errNotStaff = model.Errorf(model.Unauthorized, "Authorization", "must be Bearer and the shop's admin token, because only staff may do this")

// checkToken reports whether the request has the staff's token.
func (s *Server) checkToken(c *gin.Context) (staff bool, err error) {
	scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false, nil
	}
	return s.isAdminToken(c, token)
}

// isAdminToken compares a client's token with that of the staff. It returns an error if the
// client has to wait after wrong tokens. Otherwise a program could guess as fast as it likes.
func (s *Server) isAdminToken(c *gin.Context, token string) (bool, error) {
	if s.options.AdminToken == "" {
		return false, nil
	}
	client := clientOf(c)
	if wait := s.logins.wait(client, time.Now()); wait > 0 {
		return false, &model.Error{Code: model.TooManyRequests, Message: "your address has sent too many wrong tokens", RetryAfter: wait}
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(hash[:], s.tokenHash[:]) == 1 {
		return true, nil
	}
	s.logins.take(client, 1, time.Now())
	s.log.Warn("wrong admin token", "client", c.ClientIP(), "request_id", c.GetString(requestIDKey))
	return false, nil
}
