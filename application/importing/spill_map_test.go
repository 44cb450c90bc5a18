package importing

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spread returns a key that is as evenly spread as the first bytes of a hash.
func spread(n int) uint64 {
	z := uint64(n) * 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func TestSpillMapIsAMap(t *testing.T) {
	m := newSpillMap(100)
	like := map[uint64]uint32{}
	for i := range 5000 {
		key := spread(i % 1700) // each key comes up to three times
		value, ok, err := m.get(key)
		require.NoError(t, err)
		want, wanted := like[key]
		require.Equal(t, wanted, ok, "entry %d", i)
		require.Equal(t, want, value, "entry %d", i)
		require.NoError(t, m.put(key, uint32(i)))
		like[key] = uint32(i)
	}
	require.Greater(t, len(m.runs), 10)
	vain := 0
	for i := 10_000; i < 20_000; i++ {
		_, ok, err := m.get(spread(i))
		require.NoError(t, err)
		require.False(t, ok)
		for _, run := range m.runs {
			if run.mayHave(spread(i)) {
				vain++
			}
		}
	}
	assert.Less(t, vain, 10_000*len(m.runs)*3/100, "the filter avoids nearly all reads")
	for _, edge := range []uint64{0, 1, 1<<64 - 1} {
		require.NoError(t, m.put(edge, 7))
		require.NoError(t, m.spill())
		value, ok, err := m.get(edge)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.EqualValues(t, 7, value)
	}
	name := m.file.Name()
	require.NoError(t, m.close())
	assert.NoFileExists(t, name)
	_, _, err := m.get(spread(1))
	assert.ErrorIs(t, err, os.ErrClosed)
	require.NoError(t, newSpillMap(1).close())
}
