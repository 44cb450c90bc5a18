package broker

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup keeps the terminal's Ctrl-C from reaching the child. The parent decides
// when the child ends.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup kills only the process, because the child starts no processes.
func killGroup(process *os.Process) error { return process.Kill() }

// IsAddressTaken reports whether an error says that another program listens on an address.
// It compares with Winsock's error number, because package syscall defines EADDRINUSE on
// Windows as an invented number.
func IsAddressTaken(err error) bool { return errors.Is(err, syscall.Errno(10048)) }

func keepPrivate() {}
