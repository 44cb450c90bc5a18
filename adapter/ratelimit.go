package adapter

import (
	"cmp"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"literank.com/event-books/adapter/agent"
	"literank.com/event-books/domain/model"
)

const (
	// burst is how many seconds' worth of requests a client may send at once.
	burst = 5
	// botShare is the part of the rate that crawlers get.
	botShare = 0.2
	// maxClients bounds the clients that are remembered: see forget.
	maxClients = 50_000
)

// limiters are token buckets by client.
type limiters struct {
	limit rate.Limit
	burst int

	mu sync.Mutex
	// recent has the clients since begun, before has those of the time before it.
	recent, before map[string]*rate.Limiter
	begun          time.Time
}

// take takes n tokens from a client's bucket. If it has less, take returns the time until
// it has enough, and takes none.
func (l *limiters) take(client string, n int, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(client, now)
	if b.AllowN(now, n) {
		return 0
	}
	return l.until(b, n, now)
}

// wait returns the time until a client's bucket has a token.
func (l *limiters) wait(client string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := cmp.Or(l.recent[client], l.before[client])
	if b == nil || b.TokensAt(now) >= 1 {
		return 0
	}
	return l.until(b, 1, now)
}

func (l *limiters) until(b *rate.Limiter, n int, now time.Time) time.Duration {
	return time.Duration((float64(n) - b.TokensAt(now)) / float64(l.limit) * float64(time.Second))
}

func (l *limiters) bucket(client string, now time.Time) *rate.Limiter {
	l.forget(now)
	b := cmp.Or(l.recent[client], l.before[client])
	if b == nil {
		b = rate.NewLimiter(l.limit, l.burst)
	}
	l.recent[client] = b
	return b
}

// forget drops the clients of the time before, once all of their buckets are full again,
// because a new bucket would be the same, or if there are too many recent clients.
func (l *limiters) forget(now time.Time) {
	full := time.Duration(float64(l.burst) / float64(l.limit) * float64(time.Second))
	if l.recent == nil || now.Sub(l.begun) > full || len(l.recent) >= maxClients/2 {
		l.recent, l.before, l.begun = map[string]*rate.Limiter{}, l.recent, now
	}
}

// newRequests limits the requests of a client to so many a second; 0 means any number.
func newRequests(perSecond int) limiters {
	return limiters{limit: rate.Limit(perSecond), burst: burst * perSecond}
}

// rateLimit refuses clients that send too many requests. Staff and simulated shoppers may send
// any number, and operations and static files are free.
func (s *Server) rateLimit(c *gin.Context) {
	if s.requests.limit == 0 || free(c.Request.URL.Path) {
		return
	}
	tokens := 1
	if agent.Of(c.Request) == model.BotAgent {
		tokens = int(math.Round(1 / botShare))
	}
	if wait := s.requests.take(clientOf(c), tokens, time.Now()); wait > 0 && !s.isUnlimited(c) {
		s.fail(c, &model.Error{Code: model.TooManyRequests, Message: "your address has sent too many requests", RetryAfter: wait})
	}
}

// isUnlimited reports whether a client may send any number of requests.
func (s *Server) isUnlimited(c *gin.Context) bool {
	demo, err := s.isDemo(c)
	return err == nil && demo || s.isStaff(c)
}

// free reports whether requests for a path aren't counted.
func free(path string) bool {
	return path == "/livez" || path == "/readyz" || path == "/robots.txt" || strings.HasPrefix(path, "/static/")
}
