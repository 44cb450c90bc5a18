//go:build unix

package testbed

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Waiting for a program that has ended would keep Kafka away longer than the page of
// docs says.
func TestNobodyWaitsForWhatHasEnded(t *testing.T) {
	tries := 0
	err := Eventually(t.Context(), time.Minute, func() error {
		if tries++; tries == 2 {
			return ErrEnded
		}
		return errors.New("not yet")
	})
	assert.ErrorIs(t, err, ErrEnded)
	assert.Equal(t, 2, tries)
}
