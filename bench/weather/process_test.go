//go:build unix

package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Waiting for a program that has ended would keep Kafka away longer than the
// page says.
func TestNobodyWaitsForWhatHasEnded(t *testing.T) {
	tries := 0
	err := eventually(t.Context(), time.Minute, func() error {
		if tries++; tries == 2 {
			return errEnded
		}
		return errors.New("not yet")
	})
	assert.ErrorIs(t, err, errEnded)
	assert.Equal(t, 2, tries)
}
