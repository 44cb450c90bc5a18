//go:build unix

package disk

import (
	"math"
	"syscall"
)

// MaxFiles returns how many files, connections included, this process may have open. The
// Go runtime raises that limit to the most that the system allows.
func MaxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt))
}
