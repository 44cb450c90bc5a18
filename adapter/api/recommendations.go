package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/adapter/reason"
	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// Recommendations has the handlers of recommendations.
type Recommendations struct {
	Operator *executor.RecommendationOperator
	Visitors *visitor.Visitors
}

// recommended is a book for a visitor. UserID is the same in all answers to a visitor, and tells
// nobody the number in the cookie.
type recommended struct {
	UserID string `json:"user_id"`
	Title  string `json:"title"`
	Author string `json:"author"`
	related
}

// related is a book with the reason for it.
type related struct {
	Score  float64     `json:"score"`
	Book   *model.Book `json:"book"`
	Reason string      `json:"reason"`
}

// ForVisitor answers with books for the visitor whose cookie comes with the request.
func (h *Recommendations) ForVisitor(c *gin.Context) error {
	n, err := query.ParsePageSize(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	clientID, language := h.Visitors.Cookie(c.Request), h.Visitors.Language(c.Request)
	user, list, err := h.Operator.ForVisitor(c.Request.Context(), clientID, language, n)
	if err != nil {
		return err
	}
	answer := make([]recommended, len(list))
	for i, r := range list {
		answer[i] = recommended{user, r.Book.Title, r.Book.Author, relatedOf(r)}
	}
	c.Header("Cache-Control", "private, no-store")
	c.JSON(http.StatusOK, answer)
	return nil
}

// Related answers with books for readers of a book.
func (h *Recommendations) Related(c *gin.Context) error {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		return err
	}
	n, err := query.ParsePageSize(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	list, err := h.Operator.Related(c.Request.Context(), id, n)
	if err != nil {
		return err
	}
	answer := make([]related, len(list))
	for i, r := range list {
		answer[i] = relatedOf(r)
	}
	c.Header("Cache-Control", "no-cache")
	c.JSON(http.StatusOK, answer)
	return nil
}

func relatedOf(r model.Recommendation) related { return related{r.Score, r.Book, reason.Text(r)} }
