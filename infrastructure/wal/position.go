package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// The file "position" has two slots of 512 bytes, which are written in turn, so
// that one is whole whatever happens to the other. A slot holds, big-endian: a
// generation, the highest index that was released, the highest that was on disk
// for sure, and the CRC-32C of these 24 bytes. The slot of the higher
// generation counts.
const (
	positionName = "position"
	slotSize     = 512
	slotUsed     = 28
)

type position struct {
	file       file
	generation uint64
	released   uint64
	synced     uint64
	saved      uint64 // the released that was written last
}

// openPosition reads the position; without a file it is zero.
func (l *Log) openPosition() (err error) {
	p := &l.position
	if p.file, err = l.files.open(positionName, false); errors.Is(err, os.ErrNotExist) {
		if p.file, err = l.files.open(positionName, true); err != nil {
			return fmt.Errorf("make the position: %w", err)
		}
		if _, err := p.file.WriteAt(make([]byte, 2*slotSize), 0); err != nil {
			return fmt.Errorf("make the position: %w", err)
		}
		return errors.Join(p.file.sync(), l.files.syncFolder())
	}
	if err != nil {
		return fmt.Errorf("read the position: %w", err)
	}
	l.readPosition()
	return nil
}

// readPosition takes the newest slot that is whole, if it is newer than what is
// known.
func (l *Log) readPosition() {
	p := &l.position
	for slot := range int64(2) {
		b := make([]byte, slotUsed)
		if n, _ := p.file.ReadAt(b, slot*slotSize); n < slotUsed || crc32.Checksum(b[:24], castagnoli) != binary.BigEndian.Uint32(b[24:]) {
			continue
		}
		if generation := binary.BigEndian.Uint64(b); generation > p.generation {
			p.generation = generation
			p.released, p.synced = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
		}
	}
}

// notePosition writes down how far the log has come: without it nobody would
// miss records whose file is gone or cut off.
func (l *Log) notePosition() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.options.Unsynced && l.position.synced < l.durable {
		_ = l.savePosition(false) // or the next time
	}
}

// savePosition writes what is known. Only where files are about to go it has
// to be on disk; else a crash means that some records are read again. mu is
// held.
func (l *Log) savePosition(sync bool) error {
	p := &l.position
	p.generation++
	synced := p.synced
	if !l.options.Unsynced {
		synced = max(synced, l.durable)
	}
	b := make([]byte, 0, slotUsed)
	for _, n := range []uint64{p.generation, p.released, synced} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := p.file.WriteAt(b, int64(p.generation%2)*slotSize); err != nil {
		return err
	}
	if sync {
		if err := p.file.sync(); err != nil {
			return err
		}
	}
	p.saved, p.synced = p.released, synced
	return nil
}
