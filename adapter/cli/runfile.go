package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/config"
)

// runFile is data_dir/run.json: where the processes that use this folder
// really are.
type runFile struct {
	Web    *runningWeb    `json:"web,omitempty"`
	Broker *runningBroker `json:"broker,omitempty"`
}

type runningWeb struct {
	PID     int      `json:"pid"`
	URL     string   `json:"url"`
	Brokers []string `json:"brokers"`
}

type runningBroker struct {
	PID     int    `json:"pid"`
	Address string `json:"address"`
}

func runFilePath(dataDir string) string { return filepath.Join(dataDir, "run.json") }

// readRunFile returns an empty runFile where there is none.
func readRunFile(dataDir string) (r runFile, err error) {
	content, err := os.ReadFile(runFilePath(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read %s: %w", runFilePath(dataDir), err)
	}
	return r, nil
}

// changeRunFile replaces the file, so that a reader never sees half of it.
// One that can't be read is of no use to anybody and starts anew.
func changeRunFile(dataDir string, change func(*runFile)) error {
	r, err := readRunFile(dataDir)
	if err != nil {
		r = runFile{}
	}
	change(&r)
	if r == (runFile{}) {
		if err := os.Remove(runFilePath(dataDir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove run file: %w", err)
		}
		return nil
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write run file: %w", err)
	}
	temporary := fmt.Sprintf("%s.%d", runFilePath(dataDir), os.Getpid())
	if err := os.WriteFile(temporary, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write run file: %w", err)
	}
	if err := os.Rename(temporary, runFilePath(dataDir)); err != nil {
		return fmt.Errorf("write run file: %w", err)
	}
	return nil
}

func announceWeb(dataDir, url string, brokers []string) (forget func() error, err error) {
	forget = func() error {
		return changeRunFile(dataDir, func(r *runFile) {
			if r.Web != nil && r.Web.PID == os.Getpid() {
				r.Web = nil
			}
		})
	}
	return forget, changeRunFile(dataDir, func(r *runFile) { r.Web = &runningWeb{os.Getpid(), url, brokers} })
}

func announceBroker(dataDir, address string) (forget func() error, err error) {
	forget = func() error {
		return changeRunFile(dataDir, func(r *runFile) {
			if r.Broker != nil && r.Broker.PID == os.Getpid() {
				r.Broker = nil
			}
		})
	}
	return forget, changeRunFile(dataDir, func(r *runFile) { r.Broker = &runningBroker{os.Getpid(), address} })
}

// brokersOf returns where Kafka is for a command that doesn't start a broker:
// as configured, else as a process on this data folder says, else where the
// embedded broker would be.
func brokersOf(c *config.Config) []string {
	if len(c.MQ.Brokers) == 0 {
		running, err := readRunFile(c.App.DataDir)
		switch {
		case err != nil: // as if there were none
		case running.Broker != nil:
			return []string{running.Broker.Address}
		case running.Web != nil:
			return running.Web.Brokers
		}
	}
	return application.Brokers(c)
}
