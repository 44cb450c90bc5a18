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
func TestPromise3WindowAgreesWithMemory(t *testing.T) {
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

// A window that is stored and read again knows the same sequences.
func TestPromise3StoredWindows(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, density := range []float64{0, 0.001, 0.3, 0.9, 1} {
		w := &Window{}
		for sequence := uint64(1); sequence < 3*WindowWidth; sequence++ {
			if random.Float64() < density {
				w.First(sequence)
			}
			if sequence%50_000 == 0 || sequence < 5 {
				data := w.Encode()
				assert.LessOrEqual(t, len(data), WindowWidth/8+10)
				read, err := DecodeWindow(data)
				require.NoError(t, err)
				for s := max(sequence, WindowWidth+100) - WindowWidth - 100; s <= sequence+1; s++ {
					copied, other := *w, *read
					if copied.First(s+1) != other.First(s+1) {
						t.Fatalf("at %d of %d: the window that was read knows another %d", sequence, w.Highest(), s+1)
					}
					if s > sequence-100 {
						continue
					}
					s += 997
				}
			}
		}
	}
}

// A joined window has seen what either has seen, as far as it reaches.
func TestJoinedWindows(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		a, b, both := &Window{}, &Window{}, map[uint64]bool{}
		for range random.IntN(300) {
			w := []*Window{a, b}[random.IntN(2)]
			sequence := 1 + random.Uint64N(100_000)
			w.First(sequence)
			both[sequence] = true
		}
		highest := max(a.highest, b.highest)
		a.Join(b)
		assert.Equal(t, highest, a.Highest())
		for sequence := range both {
			if sequence >= a.least() && sequence >= b.least() {
				assert.True(t, a.has(sequence), sequence)
			}
		}
		assert.Zero(t, a.Join(b), "all of it is known")
	}
	empty := &Window{}
	assert.Zero(t, empty.Join(&Window{}))
	last, other := &Window{}, &Window{}
	last.First(math.MaxUint64)
	assert.Equal(t, 1, other.Join(last))
	assert.Zero(t, other.Join(last))
	w := &Window{}
	w.First(1)
	w.First(7)
	assert.Equal(t, 2, empty.Join(w))
	assert.Equal(t, w, empty)
}

func TestWindowsTakeLittleSpace(t *testing.T) {
	w := &Window{}
	for sequence := range uint64(100) {
		w.First(1_000_000 + 3*sequence)
	}
	assert.Less(t, len(w.Encode()), 110)
	empty, err := DecodeWindow((&Window{}).Encode())
	require.NoError(t, err)
	assert.Equal(t, &Window{}, empty)
}

func FuzzDecodeWindow(f *testing.F) {
	w := &Window{}
	for _, sequence := range []uint64{1, 5, 70_000, 69_999} {
		w.First(sequence)
		f.Add(w.Encode())
	}
	f.Add([]byte{windowBits, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := DecodeWindow(data)
		if err != nil {
			return
		}
		again, err := DecodeWindow(w.Encode())
		require.NoError(t, err)
		require.Equal(t, w.highest, again.highest)
		for sequence := w.least(); sequence < w.highest; sequence++ {
			require.Equal(t, w.has(sequence), again.has(sequence), sequence)
		}
	})
}
