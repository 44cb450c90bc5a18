//go:build linux || darwin

package disk

import "syscall"

// Space returns how many bytes we may still write where dir lies, and how many
// that disk has. Where that isn't known the error is errors.ErrUnsupported.
func Space(dir string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}
