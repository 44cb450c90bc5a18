//go:build unix

package disk

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pipe or a device stays what it is, even if the user could replace it.
func TestReplaceLeavesPipesInPlace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(name, 0o600))
	read := make(chan string, 1)
	go func() {
		content, err := os.ReadFile(name)
		assert.NoError(t, err)
		read <- string(content)
	}()
	require.NoError(t, Replace(name, 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, "content")
		return err
	}))
	assert.Equal(t, "content", <-read)
	info, err := os.Lstat(name)
	require.NoError(t, err)
	assert.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}
