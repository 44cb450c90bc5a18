package pages

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/visitor"
)

// PrivacyPath is the page that says what the shop records.
const PrivacyPath = "/privacy"

// forgotten is the query string of that page after an erasure.
const forgotten = "forgotten"

// privacyData is the data of privacy.html.
type privacyData struct {
	frame
	// Form takes the visitor's answer.
	Form visitorForm
	// State is what the browser has told us.
	State visitor.State
	// Daily says that visitors of a day are counted, Cookies that browsers may get a number,
	// and Unasked that they get one without being asked.
	Daily, Cookies, Unasked bool
	// Days is how long events are kept, 0 if that isn't known.
	Days int
	// Forgotten confirms an erasure.
	Forgotten bool
}

// Privacy says in plain words what the shop records.
func (p *Pages) Privacy(c *gin.Context) error {
	data := &privacyData{
		frame:     p.frame(messages.Privacy),
		Form:      visitorForm{Action: p.Links.To(VisitorPath, nil), Back: PrivacyPath},
		State:     p.Visitors.State(c.Request),
		Daily:     p.Visitors.Daily,
		Cookies:   p.Visitors.Rule != visitor.Off,
		Unasked:   p.Visitors.Rule == visitor.On,
		Days:      int(p.Retention / (24 * time.Hour)),
		Forgotten: c.Request.URL.RawQuery == forgotten,
	}
	data.Canonical = p.Links.To(PrivacyPath, nil)
	c.Header("Cache-Control", "private, no-cache") // it depends on the cookie
	p.render(c, http.StatusOK, privacyTemplate, data)
	return nil
}
