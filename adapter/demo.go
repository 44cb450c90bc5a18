package adapter

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/domain/model"
)

// demoHeader carries the staff's token in the requests of simulated shoppers. Nobody else can
// mark searches as theirs.
const demoHeader = "X-Event-Books-Demo"

// saysDemo reports whether a request claims to come from a simulated shopper.
func saysDemo(r *http.Request) bool { return len(r.Header.Values(demoHeader)) > 0 }

// isDemo reports whether a simulated shopper sent the request. It returns an error if the
// request claims so without the staff's token.
func (s *Server) isDemo(c *gin.Context) (bool, error) {
	if !saysDemo(c.Request) {
		return false, nil
	}
	demo, err := s.isAdminToken(c, c.GetHeader(demoHeader))
	if err == nil && !demo {
		err = model.Errorf(model.Unauthorized, demoHeader, "must be the shop's admin token, because only staff may simulate shoppers")
	}
	return demo, err
}

// clearDemo forgets what simulated shoppers have done so far.
func (s *Server) clearDemo(c *gin.Context) error {
	if err := s.options.Demo.ClearDemo(c.Request.Context()); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
