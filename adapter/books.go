package adapter

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// withoutParameters is for addresses that take none.
func (s *Server) withoutParameters(c *gin.Context) {
	if err := query.RequireNone(c.Request.URL.RawQuery); err != nil {
		s.fail(c, err)
	}
}

// search carries out the search that a request asks for and sets the headers
// that every answer to one has. It returns the request's tag, too. It has ended the request if it isn't ok.
func (s *Server) search(c *gin.Context, surface model.Surface) (answer *executor.Answer, tag string, ok bool) {
	parse := query.ParseLenient
	if surface == model.APISurface {
		parse = query.ParseStrict
	}
	search, tag, err := parse(c.Request.URL.RawQuery, s.PageSize)
	if err != nil {
		s.fail(c, err)
		return nil, "", false
	}
	visit := model.Visit{Surface: surface, Agent: s.agent(c.Request), Tag: tag, ClientID: s.clientID(c.Request)}
	if c.Request.Method == http.MethodHead {
		visit = model.Visit{} // no search, no event
	}
	answer, err = s.Books.GetBooks(c.Request.Context(), search, visit)
	if err != nil {
		s.fail(c, err)
		return nil, "", false
	}
	c.Header("Cache-Control", "private, no-store")
	if answer.SearchID != "" {
		c.Header("X-Search-Id", answer.SearchID)
	}
	return answer, tag, true
}

func (s *Server) getBooks(c *gin.Context) {
	answer, tag, ok := s.search(c, model.APISurface)
	if !ok {
		return
	}
	c.Header("X-Total-Count", strconv.Itoa(answer.Total))
	var links []string
	for _, l := range []struct {
		rel    string
		search *model.Search
	}{{"prev", answer.Previous()}, {"next", answer.Next()}} {
		if l.search != nil {
			links = append(links, "<"+s.links.To("/api/books", s.links.Values(*l.search, tag))+`>; rel="`+l.rel+`"`)
		}
	}
	if len(links) > 0 {
		c.Header("Link", strings.Join(links, ", "))
	}
	c.Header("Content-Length", strconv.Itoa(len(answer.Body))) // or net/http would send larger answers in chunks
	c.Data(http.StatusOK, "application/json; charset=utf-8", answer.Body)
}

func (s *Server) getBook(c *gin.Context) {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerBook(c, http.StatusOK)(s.Books.GetBook(c.Request.Context(), id))
}

func (s *Server) createBook(c *gin.Context) {
	b, err := readBook(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerBook(c, http.StatusCreated)(s.Books.CreateBook(c.Request.Context(), b))
}

func (s *Server) updateBook(c *gin.Context) {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	b, err := readBook(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerBook(c, http.StatusOK)(s.Books.UpdateBook(c.Request.Context(), id, b))
}

func (s *Server) deleteBook(c *gin.Context) {
	id, err := query.ParseBookID(c.Param("id"))
	if err == nil {
		err = s.Books.DeleteBook(c.Request.Context(), id)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// answerBook answers with what an operation on one book returned.
func (s *Server) answerBook(c *gin.Context, status int) func(*model.Book, error) {
	return func(b *model.Book, err error) {
		if err != nil {
			s.fail(c, err)
			return
		}
		body, err := json.Marshal(b)
		if err != nil {
			s.fail(c, err)
			return
		}
		c.Header("Cache-Control", "private, no-cache")
		if status == http.StatusCreated {
			c.Header("Location", s.links.ToBook("/api/books", b.ID))
		}
		c.Data(status, "application/json; charset=utf-8", body)
	}
}

// wanted says in JSON's words what a field of that type takes.
func wanted(field reflect.Type) string {
	if field == nil {
		return "of another type"
	}
	if field == reflect.TypeFor[time.Time]() {
		return "a time such as 2006-01-02T15:04:05Z"
	}
	switch field.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Uint:
		return "a whole number that isn't too large"
	case reflect.Slice:
		return "an array of strings"
	}
	return "of another type"
}

// readBook reads the body strictly: unknown and repeated fields, invalid
// UTF-8 and half surrogate pairs are errors rather than silently something
// else.
func readBook(c *gin.Context) (*model.Book, error) {
	const notObject = "the body must be a JSON object"
	var b *model.Book
	err := jsonv2.UnmarshalRead(c.Request.Body, &b, jsonv2.RejectUnknownMembers(true))
	if err == nil && b == nil {
		return nil, model.Errorf(model.Malformed, "", notObject)
	}
	if err == nil {
		return b, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, model.Errorf(model.TooLarge, "", "the body is larger than %d bytes", maxBody)
	}
	malformed := &model.Error{Code: model.Malformed, Message: "the body is not valid JSON", Cause: err}
	if e, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		malformed.Field = strings.TrimPrefix(string(e.JSONPointer), "/")
		malformed.Message = "must be " + wanted(e.GoType)
		if errors.Is(err, jsonv2.ErrUnknownName) {
			malformed.Message = "is not a field of a book"
		}
		if malformed.Field == "" {
			malformed.Message = notObject
		}
	} else if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		malformed.Field, malformed.Message = strings.TrimPrefix(string(e.JSONPointer), "/"), "is given twice"
	}
	return nil, malformed
}
