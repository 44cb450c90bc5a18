package model

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. The adapter maps each code to
// one HTTP status.
type Code string

const (
	// Malformed: the request can't be read as what it claims to be.
	Malformed Code = "malformed"
	// Invalid: readable, but a value is not acceptable.
	Invalid Code = "invalid"
	// NotFound: there is no such thing.
	NotFound Code = "not_found"
	// Conflict: it contradicts something that exists.
	Conflict Code = "conflict"
	// TooLarge: more than is taken at once.
	TooLarge Code = "too_large"
	// Unauthorized: staff only, and no valid token was given.
	Unauthorized Code = "unauthorized"
	// Forbidden: refused whoever asks.
	Forbidden Code = "forbidden"
	// UnavailableNow: a part that is needed does not answer; trying again later helps.
	UnavailableNow Code = "unavailable"
)

// Error is a failure whose message may be shown to whoever caused it. A cause
// that is not for their eyes is wrapped and only logged.
type Error struct {
	Code Code
	// Field names the parameter, field or header at fault, if there is one.
	Field   string
	Message string
	// Cause is for the log.
	Cause error
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
