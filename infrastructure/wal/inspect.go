package wal

import (
	"errors"
	"fmt"
	"io/fs"
)

// Inspect returns the stats of the log in dir, and the data of its oldest
// unreleased record, nil if there is none. It changes nothing and takes no lock.
// If another process is using the log, the result may be slightly out of date.
// If there is no log in dir, the error wraps fs.ErrNotExist.
func Inspect(dir string) (stats Stats, oldest []byte, err error) {
	for range 20 { // a log in use may remove a file between listing and opening
		stats, oldest, err = inspect(dir)
		if !errors.Is(err, errGone) {
			break
		}
	}
	return stats, oldest, err
}

// errGone means that a listed file was removed before it was opened.
var errGone = errors.New("the log is in use")

func inspect(dir string) (stats Stats, oldest []byte, err error) {
	l := &Log{files: readOnly{folder(dir)}}
	defer func() { err = errors.Join(err, l.release()) }()
	noPosition := l.openPosition()
	if noPosition != nil && !errors.Is(noPosition, fs.ErrNotExist) {
		return stats, nil, fmt.Errorf("inspect log %s: %w", dir, noPosition)
	}
	err = l.openSegments()
	switch {
	case noPosition != nil && len(l.segments)+len(l.setAside) == 0 && (err == nil || errors.Is(err, fs.ErrNotExist)):
		return stats, nil, fmt.Errorf("inspect log %s: %w", dir, noPosition)
	case errors.Is(err, fs.ErrNotExist):
		return stats, nil, fmt.Errorf("inspect log %s: %w", dir, errGone)
	case err != nil:
		return stats, nil, fmt.Errorf("inspect log %s: %w", dir, err)
	}
	if err := l.findEnds(); err != nil {
		return stats, nil, fmt.Errorf("inspect log %s: %w", dir, err)
	}
	for _, s := range l.segments {
		size, err := s.file.size()
		if err != nil {
			return stats, nil, fmt.Errorf("inspect log %s: %w", dir, err)
		}
		l.options.Segment = max(l.options.Segment, size)
	}
	if noPosition == nil { // a log in use may have released records since the first read
		synced := l.position.synced
		l.readPosition()
		l.position.synced = synced
	}
	l.durable = l.findMissing() - 1
	stats = l.Stats()
	for _, damage := range l.damages {
		stats.Missing += damage.To + 1 - damage.From
	}
	stats.Waiting -= stats.Missing
	if stats.Waiting == 0 {
		return stats, nil, nil
	}
	record, _, err := l.NewReader().TryNext()
	if _, damaged := errors.AsType[*DamageError](err); damaged {
		return stats, nil, nil
	}
	return stats, record.Data, err
}
