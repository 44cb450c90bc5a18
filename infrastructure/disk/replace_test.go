package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func text(content string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}
}

// has checks that a file has the content and is alone in its folder.
func has(t *testing.T, name, content string) {
	t.Helper()
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, content, string(got))
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no .part file is left")
}

func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, Replace(name, 0o600, text("one")))
	has(t, name, "one")
	info, err := os.Stat(name)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode())
		require.NoError(t, os.Chmod(name, 0o640))
	}
	require.NoError(t, Replace(name, 0o600, text("two")))
	has(t, name, "two")
	if runtime.GOOS != "windows" {
		info, err = os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o640), info.Mode(), "an existing file keeps its permissions")
	}
}

func TestReplaceJSON(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, ReplaceJSON(name, map[string]int{"one": 1}))
	has(t, name, "{\n  \"one\": 1\n}\n")
	require.Error(t, ReplaceJSON(name, make(chan int)), "a channel has no JSON")
	has(t, name, "{\n  \"one\": 1\n}\n")
}

func TestReplaceShowsOnlyWholeFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, Replace(name, 0o600, text("old")))
	broken := errors.New("broken")
	err := Replace(name, 0o600, func(w io.Writer) error {
		require.NoError(t, text("half")(w))
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, "old", string(got), "while the new content is written")
		return broken
	})
	assert.ErrorIs(t, err, broken)
	has(t, name, "old")
}

func TestReplaceFailsBeforeItWrites(t *testing.T) {
	name := filepath.Join(t.TempDir(), "nowhere", "file")
	err := Replace(name, 0o600, func(io.Writer) error {
		t.Error("there is no folder to write to")
		return nil
	})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestReplaceCannotTakeAFolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.MkdirAll(filepath.Join(name, "full"), 0o700))
	assert.Error(t, Replace(name, 0o600, text("content")))
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no .part file is left")
}

func TestReplaceKeepsALink(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, Replace(name, 0o600, text("one")))
	if err := os.Symlink(name, link); err != nil {
		t.Skipf("this system makes no link: %v", err)
	}
	require.NoError(t, Replace(link, 0o600, text("two")))
	has(t, name, "two")
	target, err := os.Readlink(link)
	require.NoError(t, err)
	assert.Equal(t, name, target)
}
