package wal

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// folderFault is a disk whose folder can't be synced at times, as where the
// process has no file descriptor left (syncFolder opens the folder).
type folderFault struct {
	*disk
	fail error
}

func (f *folderFault) syncFolder() error {
	if f.fail != nil {
		return f.fail
	}
	return f.disk.syncFolder()
}

// A rotation that fails after the rename leaves a segment behind that says where
// the one before ends. What is taken into the one before after that was
// acknowledged, and must be there after a kill.
func TestSegmentThatWasNotBegunHidesRecords(t *testing.T) {
	d := &folderFault{disk: newDisk()}
	open := func() *Log {
		l, err := Open("", Options{Segment: small, files: d})
		require.NoError(t, err)
		return l
	}
	l := open()
	appendSome(t, l, 1, 3, 1000)
	d.fail = errors.New("too many open files")
	_, err := l.Append(data(4, 1500)) // needs a new segment
	require.Error(t, err)
	_, err = l.Append(data(4, 100)) // would fit into the old one
	require.Error(t, err)
	d.fail = nil
	index, err := l.Append(data(4, 100))
	require.NoError(t, err, "acknowledged")
	require.EqualValues(t, 4, index)
	// kill -9: nothing is closed, nothing of the disk is lost
	again := open()
	assert.Empty(t, again.Damages())
	var read []uint64
	for r := again.NewReader(); ; {
		record, ok, err := r.TryNext()
		require.NoError(t, err)
		if !ok {
			break
		}
		read = append(read, record.Index)
	}
	assert.Equal(t, []uint64{1, 2, 3, 4}, read, "an acknowledged record is gone without a word")
}
