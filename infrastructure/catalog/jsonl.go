package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
)

const (
	// maxKeys is the largest number of different keys that are reported.
	maxKeys = 1000
	// maxName is the length of the longest name of a key or column, in bytes.
	maxName  = 200
	longName = "(a name that is too long)"
)

// rejectedKeys matches the keys that rejected puts in front of a line. Files
// without codes lack the last one.
var rejectedKeys = regexp.MustCompile(`^\{\s*"` + lineColumn + `"\s*:\s*(\d+)\s*,\s*"` + reasonColumn + `"\s*:\s*` + jsonString + `\s*,?` +
	`(?:\s*"` + codeColumn + `"\s*:\s*(?:null|` + jsonString + `)\s*,?)?`)

const jsonString = `"(?:[^"\\]|\\.)*"`

// jsonReader reads JSON Lines: one object on each line. The JSON must be valid
// UTF-8 without unpaired surrogates and repeated keys (RFC 7493).
type jsonReader struct {
	lines *lines
	names *names
	// keys are the keys found so far, in their order. byName indexes them.
	keys   []*jsonKey
	byName map[string]*jsonKey
	text   bytes.Reader
	row    record
}

type jsonKey struct {
	name  string
	place place
	used  bool
	// former is the slot that the key had before, with its rank.
	former     former.Slot
	formerRank int
}

func newJSONReader(lines *lines, names *names) *jsonReader {
	return &jsonReader{lines: lines, names: names, byName: map[string]*jsonKey{}}
}

func (r *jsonReader) line() int { return r.lines.read }

func (r *jsonReader) columns() (used []gateway.Column, ignored []string) {
	for _, k := range r.keys {
		if k.used {
			used = append(used, gateway.Column{Name: k.name, Field: slots[k.place.slot].name})
		} else if !slices.Contains(rejectedColumns, k.name) {
			ignored = append(ignored, k.name)
		}
	}
	return used, ignored
}

// end returns an error if no line has a key that the user named.
func (r *jsonReader) end() error {
	found := make([]string, len(r.keys))
	for i, k := range r.keys {
		found[i] = k.name
	}
	if name, ok := r.names.missing(found); ok && len(found) < maxKeys {
		return fmt.Errorf("--map names a key %q that no line has; the keys are %s", name, list(found))
	}
	return nil
}

func (r *jsonReader) next() (*record, error) {
	if err := r.lines.skipBlank(); err != nil {
		return nil, err
	}
	line, _ := r.lines.peek(0)
	r.lines.drop(1)
	r.row = record{line: line.no, text: line.text}
	if rejectedKeys.Match(bytes.TrimSpace(line.text)) {
		var before struct {
			Reason any     `json:"rejected_reason"`
			Code   any     `json:"rejected_code"`
			Text   *string `json:"rejected_text"`
		}
		if json.Unmarshal(line.text, &before) == nil {
			code, _ := before.Code.(string) // another type is a damaged code
			reason, _ := before.Reason.(string)
			r.row.before = newRejection(code, reason)
			if before.Text != nil { // the line was no object; it may be corrected now
				line.text = []byte(*before.Text)
				r.row.text = line.text
			}
		}
	}
	if line.tooLong {
		r.row.text = nil // its beginning could look like a row
		return nil, r.row.rejectf(model.RowTooLong, "%s", lineTooLong)
	}
	if err := r.object(line.text); err != nil {
		if line.open && errors.Is(err, io.ErrUnexpectedEOF) {
			r.lines.read-- // the last line is incomplete
			return nil, io.ErrUnexpectedEOF
		}
		var syntax *jsontext.SyntacticError
		if errors.As(err, &syntax) {
			err = fmt.Errorf("not JSON: %w, at byte %d", syntax.Err, syntax.ByteOffset+1)
		}
		return nil, r.row.rejectf(model.RowMalformed, "%s", err)
	}
	return &r.row, nil
}

// object fills the row from one line.
func (r *jsonReader) object(text []byte) error {
	r.text.Reset(text)
	in := jsontext.NewDecoder(&r.text)
	if in.PeekKind() != '{' {
		if _, err := in.ReadToken(); err != nil {
			return err
		}
		return errors.New("not a JSON object")
	}
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	var filledBy [slotCount]*jsonKey
	var found [slotCount][]byte
	var formerBy [former.Slots]*jsonKey
	for in.PeekKind() != '}' {
		name, err := in.ReadToken()
		if err != nil {
			return err
		}
		key := r.key(name.String())
		value, err := in.ReadValue()
		if err != nil {
			return err
		}
		// The decoder's own bytes are invalid after its next step.
		end := int(in.InputOffset())
		value = text[end-len(value) : end]
		if s := key.former; s != former.NoSlot && (formerBy[s] == nil || formerBy[s].formerRank > key.formerRank) {
			formerBy[s], r.row.formerJSON[s] = key, value
		}
		if s := key.place.slot; s != noSlot && (filledBy[s] == nil || filledBy[s].place.rank > key.place.rank) {
			filledBy[s], found[s] = key, value
		}
	}
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	if _, err := in.ReadToken(); err == nil {
		return errors.New("not JSON: text follows the object")
	} else if err != io.EOF {
		return err
	}
	r.row.exported = filledBy[idSourceSlot] != nil && filledBy[fingerprintSlot] != nil
	for s, key := range filledBy {
		if key == nil {
			continue
		}
		key.used = true
		v := &r.row.values[s]
		v.unit = key.place.unit
		switch err := v.setJSON(slot(s), found[s]); {
		case err == nil:
			r.row.fields |= slots[s].field
		case slot(s).isNeeded():
			return fmt.Errorf("the key %s %w", show(key.name), err)
		default:
			*v = value{}
			r.row.notes = append(r.row.notes, fmt.Sprintf("%s dropped: the key %s %s", slots[s].name, show(key.name), err))
		}
	}
	return nil
}

// isNeeded reports whether a line is rejected if the slot's value has a wrong type.
func (s slot) isNeeded() bool {
	return s == titleSlot || s == originalTitleSlot || s == authorSlot || s >= idSlot
}

// formerSlots has the slot whose types of JSON a value had to have before.
var formerSlots = [former.Slots]slot{
	former.Title: titleSlot, former.OriginalTitle: originalTitleSlot, former.Author: authorSlot, former.ISBN: isbnSlot, former.ISBN13: isbn13Slot,
	former.ISBN10: isbn10Slot, former.PublishedAt: publishedAtSlot, former.ID: idSlot,
}

// readFormer fills former from the JSON. It reports false if the line was rejected
// then.
func (r *record) readFormer() bool {
	for s, raw := range r.formerJSON {
		if raw == nil {
			continue
		}
		kind := raw.Kind()
		if kind == '{' || kind == '[' && (former.Slot(s) != former.Author || bytes.Contains(raw, []byte("null")) || bytes.Contains(raw, []byte("astName"))) {
			return false
		}
		var v value
		if v.setJSON(formerSlots[s], raw) != nil {
			return false
		}
		r.former[s] = former.Value{Text: v.text, Items: v.items}
	}
	return true
}

func (r *jsonReader) key(name string) *jsonKey {
	if len(name) > maxName {
		name = longName // one name for all, to save memory
	}
	key, ok := r.byName[name]
	if !ok {
		key = &jsonKey{name: name, place: r.names.find(name)}
		key.former, key.formerRank = r.names.former.Find(name)
		if len(r.keys) < maxKeys {
			r.keys = append(r.keys, key)
			r.byName[name] = key
		}
	}
	return key
}

// setJSON reads a JSON value if slot s allows its type.
func (v *value) setJSON(s slot, raw jsontext.Value) error {
	raw, err := plainJSON(raw)
	if err != nil {
		return err
	}
	switch kind := raw.Kind(); {
	case kind == 'n':
	case kind == '"':
		return json.Unmarshal(raw, &v.text)
	case kind == '0' && slots[s].numbers:
		v.text, v.number = string(raw), true
	case (kind == 't' || kind == 'f') && s == availabilitySlot:
		v.text = string(raw)
	case kind == '{' && slots[s].named:
		return v.setName(&v.text, raw)
	case kind == '[' && slots[s].list:
		var items []jsontext.Value
		if err := json.Unmarshal(raw, &items); err != nil {
			return err
		}
		v.items = make([]string, len(items))
		for i, item := range items {
			if err := v.setItem(&v.items[i], s, item); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("can't be a JSON %s", kindName(kind))
	}
	return nil
}

// setItem reads one item of a list: a string, or an object with a name.
func (v *value) setItem(to *string, s slot, raw jsontext.Value) error {
	raw, err := plainJSON(raw)
	if err != nil {
		return err
	}
	switch kind := raw.Kind(); {
	case kind == 'n':
		return nil
	case kind == '"':
		return json.Unmarshal(raw, to)
	case kind == '0' && slots[s].numbers:
		*to = string(raw)
		return nil
	case kind == '{' && slots[s].named:
		return v.setName(to, raw)
	default:
		return fmt.Errorf("can't hold a JSON %s", kindName(kind))
	}
}

// setName reads the name of an author, a publisher or a series, and keeps its aliases.
func (v *value) setName(to *string, raw jsontext.Value) error {
	var named struct {
		Name      *string        `json:"name"`
		FirstName string         `json:"firstName"`
		LastName  string         `json:"lastName"`
		Aliases   jsontext.Value `json:"aliases"`
	}
	err := json.Unmarshal(raw, &named)
	switch {
	case err == nil && named.Name != nil:
		*to = *named.Name
	case err == nil && named.LastName != "":
		*to = strings.TrimSpace(named.FirstName + " " + named.LastName)
	default:
		return errors.New(`has an object without a "name" that is a string`)
	}
	if named.Aliases != nil {
		v.aliases = append(v.aliases, named.Aliases)
	}
	return nil
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '0':
		return "number"
	case '"':
		return "string"
	case '[':
		return "array"
	default:
		return "object"
	}
}
