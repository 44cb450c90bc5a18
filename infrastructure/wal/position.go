package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// The file "position" has two slots of 512 bytes. They are written in turn, so
// one slot stays valid if a crash tears the write of the other. A slot holds, in
// big-endian order: a generation, the highest released index, the highest index
// that is known to be on disk, and the CRC-32C of these 24 bytes. The valid slot
// with the higher generation counts.
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
	saved      uint64 // value of released in the last write
}

// openPosition reads the position. If the file is missing, it makes one with
// position zero.
func (l *Log) openPosition() (err error) {
	p := &l.position
	if p.file, err = l.files.open(positionName, false); errors.Is(err, os.ErrNotExist) {
		p.file, err = l.makePosition()
		return err
	}
	if err != nil {
		return fmt.Errorf("read the position: %w", err)
	}
	l.readPosition()
	return nil
}

// makePosition makes the file with position zero.
func (l *Log) makePosition() (file, error) {
	f, err := l.files.open(positionName, true)
	if err != nil {
		return nil, fmt.Errorf("make the position: %w", err)
	}
	if _, err := f.WriteAt(make([]byte, 2*slotSize), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("make the position: %w", err), f.Close())
	}
	return f, errors.Join(f.sync(), l.files.syncFolder())
}

// readPosition takes over the newest valid slot if it is newer than the position
// in memory.
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

// notePosition stores the highest durable index. Without it, the log couldn't
// report records that were lost with their file or its end.
func (l *Log) notePosition() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.options.Unsynced || l.position.synced >= l.durable {
		return
	}
	_ = l.savePosition(false) // the next tick retries
}

// keepPosition makes the file again if somebody has deleted it. The caller holds mu.
func (l *Log) keepPosition() error {
	there, err := l.files.open(positionName, false)
	if err == nil {
		return there.Close()
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := l.makePosition()
	if err != nil {
		return err
	}
	_ = l.position.file.Close()
	l.position.file = f
	return nil
}

// savePosition writes the position. A sync is needed only before segments are
// removed; without it, a crash makes readers read some records again. The caller
// holds mu.
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
	if err := l.keepPosition(); err != nil {
		return err
	}
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
