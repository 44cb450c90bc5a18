package catalog

import (
	"regexp"
	"slices"
	"strings"
)

// attribute is a pair of columns such as WooCommerce's "Attribute 1 name" and
// "Attribute 1 value(s)".
type attribute struct {
	name, value int
	names       *names
}

var attributeName = regexp.MustCompile(`^(attribute\d+)name$`)

func (n *names) attributes(header []string) (found []attribute) {
	for i, column := range header {
		m := attributeName.FindStringSubmatch(foldName(column))
		if m == nil {
			continue
		}
		value := slices.IndexFunc(header, func(c string) bool { return strings.HasPrefix(foldName(c), m[1]+"value") })
		if value >= 0 {
			found = append(found, attribute{i, value, n})
		}
	}
	return found
}

// setAttributes fills the fields that a row names itself, if the file has no column
// for them.
func (r *record) setAttributes(attributes []attribute, cells [][]byte) {
	for _, s := range r.attributeSlots {
		r.values[s] = value{}
		r.fields &^= slots[s].field
	}
	r.attributeSlots = r.attributeSlots[:0]
	for _, a := range attributes {
		s := a.names.find(string(cells[a.name])).slot
		if s == noSlot || slots[s].field == 0 || r.fields&slots[s].field != 0 {
			continue
		}
		r.values[s].text = string(cells[a.value])
		r.fields |= slots[s].field
		r.attributeSlots = append(r.attributeSlots, s)
	}
}
