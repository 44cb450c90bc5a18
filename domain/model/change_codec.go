package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	// ChangeSchema is the CloudEvents dataschema of a change.
	ChangeSchema = "https://literank.com/event-books/schemas/books.changed/1.json"

	// A change's CloudEvents type and the type in its value are these and its kind.
	changeEventType = "com.literank.books."
	changeValueType = "books.event."
)

// Key returns the key of the change's record: the book's id in decimal.
func (c *Change) Key() string { return strconv.FormatUint(uint64(c.BookID), 10) }

// changeValue is the value of a change's record.
type changeValue struct {
	Type string `json:"type"`
	// Value is the book. A deleted book has its id alone.
	Value   any   `json:"value"`
	Version int64 `json:"version"`
}

type bookID struct {
	ID uint `json:"id"`
}

// Encode returns value and headers of the change's record. The copies of a change have
// the same ce_id.
func (c *Change) Encode(g Generation) (value []byte, headers []Header, err error) {
	v := changeValue{Type: changeValueType + string(c.Kind), Value: c.Book, Version: c.Version}
	if c.Book == nil {
		v.Value = bookID{c.BookID}
	}
	if value, err = json.Marshal(v); err != nil {
		return nil, nil, fmt.Errorf("encode a change of book %d: %w", c.BookID, err)
	}
	headers = append(c.headers(g, ""), Header{"ce_dataschema", []byte(ChangeSchema)}, Header{"content-type", []byte(jsonContentType)})
	return value, headers, nil
}

// Tombstone returns the headers of the record without a value that follows a deletion.
// It makes Kafka's compaction drop the book's records.
func (c *Change) Tombstone(g Generation) []Header { return c.headers(g, "/tombstone") }

func (c *Change) headers(g Generation, suffix string) []Header {
	source, version := g.Source(), strconv.FormatInt(c.Version, 10)
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(source+"/"+version+suffix))
	return []Header{
		{"ce_specversion", []byte(cloudEventsVersion)},
		{"ce_id", []byte(id.String())},
		{"ce_type", []byte(changeEventType + string(c.Kind))},
		{"ce_source", []byte(source)},
		{"ce_subject", []byte(c.Key())},
		{"ce_time", []byte(c.Time.UTC().Format(time.RFC3339Nano))},
		{"ce_version", []byte(version)},
	}
}

// Source is the ce_source of the generation's changes.
func (g Generation) Source() string { return "/event-books/catalogue/" + g.Database + "/" + g.Restored }

// DecodeChange reads a record of the topic of changes. It ignores unknown headers and
// fields. An empty header counts as missing. If a header comes twice, the first one counts.
// The value's version counts more than ce_version. A tombstone is the deletion of its book,
// at version 0 if it has no ce_version. Kinds of later versions are read, too. Book is nil
// if the value has no title, or, for such a kind, no book that can be read. The error has
// the code Malformed and names the header, or "key" or "value".
func DecodeChange(key string, headers []Header, value []byte) (*Change, error) {
	c, _, err := decodeHead(key, headers)
	if err != nil || len(value) == 0 {
		return c, err
	}
	if err := c.decodeValue(value); err != nil {
		return nil, malformed("value", err)
	}
	return c, nil
}

// DecodeChangeHead is DecodeChange without the book, for those who read it elsewhere. It
// looks into the value only if the headers don't tell kind and version, which takes a
// multiple of the time.
func DecodeChangeHead(key string, headers []Header, value []byte) (*Change, error) {
	c, kind, err := decodeHead(key, headers)
	switch {
	case err != nil || len(value) == 0:
		return c, err
	case kind == "" || c.Version == 0:
		if c, err = DecodeChange(key, headers, value); err == nil {
			c.Book = nil
		}
		return c, err
	}
	c.Kind = kind
	return c, nil
}

// decodeHead reads key and headers as those of a tombstone, and returns the kind that
// ce_type names, or "" if there is none.
func decodeHead(key string, headers []Header) (c *Change, kind ChangeKind, err error) {
	id, err := decodeBookID(key)
	if err != nil {
		return nil, "", malformed("key", err)
	}
	c = &Change{BookID: id, Kind: BookDeleted}
	seen := make(map[string]bool, len(headers))
	for _, h := range headers {
		if len(h.Value) == 0 || seen[h.Key] {
			continue
		}
		seen[h.Key] = true
		if err := c.decodeHeader(h.Key, string(h.Value)); err != nil {
			return nil, "", malformed(h.Key, err)
		}
		if h.Key == "ce_type" {
			kind = ChangeKind(strings.TrimPrefix(string(h.Value), changeEventType))
		}
	}
	return c, kind, nil
}

// decodeHeader reads a header that isn't empty.
func (c *Change) decodeHeader(name, value string) (err error) {
	switch name {
	case "ce_specversion":
		return requireValue(value, cloudEventsVersion)
	case "ce_type":
		if !strings.HasPrefix(value, changeEventType) {
			return fmt.Errorf("must begin with %s", changeEventType)
		}
	case "ce_dataschema":
		return requireValue(value, ChangeSchema)
	case "content-type":
		return requireJSON(value)
	case "ce_version":
		c.Version, err = decodeVersion(value)
	case "ce_time":
		c.Time, err = decodeTime(value)
	}
	return err
}

func decodeVersion(value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return 0, errors.New("must be a whole number from 1")
	}
	return n, nil
}

func (c *Change) decodeValue(value []byte) error {
	var v struct {
		Type    string          `json:"type"`
		Value   json.RawMessage `json:"value"`
		Version int64           `json:"version"`
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return errors.New("is not the JSON object of a change")
	}
	kind, ok := strings.CutPrefix(v.Type, changeValueType)
	if !ok || kind == "" {
		return fmt.Errorf("has the type %.100q, not one that begins with %s", v.Type, changeValueType)
	}
	if v.Version < 1 {
		return errors.New("has no version")
	}
	c.Kind, c.Version = ChangeKind(kind), v.Version
	var id bookID
	if json.Unmarshal(v.Value, &id) != nil || id.ID != c.BookID {
		return errors.New("is not about the book that the key names")
	}
	if c.Kind == BookDeleted {
		return nil
	}
	b, err := decodeBook(v.Value)
	if err != nil && (c.Kind == BookCreated || c.Kind == BookUpdated) {
		return err
	}
	if c.Book = b; b != nil {
		b.Version = c.Version
	}
	return nil
}

// decodeBook returns nil if value has no title, so it isn't a whole book.
func decodeBook(value []byte) (*Book, error) {
	var required struct {
		Title *string `json:"title"`
	}
	b := &Book{}
	if json.Unmarshal(value, &required) != nil || json.Unmarshal(value, b) != nil {
		return nil, errors.New("has a book that can't be read")
	}
	if required.Title == nil {
		return nil, nil
	}
	return b, nil
}
