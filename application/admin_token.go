package application

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"literank.com/event-books/infrastructure/config"
)

// adminToken returns the configured token, else the one in the data folder. It
// creates that one at the first start.
func adminToken(c config.AppConfig, log *slog.Logger) (string, error) {
	if c.AdminToken != "" {
		return c.AdminToken, nil
	}
	file := adminTokenFile(c)
	found := "wrote a random admin token to a file"
	err := makeToken(file)
	if errors.Is(err, fs.ErrExist) {
		found, err = "the admin token is in a file", nil
	}
	if err != nil {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	// Read the file in any case: if two processes start for the first time at once,
	// both use the token that is there.
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if weak := config.WeakSecret(token); weak != "" {
		return "", tokenError(file, "%s: write a random token into it, or remove it and the next start creates one", weak)
	}
	if info, err := os.Stat(file); err == nil && runtime.GOOS != "windows" && info.Mode()&0o077 != 0 {
		return "", tokenError(file, "can be read by other users: run chmod 600 %s", file)
	}
	log.Info(found, "file", file)
	return token, nil
}

func adminTokenFile(c config.AppConfig) string { return filepath.Join(c.DataDir, "admin-token") }

// AdminToken returns the token of the shop on this data folder: the configured one, else the one
// that its first start has written. The error wraps fs.ErrNotExist if there is none.
func AdminToken(c *config.Config) (string, error) {
	if c.App.AdminToken != "" {
		return c.App.AdminToken, nil
	}
	content, err := os.ReadFile(adminTokenFile(c.App))
	if err != nil {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func tokenError(file, format string, args ...any) error {
	return &config.SettingError{Setting: "app.admin_token", Origin: file, Reason: fmt.Sprintf(format, args...)}
}

// makeToken creates the file with a random token. No process ever sees a part of
// it. If the file exists, the error is fs.ErrExist and the file stays: that is why
// disk.Replace doesn't serve here.
func makeToken(file string) error {
	if _, err := os.Lstat(file); err == nil {
		return fs.ErrExist
	}
	draft, err := os.CreateTemp(filepath.Dir(file), "admin-token-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(rand.Text() + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	err = os.Link(draft.Name(), file)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(draft.Name(), file) // the file system has no links
}
