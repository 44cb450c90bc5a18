//go:build unix

package broker

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup keeps the terminal's Ctrl-C from reaching the child. The parent decides
// when the child ends.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGKILL) }

func isAddressTaken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// maxFiles returns how many files this process may open. The Go runtime raises that
// limit to the most that the system allows.
func maxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt))
}
