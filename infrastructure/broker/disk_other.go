//go:build !linux && !darwin

package broker

import "errors"

// diskFree is not known here: a full disk is found by the first failed write.
func diskFree(string) (uint64, error) { return 0, errors.ErrUnsupported }
