package application

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/config"
)

func TestAdminTokenIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	quiet := slog.New(slog.DiscardHandler)
	tokens := make([]string, 20)
	var starts sync.WaitGroup
	for i := range tokens {
		starts.Go(func() {
			token, err := adminToken(config.AppConfig{DataDir: dir}, quiet)
			assert.NoError(t, err)
			tokens[i] = token
		})
	}
	starts.Wait()
	require.NotEmpty(t, tokens[0])
	for _, token := range tokens {
		assert.Equal(t, tokens[0], token, "processes that start for the first time at once have the same token")
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "no temporary file is left")
	info, err := files[0].Info()
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}

	token, err := adminToken(config.AppConfig{DataDir: dir, AdminToken: "of the configuration"}, quiet)
	require.NoError(t, err)
	assert.Equal(t, "of the configuration", token)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "admin-token"), []byte(" \n"), 0o600))
	_, err = adminToken(config.AppConfig{DataDir: dir}, quiet)
	assert.ErrorContains(t, err, "has less than 16 characters")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "admin-token"), []byte("aaaaaaaaaaaaaaaaaaaa\n"), 0o600))
	_, err = adminToken(config.AppConfig{DataDir: dir}, quiet)
	assert.ErrorContains(t, err, "has less than 5 different characters")
}

func TestUnsafeAdminToken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "admin-token")
	require.NoError(t, os.WriteFile(file, []byte("a long enough token\n"), 0o600))
	for _, mode := range []os.FileMode{0o644, 0o640, 0o602} {
		require.NoError(t, os.Chmod(file, mode))
		_, err := adminToken(config.AppConfig{DataDir: dir}, quiet)
		var setting *config.SettingError
		require.ErrorAs(t, err, &setting, "%o", mode)
		assert.Contains(t, setting.Reason, "chmod 600 "+file)
	}
	require.NoError(t, os.Chmod(file, 0o400))
	_, err := adminToken(config.AppConfig{DataDir: dir}, quiet)
	assert.NoError(t, err)
}
