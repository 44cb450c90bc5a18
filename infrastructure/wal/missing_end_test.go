package wal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is missing at the end is reported once, and doesn't wait for ever.
func TestMissingRecordsAtTheEndWaitForEver(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 10, 100)
	require.NoError(t, l.Close())
	files, _ := filepath.Glob(dir + "/*.wal")
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	content[30] ^= 1
	require.NoError(t, os.WriteFile(files[0], content, 0o600))
	l = openLog(t, dir, Options{})
	require.Len(t, l.Damages(), 1)
	r := l.NewReader()
	_, _, err = r.TryNext()
	var damage *DamageError
	require.ErrorAs(t, err, &damage)
	require.True(t, damage.Told)
	require.NoError(t, l.Release(damage.To))
	_, ok, err := r.TryNext()
	require.NoError(t, err)
	require.False(t, ok)
	assert.Zero(t, l.Stats().Waiting, "nobody can ever release them: whoever waits for an empty log waits for ever")
}
