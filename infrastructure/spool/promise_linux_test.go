package spool

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func leavesSpace(t *testing.T, p parts) error {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=400m"); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	defer func() { assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) }()
	_, s := p.open(t, filepath.Join(dir, "spool"), []string{"127.0.0.1:1"}, "x", Options{})
	defer closeSpool(t, s)
	value := make([]byte, 10<<20)
	for {
		ok, err := s.SendEvent("k", value)
		if ok {
			continue
		}
		if !errors.Is(err, mq.ErrLost) {
			return err
		}
		free, size, err := disk.Space(dir)
		if err == nil && free < size/10 {
			err = fmt.Errorf("%d of %d bytes are free", free, size)
		}
		return err
	}
}

// A tenth of the disk stays free, and the stats say early that the space fills up.
func TestATenthOfTheDiskIsLeft(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=170m"); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	s := newSpool(t, dir+"/spool", []string{"127.0.0.1:1"}, mqtest.NewTopic(), Options{})
	told := false
	for ok := true; ok; {
		told = s.EventStats().Filling
		ok, _ = s.SendEvent("k", make([]byte, 1<<20))
	}
	free, size, err := disk.Space(dir)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, free, size/10, "%d MiB of %d", free>>20, size>>20)
	assert.True(t, told, "nothing told that the space for events fills up")
}
