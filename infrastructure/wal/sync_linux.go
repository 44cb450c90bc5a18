package wal

import "syscall"

// sync uses fdatasync: it writes the data, and metadata only if the size changed. It
// returns errDeleted if the file has no name any more.
func (f osFile) sync() error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fdatasync(int(fd)); failed != syscall.EINTR {
				break
			}
		}
		var stat syscall.Stat_t
		if failed == nil && syscall.Fstat(int(fd), &stat) == nil && stat.Nlink == 0 {
			failed = errDeleted
		}
	})
	if err != nil {
		return err
	}
	return failed
}
