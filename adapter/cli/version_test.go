package cli

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCommit(t *testing.T) {
	build := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	const hash = "3c44217f0c5e9d8b7a6f5e4d3c2b1a0f9e8d7c6b"
	for want, info := range map[string]*debug.BuildInfo{
		"unknown":            nil,
		hash:                 build("(devel)", "vcs.revision", hash, "vcs.modified", "false"),
		hash + " (modified)": build("v0.1.1-0.20261130040000-3c44217f0c5e+dirty", "vcs.revision", hash, "vcs.modified", "true"),
		"3c44217f0c5e":       build("v0.1.1-0.20261130040000-3c44217f0c5e"),
		"of v0.1.0":          build("v0.1.0"),
	} {
		assert.Equal(t, want, commit(info))
	}
	assert.Equal(t, "unknown", commit(build("(devel)", "GOOS", "linux")))
}
