package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Version is the release. "go build -buildvcs=true" adds the commit.
const Version = "0.1.0"

func (versionCommand) Run(sh *shell) error {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		dirty := ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = " (modified)"
			}
		}
		commit += dirty
	}
	_, err := fmt.Fprintf(sh.Out, "event-books %s, commit %s, %s %s/%s\n", Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
