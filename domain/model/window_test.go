package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	var w Window
	for _, step := range []struct {
		sequence uint64
		first    bool
	}{
		{5, true}, {5, false}, {3, true}, {3, false}, {4, true},
		{WindowWidth + 4, true}, {6, true}, {5, false}, // the edge: 5 is the oldest one remembered
		{WindowWidth + 5, true}, {5, false}, {6, false}, {7, true},
		{3 * WindowWidth, true}, {2 * WindowWidth, false}, {2*WindowWidth + 1, true}, // all bits are new
		{math.MaxUint64, true}, {math.MaxUint64 - 1, true}, {math.MaxUint64, false},
	} {
		assert.Equal(t, step.first, w.First(step.sequence), "%d", step.sequence)
	}
}

// The window agrees with a memory of everything, if no sequence is sent as far above an
// unsettled one as the window is wide.
func TestWindowAgreesWithMemory(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var w Window
	memory, base := make(map[uint64]bool), uint64(1)
	for range 200_000 {
		sequence := base + random.Uint64N(WindowWidth)
		require.Equal(t, !memory[sequence], w.First(sequence), "%d", sequence)
		memory[sequence] = true
		if random.IntN(4) == 0 { // everything below the base is settled
			base += random.Uint64N(3)
		}
		if copy := base - min(base, random.Uint64N(1<<20)); memory[copy] {
			require.False(t, w.First(copy))
		}
	}
}
