package wal

import (
	"errors"
	"fmt"
	"io/fs"
)

// Inspect tells what the log in dir holds, and the data of its oldest record
// that waits, nil if there is none. It changes nothing and takes no lock, so
// that it may look at a log in use; what it tells is then a little old. Its error
// wraps fs.ErrNotExist where there is no log.
func Inspect(dir string) (stats Stats, oldest []byte, err error) {
	for range 20 { // a log in use may take a file away between its listing and its opening
		stats, oldest, err = inspect(dir)
		if !errors.Is(err, errGone) {
			break
		}
	}
	return stats, oldest, err
}

// errGone: a file that was listed is not there any more.
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
	if noPosition == nil { // a log in use may have released what was there a moment ago
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
