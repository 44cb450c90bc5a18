package catalog

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// plainJSON unwraps a value of MongoDB's extended JSON, such as {"$oid": "…"} or
// {"$date": {"$numberLong": "…"}}. It returns any other value unchanged.
func plainJSON(raw jsontext.Value) (jsontext.Value, error) {
	if raw.Kind() != '{' || !bytes.Contains(raw, []byte("$")) {
		return raw, nil
	}
	var wrapped map[string]jsontext.Value
	if err := json.Unmarshal(raw, &wrapped); err != nil || len(wrapped) != 1 {
		return raw, err
	}
	for key, inside := range wrapped {
		switch key {
		case "$oid", "$uuid", "$symbol":
			return inside, nil
		case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
			var number string
			if inside.Kind() != '"' || json.Unmarshal(inside, &number) != nil {
				return inside, nil
			}
			if number := jsontext.Value(number); number.IsValid() && number.Kind() == '0' {
				return number, nil
			}
			return inside, nil // "NaN"
		case "$date":
			return mongoDate(inside)
		}
	}
	return raw, nil
}

// mongoDate returns a date as text. MongoDB writes dates in ISO 8601, or as the
// milliseconds since 1970.
func mongoDate(raw jsontext.Value) (jsontext.Value, error) {
	raw, err := plainJSON(raw)
	if err != nil || raw.Kind() != '0' {
		return raw, err
	}
	milliseconds, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil, errors.New("has a $date that is no date")
	}
	return jsontext.Value(time.UnixMilli(milliseconds).UTC().Format(`"2006-01-02"`)), nil
}
