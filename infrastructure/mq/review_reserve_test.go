//go:build linux

package mq

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A tenth of the disk is left free, and it is told before that the space runs out.
func TestReviewATenthOfTheDiskIsLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a disk")
	}
	disk := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=170m"))
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	s := newSpool(t, disk+"/spool", []string{"127.0.0.1:1"}, newTopic(), SpoolOptions{})
	told := false
	for ok := true; ok; {
		told = s.EventStats().Filling
		ok, _ = s.SendEvent("k", make([]byte, 1<<20))
	}
	free, size, err := diskSpace(disk)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, free, size/10, "%d MiB of %d", free>>20, size>>20)
	assert.True(t, told, "nothing told that the space for events fills up")
}
