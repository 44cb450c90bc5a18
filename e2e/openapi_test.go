//go:build unix

package e2e

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A running shop does what its description says, for staff and for strangers.
func TestSchemathesis(t *testing.T) {
	t.Parallel()
	schemathesis := os.Getenv("TEST_SCHEMATHESIS")
	if schemathesis == "" {
		t.Skip("TEST_SCHEMATHESIS is not set: it names the program schemathesis")
	}
	for _, staff := range []bool{true, false} {
		dir := t.TempDir()
		p := start(t, dir, nil)
		url := p.ready()
		p.stocked()
		p.connected()
		args := []string{"--config-file", "../deploy/test/schemathesis.toml", "run", url + "/api/openapi.yaml", "--no-color", "--suppress-health-check", "all"}
		name := "strangers"
		if staff {
			name, args = "staff", append(args, "--header", "Authorization: Bearer "+adminToken(t, dir))
		}
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			output, err := exec.CommandContext(ctx, schemathesis, args...).CombinedOutput()
			assert.NoError(t, err, "%s", output)
		})
		require.Zero(t, p.stop(os.Interrupt))
	}
}
