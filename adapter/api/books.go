// Package api answers programs: books as JSON, and the documents that describe
// the shop's interfaces. Its handlers return errors, which package adapter
// answers. It must not know databases or Kafka.
package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/adapter/search"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// Books has the handlers of books and of searches.
type Books struct {
	Operator *executor.BookOperator
	Trends   *executor.TrendOperator
	Searcher *search.Searcher
	Links    query.Links
	// Staff returns an error unless a request has the staff's token.
	Staff func(c *gin.Context) error
}

const path = "/api/books"

// Get answers with one book.
func (h *Books) Get(c *gin.Context) error {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		return err
	}
	b, err := h.Operator.GetBook(c.Request.Context(), id)
	if err != nil {
		return err
	}
	return answerBook(c, http.StatusOK, b)
}

// Create stores a new book and answers with it.
func (h *Books) Create(c *gin.Context) error {
	b, err := readBook(c.Request.Body)
	if err != nil {
		return err
	}
	created, err := h.Operator.CreateBook(c.Request.Context(), b)
	if err != nil {
		return err
	}
	c.Header("Location", h.Links.ToBook(path, created.ID))
	return answerBook(c, http.StatusCreated, created)
}

// Replace replaces a book and answers with it.
func (h *Books) Replace(c *gin.Context) error {
	b, err := readBook(c.Request.Body)
	if err != nil {
		return err
	}
	return h.change(c, func(*model.Book) (*model.Book, error) { return b, nil })
}

// Patch changes some fields of a book and answers with it.
func (h *Books) Patch(c *gin.Context) error {
	c.Header("Accept-Patch", patchType)
	p, err := readPatch(c.Request)
	if err != nil {
		return err
	}
	return h.change(c, p.apply)
}

// Delete removes a book.
func (h *Books) Delete(c *gin.Context) error {
	return h.change(c, func(*model.Book) (*model.Book, error) { return nil, nil })
}

// change stores what next makes of the book in the request's path, if the book is in the
// state that the request asks for. If next returns nil, it deletes the book.
func (h *Books) change(c *gin.Context, next func(*model.Book) (*model.Book, error)) error {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		return err
	}
	changed, err := h.Operator.ChangeBook(c.Request.Context(), id, func(current *model.Book) (*model.Book, error) {
		if err := checkState(c.Request.Header, current); err != nil {
			return nil, err
		}
		return next(current)
	})
	if err != nil {
		return err
	}
	if changed == nil {
		c.Status(http.StatusNoContent)
		return nil
	}
	return answerBook(c, http.StatusOK, changed)
}

func answerBook(c *gin.Context, status int, b *model.Book) error {
	body, tag, err := encode(b)
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "private, no-cache")
	c.Header("ETag", tag)
	if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
		if matches(c.Request.Header["If-None-Match"], tag, weakly) {
			c.Status(http.StatusNotModified)
			return nil
		}
	}
	c.Data(status, "application/json; charset=utf-8", body)
	return nil
}
