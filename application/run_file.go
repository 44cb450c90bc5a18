package application

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/gofrs/flock"

	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/disk"
)

// runFile is data_dir/run.json. It lists the processes that use the data folder,
// the oldest first, with their real addresses.
type runFile struct {
	Processes []runningProcess `json:"processes"`
}

// runningProcess is a process that uses the data folder. URL is set if it is a web
// service, Ops is the address of its metrics if it serves any.
type runningProcess struct {
	PID     int      `json:"pid"`
	URL     string   `json:"url,omitempty"`
	Ops     string   `json:"ops,omitempty"`
	Brokers []string `json:"brokers"`
}

func runFilePath(dataDir string) string { return filepath.Join(dataDir, "run.json") }

// running returns the processes of the run file that are still alive.
func running(dataDir string) ([]runningProcess, error) {
	var r runFile
	content, err := os.ReadFile(runFilePath(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", runFilePath(dataDir), err)
	}
	return slices.DeleteFunc(r.Processes, func(p runningProcess) bool { return !lives(p.PID) }), nil
}

// lives reports whether a process is alive. In doubt it returns true.
func lives(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer process.Release()
	err = process.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

// enterRunFile adds this process to the run file. forget removes it.
func enterRunFile(dataDir string, entry runningProcess) (forget func() error, err error) {
	entry.PID = os.Getpid()
	forget = func() error { return changeRunFile(dataDir, nil) }
	return forget, changeRunFile(dataDir, &entry)
}

// changeRunFile replaces the entry of this process, or removes it if entry is nil.
// If the file can't be read, it starts a new one.
func changeRunFile(dataDir string, entry *runningProcess) error {
	lock := flock.New(runFilePath(dataDir) + ".lock")
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("lock run file: %w", err)
	}
	defer lock.Unlock()
	others, err := running(dataDir)
	if err != nil {
		others = nil
	}
	r := runFile{slices.DeleteFunc(others, func(p runningProcess) bool { return p.PID == os.Getpid() })}
	if entry != nil {
		r.Processes = append(r.Processes, *entry)
	}
	if len(r.Processes) == 0 {
		if err := os.Remove(runFilePath(dataDir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove run file: %w", err)
		}
		return nil
	}
	if err := disk.ReplaceJSON(runFilePath(dataDir), r); err != nil {
		return fmt.Errorf("write run file: %w", err)
	}
	return nil
}

// Brokers returns where a command that starts no broker finds Kafka: as
// configured, else as a process on this data folder says, else where the
// embedded broker would be.
func Brokers(c *config.Config) []string {
	if len(c.MQ.Brokers) > 0 {
		return c.MQ.Brokers
	}
	processes, _ := running(c.App.DataDir) // an unreadable file is as good as none
	for _, p := range slices.Backward(processes) {
		if len(p.Brokers) > 0 {
			return p.Brokers
		}
	}
	return []string{c.MQ.Listen}
}

// Running reports whether a web service runs on this data folder.
func Running(c *config.Config) bool {
	processes, _ := running(c.App.DataDir) // an unreadable file is as good as none
	return slices.ContainsFunc(processes, func(p runningProcess) bool { return p.URL != "" })
}

// URL returns where the web service on this data folder is: as a process there
// says, else as configured.
func URL(c *config.Config) string {
	processes, _ := running(c.App.DataDir)         // an unreadable file is as good as none
	for _, p := range slices.Backward(processes) { // the newest: an old pid may be another program's by now
		if p.URL != "" {
			return p.URL
		}
	}
	host := c.App.Listen
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(c.App.Port))
}
