package model

import (
	"errors"
	"fmt"
)

// Code is the kind of an Error. The adapter maps each code to one HTTP status.
type Code string

const (
	// Malformed: the request doesn't follow the rules of its format.
	Malformed Code = "malformed"
	// Invalid: the request can be read, but a value is not acceptable.
	Invalid Code = "invalid"
	// NotFound: the requested thing doesn't exist.
	NotFound Code = "not_found"
	// Conflict: the request contradicts something that exists.
	Conflict Code = "conflict"
	// TooLarge: the request exceeds a limit.
	TooLarge Code = "too_large"
	// Unauthorized: the request needs a valid admin token.
	Unauthorized Code = "unauthorized"
	// Forbidden: the request is refused for everybody.
	Forbidden Code = "forbidden"
	// UnavailableNow: a needed part does not answer. A later retry can succeed.
	UnavailableNow Code = "unavailable"
)

// Error is a failure with a message for the person who caused it. The cause is
// only for the log.
type Error struct {
	Code Code
	// Field names the wrong parameter, field or header. It may be empty.
	Field   string
	Message string
	Cause   error
}

func (e *Error) Error() string {
	msg := e.Message
	if e.Field != "" {
		msg = e.Field + ": " + msg
	}
	if e.Cause != nil {
		msg += ": " + e.Cause.Error()
	}
	return msg
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns an Error without a cause.
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// ErrorCode returns the code of the first Error in err's chain, or "" if
// there is none.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
