//go:build unix

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A running shop does what its description says, for staff and for strangers. The
// strangers send wrong tokens, too.
func TestTheShopFollowsItsDescription(t *testing.T) {
	t.Parallel()
	t.Run("schemathesis", func(t *testing.T) {
		program := os.Getenv("TEST_SCHEMATHESIS")
		if program == "" {
			t.Skip("TEST_SCHEMATHESIS is not set: it names the program schemathesis")
		}
		check := func(header func(dir string) []string) func(*testing.T) {
			return func(t *testing.T) {
				dir := t.TempDir()
				p := start(t, dir, nil)
				url := p.ready()
				p.stocked()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				settings, err := filepath.Abs("../deploy/test/schemathesis")
				require.NoError(t, err)
				args := append([]string{"--config-file", settings + ".toml", "run", url + "/api/openapi.yaml"}, header(dir)...)
				command := exec.CommandContext(ctx, program, args...)
				command.Dir = dir // for its own files
				command.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS="+settings+"_hooks.py", "PYTHONDONTWRITEBYTECODE=1")
				output, err := command.CombinedOutput()
				assert.NoError(t, err, "%s", output)
			}
		}
		t.Run("staff", check(func(dir string) []string { return []string{"--header", "Authorization: Bearer " + adminToken(t, dir)} }))
		t.Run("strangers", check(func(string) []string { return nil }))
	})
}
