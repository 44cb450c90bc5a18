//go:build !linux && !darwin && !freebsd

package disk

import "errors"

// Space returns errors.ErrUnsupported on this system.
func Space(string) (free, size uint64, err error) { return 0, 0, errors.ErrUnsupported }
