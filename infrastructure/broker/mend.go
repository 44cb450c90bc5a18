package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mend repairs files after a write that a full disk or a kill cut off. It runs before
// kfake reads its folder. kfake ignores a torn end of a log but appends behind it, so
// its next start would lose everything after the torn entry.
func mend(dir string) error {
	for _, name := range []string{"groups.log", "pids.log"} {
		if err := cutTornEntry(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("mend the broker's folder: %w", err)
		}
	}
	partitions, err := os.ReadDir(filepath.Join(dir, "partitions"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("mend the broker's folder: %w", err)
	}
	for _, partition := range partitions {
		if err := alignIndex(filepath.Join(dir, "partitions", partition.Name())); err != nil {
			return fmt.Errorf("mend the broker's folder: %w", err)
		}
	}
	return nil
}

// cutTornEntry truncates a log after its last valid entry. An entry is a length, a
// checksum of the rest, and the rest, which starts with a version.
func cutTornEntry(path string) error {
	const head, version = 8, 2
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	whole := 0
	for len(raw)-whole >= head {
		rest := raw[whole:]
		length, sum := uint64(binary.LittleEndian.Uint32(rest)), binary.LittleEndian.Uint32(rest[4:])
		if length < version || length > uint64(len(rest)-head) || crc32.Checksum(rest[head:head+length], castagnoli) != sum {
			break
		}
		whole += head + int(length)
	}
	if whole == len(raw) {
		return nil
	}
	return os.Truncate(path, int64(whole))
}

// alignIndex completes the index of a partition's newest segment. The index has an
// entry for each batch, written after the batch. If an entry were missing, kfake
// would assign each later entry to the batch before, and would serve records of an
// aborted transaction.
func alignIndex(partition string) error {
	const entrySize, batchHead, lengthAt, attributesAt = 15, 12, 8, 21
	files, err := os.ReadDir(partition)
	if err != nil {
		return err
	}
	newest := int64(-1)
	for _, file := range files {
		if name, found := strings.CutSuffix(file.Name(), ".dat"); found {
			if base, err := strconv.ParseInt(name, 10, 64); err == nil {
				newest = max(newest, base)
			}
		}
	}
	if newest < 0 {
		return nil
	}
	segment, err := os.ReadFile(filepath.Join(partition, fmt.Sprintf("%d.dat", newest)))
	if err != nil {
		return err
	}
	path := filepath.Join(partition, fmt.Sprintf("%d.idx", newest))
	index, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	complete := index[:len(index)-len(index)%entrySize]
	for batch := 0; len(segment) > attributesAt+2; batch++ {
		size := batchHead + uint64(binary.BigEndian.Uint32(segment[lengthAt:]))
		if size > uint64(len(segment)) {
			break // the batch itself is torn
		}
		if batch >= len(complete)/entrySize {
			attributes := binary.BigEndian.Uint16(segment[attributesAt:])
			entry := [entrySize]byte{0: 1} // version
			if attributes&0x30 == 0x10 {   // in a transaction, and not its end marker
				entry[entrySize-1] = 1
			}
			entry[1] = byte(crc32.Checksum(entry[2:], castagnoli))
			complete = append(complete, entry[:]...)
		}
		segment = segment[size:]
	}
	if len(complete) == len(index) {
		return nil
	}
	return writeSynced(path, complete)
}

func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}
