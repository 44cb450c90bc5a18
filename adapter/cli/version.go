package cli

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Version is the release.
const Version = "0.1.0"

func (versionCommand) Run(sh *shell) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintf(sh.Out, "event-books %s, commit %s, %s %s/%s\n", Version, commit(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// pseudoVersion is the version of a module at a commit that has no tag. It ends with the
// time and the first twelve digits of the commit.
var pseudoVersion = regexp.MustCompile(`\d{14}-([0-9a-f]{12})$`)

// commit returns the commit that the program was built from: of the checkout, or else of
// the module that "go install MODULE@VERSION" downloaded.
func commit(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown"
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " (modified)"
		}
	}
	if revision != "" {
		return revision + modified
	}
	if found := pseudoVersion.FindStringSubmatch(info.Main.Version); found != nil {
		return found[1]
	}
	if version := info.Main.Version; version != "" && version != "(devel)" {
		return "of " + version
	}
	return "unknown"
}
