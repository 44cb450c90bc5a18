package broker

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup keeps the terminal's Ctrl-C away from the child: its parent decides
// when it ends.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup ends the process itself: the child starts none of its own.
func killGroup(process *os.Process) error { return process.Kill() }

// isAddressTaken knows the number that Winsock gives, since the syscall
// package has EADDRINUSE only as an invented one.
func isAddressTaken(err error) bool { return errors.Is(err, syscall.Errno(10048)) }

func maxFiles() int { return math.MaxInt }
