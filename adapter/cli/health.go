package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

type healthCommand struct{}

// healthTimeout bounds the whole request.
const healthTimeout = 4 * time.Second

func (healthCommand) Run(sh *shell) error {
	c, err := sh.load()
	if err != nil {
		return err
	}
	url := urlOf(c)
	ctx, cancel := context.WithTimeout(sh.ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer response.Body.Close()
	var answer struct{ Status string }
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&answer); err != nil {
		return fmt.Errorf("health: no event-books answers at %s: %w", url, err)
	}
	fmt.Fprintln(sh.Out, answer.Status)
	if response.StatusCode != http.StatusOK {
		return errors.New("health: the shop does not answer searches")
	}
	return nil
}

type versionCommand struct{}

// Version is the release. go build -buildvcs=true adds the commit.
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
