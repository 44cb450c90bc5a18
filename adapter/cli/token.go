package cli

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
	content, err := os.ReadFile(file)
	if token := strings.TrimSpace(string(content)); err == nil && token != "" {
		log.Info("the admin token is kept in a file", "file", file)
		return token, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("app.admin_token: %w", err)
	}
	log.Info("a random admin token was written to a file", "file", file)
	return token, nil
}
