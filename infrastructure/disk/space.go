//go:build linux || darwin || freebsd

package disk

import "syscall"

// Space returns the number of bytes that this process may still write to the disk of
// dir, and the disk's size in bytes. On other systems it returns
// errors.ErrUnsupported.
func Space(dir string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	block := uint64(s.Bsize)
	return uint64(max(s.Bavail, 0)) * block, s.Blocks * block, nil
}
