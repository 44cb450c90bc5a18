package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// The format, version 1. All numbers are big-endian. Checksums are CRC-32C
// (Castagnoli).
//
// A segment is a file of fixed size, written once from its start. Before that it
// holds zeros, or the records of an earlier segment whose file it reuses. Its
// header has 64 bytes:
//
//	 0  magic "EBWAL"
//	 5  version, one byte, and two zeros
//	 8  number of the segment, counted from 1; the file is <number, 16 hex digits>.wal.
//	    A skipped number means that records are missing in between
//	16  index of its first record
//	24  salt, random
//	32  offset of the end of the records in the previous segment; 0 in the first
//	40  zeros
//	60  checksum of bytes 0 to 59
//
// Records follow without gaps:
//
//	 0  length of the data in bytes
//	 4  checksum of the segment's salt, and of the length, bytes 8 to 23 and the data
//	    of this record
//	 8  index, counted from 1 over all segments
//	16  highest index that was known to be on disk when this record was written
//	24  data
//
// A record with a wrong checksum, a wrong index or length 0 ends a segment. The
// bytes after it may be a valid record of the file's earlier use; the salt tells
// the two apart.
const (
	magic        = "EBWAL"
	version      = 1
	headerSize   = 64
	recordHeader = 24
	segmentName  = ".wal"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the header of a segment.
type header struct {
	number     uint64
	firstIndex uint64
	salt       uint64
	// before is the offset at which the records of the segment before end.
	before int64
}

func (h header) name() string { return fmt.Sprintf("%016x%s", h.number, segmentName) }

// numberOf returns the segment number in a file name.
func numberOf(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentName)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 16, 64)
	return number, err == nil && number > 0
}

func (h header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, magic)
	b[5] = version
	binary.BigEndian.PutUint64(b[8:], h.number)
	binary.BigEndian.PutUint64(b[16:], h.firstIndex)
	binary.BigEndian.PutUint64(b[24:], h.salt)
	binary.BigEndian.PutUint64(b[32:], uint64(h.before))
	binary.BigEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

var errNoHeader = errors.New("the header of the segment is damaged")

func decodeHeader(b []byte) (header, error) {
	if len(b) < headerSize || string(b[:5]) != magic || crc32.Checksum(b[:60], castagnoli) != binary.BigEndian.Uint32(b[60:]) {
		return header{}, errNoHeader
	}
	if b[5] != version {
		return header{}, fmt.Errorf("the segment has version %d of the format, this program knows %d", b[5], version)
	}
	return header{
		number: binary.BigEndian.Uint64(b[8:]), firstIndex: binary.BigEndian.Uint64(b[16:]),
		salt: binary.BigEndian.Uint64(b[24:]), before: int64(binary.BigEndian.Uint64(b[32:])),
	}, nil
}

// appendRecord appends an encoded record to b.
func appendRecord(b []byte, salt, index, synced uint64, parts ...[]byte) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, 0) // length and checksum follow
	b = binary.BigEndian.AppendUint64(b, index)
	b = binary.BigEndian.AppendUint64(b, synced)
	for _, part := range parts {
		b = append(b, part...)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-recordHeader))
	binary.BigEndian.PutUint32(b[start+4:], recordSum(salt, b[start:]))
	return b
}

// recordSum returns the checksum of an encoded record.
func recordSum(salt uint64, record []byte) uint32 {
	var seed [12]byte
	binary.BigEndian.PutUint64(seed[:], salt)
	copy(seed[8:], record[:4])
	sum := crc32.Update(0, castagnoli, seed[:])
	return crc32.Update(sum, castagnoli, record[8:])
}

// recordAt is a decoded record.
type recordAt struct {
	index, synced uint64
	data          []byte
}

// decodeRecord decodes the record at the start of b and returns its length in
// bytes. ok is false if b doesn't start with a valid record.
func decodeRecord(b []byte, salt uint64) (r recordAt, length int, ok bool) {
	if len(b) < recordHeader {
		return r, 0, false
	}
	size := binary.BigEndian.Uint32(b)
	if size == 0 || uint64(size) > uint64(len(b)-recordHeader) {
		return r, 0, false
	}
	length = recordHeader + int(size)
	if recordSum(salt, b[:length]) != binary.BigEndian.Uint32(b[4:]) {
		return r, 0, false
	}
	return recordAt{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), b[recordHeader:length]}, length, true
}
