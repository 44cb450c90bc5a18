//go:build linux || darwin || freebsd

package disk

import "syscall"

// Space returns how many bytes we may still write where dir lies, and how many
// that disk has. Where that isn't known the error is errors.ErrUnsupported.
func Space(dir string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	block := uint64(s.Bsize)
	return uint64(max(s.Bavail, 0)) * block, s.Blocks * block, nil
}
