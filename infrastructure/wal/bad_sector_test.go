package wal

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A sector that can't be read costs what is in it.
func TestUnreadableSectorBlocksTheReader(t *testing.T) {
	d := &badSector{disk: newDisk()}
	l, err := Open("", Options{Segment: small, files: d})
	require.NoError(t, err)
	defer l.Close()
	appendSome(t, l, 1, 20, 500)
	d.at = 1024
	d.name = header{number: 1}.name()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := l.NewReader()
	var last uint64
	for range 100 {
		record, err := r.Next(ctx)
		if errors.Is(err, context.Canceled) {
			break
		}
		if err == nil {
			last = record.Index
		}
	}
	assert.EqualValues(t, 20, last, "one bad sector holds up all that is behind it")
}

type badSector struct {
	*disk
	name string
	at   int64
}

func (b *badSector) open(name string, create bool) (file, error) {
	f, err := b.disk.open(name, create)
	if err != nil {
		return nil, err
	}
	return &badFile{f.(*diskFile), b}, nil
}

type badFile struct {
	*diskFile
	of *badSector
}

func (f *badFile) ReadAt(p []byte, at int64) (int, error) {
	if f.of.at > 0 && f.node.name == f.of.name && at <= f.of.at && f.of.at < at+int64(len(p)) {
		return 0, errors.New("input/output error")
	}
	return f.diskFile.ReadAt(p, at)
}
