package api

import (
	"errors"
	"io"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/domain/model"
)

const (
	notObject = "the body must be a JSON object"
	noName    = "the body has a field without a name"
)

func readBook(body io.Reader) (*model.Book, error) {
	b := &model.Book{}
	return b, decodeBook(body, b)
}

// decodeBook reads a JSON object into b strictly: unknown and repeated fields, invalid
// UTF-8 and half surrogate pairs are errors. Fields that the object lacks stay as they
// are in b; null empties a field.
func decodeBook(body io.Reader, b *model.Book) error {
	if err := json.UnmarshalRead(body, &b, json.RejectUnknownMembers(true), wholeNumbers); err != nil {
		return bodyError(err)
	}
	if b == nil { // the body is null
		return model.Errorf(model.Malformed, "", notObject)
	}
	return nil
}

// wholeNumbers also accepts 3.0 and 3e2 for whole numbers: JSON Schema counts them as
// integers, and some programs write them.
var wholeNumbers = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(readWhole[int]), json.UnmarshalFromFunc(readWhole[uint]),
))

func readWhole[N int | uint](from *jsontext.Decoder, n *N) error {
	value, err := from.ReadValue()
	if err != nil {
		return err
	}
	const exact = 1 << 53 // up to here, a float64 has every whole number
	if f, err := strconv.ParseFloat(string(value), 64); err == nil && f == math.Trunc(f) && f >= 0 && f <= exact {
		*n = N(f)
		return nil
	}
	return json.Unmarshal(value, n)
}

// bodyError says in the API's words why the body can't be read.
func bodyError(err error) error {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return model.Errorf(model.TooLarge, "", "the body is larger than %d bytes", large.Limit)
	}
	malformed := &model.Error{Code: model.Malformed, Message: "the body is not valid JSON", Cause: err}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		malformed.Field = fieldAt(e.JSONPointer)
		switch {
		case e.JSONPointer == "":
			malformed.Message = notObject
		case malformed.Field == "":
			malformed.Message = noName
		case errors.Is(err, json.ErrUnknownName):
			malformed.Message = "is not a field of a book"
		default:
			malformed.Message = "must be " + describe(e.GoType) + hint(e)
		}
	} else if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		malformed.Field, malformed.Message = fieldAt(e.JSONPointer), "is given twice"
		if malformed.Field == "" {
			malformed.Message = noName
		}
	}
	return malformed
}

func fieldAt(pointer jsontext.Pointer) string { return strings.TrimPrefix(string(pointer), "/") }

// hint says how to write a number where a string is expected, such as a price or a year.
func hint(e *json.SemanticError) string {
	if e.GoType == nil || e.GoType.Kind() != reflect.String || e.JSONKind != '0' {
		return ""
	}
	if e.JSONPointer == "/price" {
		return `: write a price such as 6.50 as "6.50"`
	}
	return ": put the number into quotes"
}

// describe says which JSON value a field of a type takes.
func describe(field reflect.Type) string {
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
