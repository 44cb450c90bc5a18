package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"literank.com/event-books/application"
)

type healthCommand struct{}

// healthTimeout bounds the whole request.
const healthTimeout = 4 * time.Second

func (healthCommand) Run(sh *shell) error {
	c, err := sh.load()
	if err != nil {
		return err
	}
	url := application.URL(c)
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
		return fmt.Errorf("health: %s is not an event-books shop: %w", url, err)
	}
	fmt.Fprintln(sh.Out, answer.Status)
	if response.StatusCode != http.StatusOK {
		return errors.New("health: the shop doesn't answer searches")
	}
	return nil
}
