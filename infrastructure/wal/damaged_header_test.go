package wal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Damage is reported with what it costs, also that of the header of the last
// segment after a kill.
func TestDamagedHeaderOfTheLastSegmentIsSilent(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 10, 100)
	require.NoError(t, os.CopyFS(copied+"/c", os.DirFS(dir))) // what kill -9 leaves
	files, err := filepath.Glob(copied + "/c/*.wal")
	require.NoError(t, err)
	require.Len(t, files, 1)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	content[30] ^= 1
	require.NoError(t, os.WriteFile(files[0], content, 0o600))
	again := openLog(t, copied+"/c", Options{})
	assert.NotEmpty(t, again.Damages(), "ten acknowledged records are set aside and nobody is told")
}
