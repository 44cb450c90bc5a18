//go:build !linux

package wal

import "time"

func (f osFile) sync() error { return f.Sync() }

func nap(time.Duration) {}
