//go:build !linux

package wal

func (f osFile) sync() error { return f.Sync() }
