//go:build linux || darwin

package broker

import "syscall"

// diskFree returns how many bytes may still be written where dir lies.
func diskFree(dir string) (uint64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return disk.Bavail * uint64(disk.Bsize), nil
}
