//go:build unix

package broker

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup keeps the terminal's Ctrl-C from reaching the child. The parent decides
// when the child ends.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGKILL) }

// IsAddressTaken reports whether an error says that another program listens on an address.
func IsAddressTaken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// keepPrivate keeps other users from reading the files that this process makes. kfake
// leaves that to the process.
func keepPrivate() { syscall.Umask(0o077) }
