package application

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"literank.com/event-books/infrastructure/config"
)

// adminToken returns the configured token, else the one kept in the data
// folder, which it makes at the first start.
func adminToken(c config.AppConfig, log *slog.Logger) (string, error) {
	if c.AdminToken != "" {
		return c.AdminToken, nil
	}
	file := filepath.Join(c.DataDir, "admin-token")
	err := makeToken(file)
	if err == nil {
		log.Info("a random admin token was written to a file", "file", file)
	} else if errors.Is(err, fs.ErrExist) {
		log.Info("the admin token is kept in a file", "file", file)
	} else {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	// Read in either case: of two first starts at once one token counts.
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("app.admin_token: the file %s is empty: write a token into it, or remove it to have one made", file)
	}
	return token, nil
}

// makeToken writes a token to a file that doesn't exist yet; the file appears
// whole. Its error is fs.ErrExist if there is one.
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
	return os.Rename(draft.Name(), file) // a file system without links
}
