package adapter

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// searchParams are the parameters of a search.
var searchParams = []string{"q", "o", "limit", "sort", "author", "language", "subject", "decade", "available", "tag"}

// question is what a request for a search asks.
type question struct {
	offset  int
	keyword model.Keyword
	page    executor.Page
	tag     string
}

// parseSearch reads a search from the raw query of a request. A strict
// reader refuses parameters that it doesn't know; pages pass over them and over
// a malformed tag, since links to the shop pick up such things on their way.
func (s *Server) parseSearch(rawQuery string, strict bool) (q question, err error) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return q, &model.Error{Code: model.Malformed, Message: "the query can't be decoded", Cause: err}
	}
	if strict {
		for name, list := range values {
			if !slices.Contains(searchParams, name) {
				return q, model.Errorf(model.Malformed, name, "is not a parameter of this address; these are: %s", strings.Join(searchParams, ", "))
			}
			if len(list) > 1 {
				return q, model.Errorf(model.Malformed, name, "is given %d times", len(list))
			}
		}
	}
	if q.keyword, err = model.ParseKeyword(values.Get("q")); err != nil {
		return q, err
	}
	if q.page.Filters, err = model.ParseFilters(values.Get); err != nil {
		return q, err
	}
	if q.page.Sort, err = model.ParseSort(values.Get("sort")); err != nil {
		return q, err
	}
	if q.offset, err = parseNumber(values, "o", 0, 0, model.MaxOffset); err != nil {
		return q, err
	}
	if q.page.Limit, err = parseNumber(values, "limit", s.PageSize, 1, model.MaxLimit); err != nil {
		return q, err
	}
	if q.tag, err = model.ParseTag(values.Get("tag")); err != nil && strict {
		return q, err
	}
	return q, nil
}

// withoutParameters is for addresses that take none.
func (s *Server) withoutParameters(c *gin.Context) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		s.fail(c, &model.Error{Code: model.Malformed, Message: "the query can't be decoded", Cause: err})
		return
	}
	for name := range values {
		s.fail(c, model.Errorf(model.Malformed, name, "is not a parameter: this address takes none"))
		return
	}
}

func parseNumber(values url.Values, name string, byDefault, least, most int) (int, error) {
	text := values.Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, model.Errorf(model.Malformed, name, "must be a whole number from %d to %d", least, most)
	}
	return n, nil
}

// searchValues is the inverse of parseSearch, without what is by default. Links
// that go on with a search keep its tag; those to another keyword lose it.
func (s *Server) searchValues(search model.Search, tag string) url.Values {
	values := search.Filters.Values()
	if tag != "" {
		values.Set("tag", tag)
	}
	if search.Keyword != "" {
		values.Set("q", string(search.Keyword))
	}
	if search.Offset > 0 {
		values.Set("o", strconv.Itoa(search.Offset))
	}
	if search.Limit != s.PageSize {
		values.Set("limit", strconv.Itoa(search.Limit))
	}
	if search.Sort != model.ByRelevance {
		values.Set("sort", string(search.Sort))
	}
	return values
}

// neighbours returns the searches for the pages before and after, nil where
// there is none.
func neighbours(a *executor.Answer) (prev, next *model.Search) {
	if a.Search.Offset > 0 {
		before := a.Search
		before.Offset = max(0, min(a.Search.Offset-a.Search.Limit, lastOffset(a)))
		prev = &before
	}
	if end := a.Search.Offset + len(a.Books); len(a.Books) > 0 && end < a.Total {
		after := a.Search
		after.Offset = end
		next = &after
	}
	return prev, next
}

// lastOffset is where the last page that isn't empty begins.
func lastOffset(a *executor.Answer) int {
	return max(0, a.Total-1) / a.Search.Limit * a.Search.Limit
}

// search carries out the search that a request asks for and sets the headers
// that every answer to one has. It returns the request's tag, too. It has ended the request if it isn't ok.
func (s *Server) search(c *gin.Context, surface model.Surface) (answer *executor.Answer, tag string, ok bool) {
	q, err := s.parseSearch(c.Request.URL.RawQuery, surface == model.APISurface)
	if err != nil {
		s.fail(c, err)
		return nil, "", false
	}
	visit := model.Visit{Surface: surface, Agent: s.agent(c.Request), Tag: q.tag, ClientID: s.clientID(c.Request)}
	if c.Request.Method == http.MethodHead {
		visit = model.Visit{} // no search, no event
	}
	answer, err = s.Books.GetBooks(c.Request.Context(), q.offset, q.keyword, q.page, visit)
	if err != nil {
		s.fail(c, err)
		return nil, "", false
	}
	c.Header("Cache-Control", "private, no-store")
	if answer.SearchID != "" {
		c.Header("X-Search-Id", answer.SearchID)
	}
	return answer, q.tag, true
}

func (s *Server) getBooks(c *gin.Context) {
	answer, tag, ok := s.search(c, model.APISurface)
	if !ok {
		return
	}
	c.Header("X-Total-Count", strconv.Itoa(answer.Total))
	prev, next := neighbours(answer)
	var links []string
	for _, l := range []struct {
		rel    string
		search *model.Search
	}{{"prev", prev}, {"next", next}} {
		if l.search != nil {
			links = append(links, "<"+s.link("/api/books", s.searchValues(*l.search, tag))+`>; rel="`+l.rel+`"`)
		}
	}
	if len(links) > 0 {
		c.Header("Link", strings.Join(links, ", "))
	}
	c.Header("Content-Length", strconv.Itoa(len(answer.Body))) // or net/http would send larger answers in chunks
	c.Data(http.StatusOK, "application/json; charset=utf-8", answer.Body)
}

// bookID reads the id in the path. Whatever isn't an id is the id of no book.
func bookID(c *gin.Context) (uint, error) {
	id, err := strconv.ParseUint(c.Param("id"), 10, 64)
	if err != nil || id == 0 || id > math.MaxInt64 {
		return 0, model.Errorf(model.NotFound, "id", "there is no such book")
	}
	return uint(id), nil
}

func (s *Server) getBook(c *gin.Context) {
	id, err := bookID(c)
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
	id, err := bookID(c)
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
	id, err := bookID(c)
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
			c.Header("Location", s.link("/api/books/"+strconv.FormatUint(uint64(b.ID), 10), nil))
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
