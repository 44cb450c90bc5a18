package model

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an Error. The adapter maps each code to one HTTP status.
type Code string

const (
	// Malformed: the input doesn't have the form that it should have.
	Malformed Code = "malformed"
	// Invalid: the form is right, but a value isn't acceptable.
	Invalid Code = "invalid"
	// NotFound: the thing doesn't exist.
	NotFound Code = "not_found"
	// Conflict: the request contradicts something that exists.
	Conflict Code = "conflict"
	// PreconditionFailed: the thing isn't in the state that the request names.
	PreconditionFailed Code = "precondition_failed"
	// Unsupported: the request's content has a type that isn't read here.
	Unsupported Code = "unsupported"
	// TooLarge: the request exceeds a size limit.
	TooLarge Code = "too_large"
	// Unauthorized: only staff may do this, and the token is missing or wrong.
	Unauthorized Code = "unauthorized"
	// Forbidden: nobody may do this.
	Forbidden Code = "forbidden"
	// Overloaded: the shop has more to do than it can. TooManyRequests: this client
	// asks for too much. In both cases a retry after some time may succeed.
	Overloaded      Code = "overloaded"
	TooManyRequests Code = "too_many_requests"
	// UnavailableNow: a necessary part doesn't answer; a retry may succeed.
	UnavailableNow Code = "unavailable"
	// TimedOut: a necessary part has taken the request, and didn't answer in time.
	TimedOut Code = "timed_out"
)

// Error is a failure whose message clients may see. Its cause may contain details
// that they mustn't see, so it goes to the log only.
type Error struct {
	Code Code
	// Field names the wrong parameter, field or header. It may be empty.
	Field string
	// Message is a sentence. If there is a field, that is its subject, and Message has
	// the rest: "is required".
	Message string
	// RetryAfter is the time after which a retry may succeed, or 0 if that is unknown.
	RetryAfter time.Duration
	Cause      error
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

// Sentence is the whole sentence for clients.
func (e *Error) Sentence() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + " " + e.Message
}

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
