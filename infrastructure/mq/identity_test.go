package mq

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Databases have no integers above 2^63-1, so a record with a higher sequence is treated as another
// program's.
func TestASequenceFitsIntoADatabase(t *testing.T) {
	for sequence, ours := range map[string]bool{"1": true, "9223372036854775807": true, "9223372036854775808": false, "18446744073709551615": false, "0": false, "-1": false, "": false} {
		_, _, ok := identity(&Record{Headers: []Header{{Key: "ce_source", Value: []byte("/shop")}, {Key: "ce_sequence", Value: []byte(sequence)}}})
		assert.Equal(t, ours, ok, sequence)
	}
}
