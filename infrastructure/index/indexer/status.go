package indexer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"literank.com/event-books/infrastructure/disk"
)

// State is what the index of a shop does.
type State string

const (
	// Waiting: there is no index, and none is being built. The database answers searches.
	Waiting State = "waiting"
	// Building: the database answers searches, or an older index does.
	Building State = "building"
	// Behind: the index answers, and lacks changes that are being indexed.
	Behind State = "behind"
	Ready  State = "ready"
)

// Status describes the index of a shop.
type Status struct {
	State State `json:"state"`
	// Answering says whether an index answers searches, and not the database.
	Answering bool `json:"answering"`
	// Done and Total count books while an index is built. Left counts the books whose changes
	// the index lacks.
	Done  int `json:"done,omitempty"`
	Total int `json:"total,omitempty"`
	Left  int `json:"left,omitempty"`
	// Version is the highest version of a book in the index.
	Version int64 `json:"version,omitempty"`
	// Built is when this run of the shop last completed an index, and Seconds how long that
	// took.
	Built   time.Time `json:"built,omitzero"`
	Seconds float64   `json:"seconds,omitempty"`
	// Problem is why the last attempt failed, or empty.
	Problem string `json:"problem,omitempty"`
	// Time is when the status became this one.
	Time time.Time `json:"time"`
}

// Status returns what the index does now.
func (x *Indexer) Status() Status {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := Status{State: Waiting, Problem: x.problem, Built: x.built, Seconds: x.took.Seconds()}
	if r := x.serving; r != nil {
		s.State, s.Answering, s.Left, s.Version = Ready, true, r.pending.left(), r.engine.Position().Version
		if s.Left > 0 {
			s.State = Behind
		}
	}
	if r := x.next; r != nil {
		s.State, s.Total, s.Done = Building, r.total, max(0, r.total-r.pending.left())
	}
	return s
}

const statusFile = "status.json"

func (f folders) writeStatus(s Status) error {
	if err := os.MkdirAll(f.root, 0o700); err != nil {
		return err
	}
	return disk.ReplaceJSON(f.path(statusFile), s)
}

// ReadStatus returns the last status that the shop on a folder has written. If there is none, ok
// is false, and the status says that the index is Waiting.
func ReadStatus(folder string) (s Status, ok bool, err error) {
	name := folders{folder}.path(statusFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Status{State: Waiting}, false, nil
	}
	if err != nil {
		return s, false, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return Status{}, false, nil // the shop writes another one
	}
	return s, true, nil
}

// Forget removes the status of a folder, because the shop keeps no index any more.
func Forget(folder string) error { return folders{folder}.forget() }

// Requested reports whether a request waits for a shop.
func Requested(folder string) bool {
	_, err := os.Stat(folders{folder}.path(requestFile))
	return err == nil
}

// Request asks the shop on a folder, now or at its next start, to build another index.
func Request(folder string) error {
	f := folders{folder}
	if err := os.MkdirAll(f.root, 0o700); err != nil {
		return err
	}
	return os.WriteFile(f.path(requestFile), nil, 0o600)
}
