package wal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// sector is the size of an atomic write to the disk, in bytes.
const sector = 512

// memoryDisk is a file system in memory. At a crash it forgets unsynced changes:
// a random choice of the sectors written since the last sync, and all changes to
// the folder from a random point on.
type memoryDisk struct {
	mu     sync.Mutex
	names  map[string]*inode
	synced map[string]*inode
	// changes turn synced into names.
	changes []func(map[string]*inode)
	// space limits the size of all files together, in bytes; 0 means no limit.
	space int64
	// failSync and failWrite return the error for a call on the named file.
	failSync, failWrite func(name string) error
	syncs               int
	// delay is the duration of each sync.
	delay time.Duration
}

type inode struct {
	name    string // the latest name, for failSync
	now     []byte
	durable []byte
	dirty   map[int64]bool // sectors
}

func newDisk() *memoryDisk {
	return &memoryDisk{names: map[string]*inode{}, synced: map[string]*inode{}}
}

func (d *memoryDisk) change(do func(map[string]*inode)) {
	do(d.names)
	d.changes = append(d.changes, do)
}

func (d *memoryDisk) open(name string, create bool) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node, ok := d.names[name]
	switch {
	case ok && create:
		return nil, fs.ErrExist
	case !ok && !create:
		return nil, fs.ErrNotExist
	case !ok:
		node = &inode{name: name, dirty: map[int64]bool{}}
		d.change(func(names map[string]*inode) { names[name] = node })
	}
	return &diskFile{d, node}, nil
}

func (d *memoryDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	node, ok := d.names[from]
	if !ok {
		return fs.ErrNotExist
	}
	node.name = to
	d.change(func(names map[string]*inode) {
		if node, ok := names[from]; ok {
			names[to] = node
			delete(names, from)
		}
	})
	return nil
}

func (d *memoryDisk) remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.names[name]; !ok {
		return fs.ErrNotExist
	}
	d.change(func(names map[string]*inode) { delete(names, name) })
	return nil
}

func (d *memoryDisk) list() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names)), nil
}

func (d *memoryDisk) syncFolder() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = maps.Clone(d.names)
	d.changes = nil
	return nil
}

// failWrites and failSyncs make calls fail with the error that fails returns for
// the file's name. nil ends the failures.
func (d *memoryDisk) failWrites(fails func(name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failWrite = fails
}

func (d *memoryDisk) failSyncs(fails func(name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failSync = fails
}

// onlyPosition fails writes to the position file.
func onlyPosition(name string) error {
	if name == positionName {
		return errNoSpace
	}
	return nil
}

// syncsSoFar returns the number of file syncs.
func (d *memoryDisk) syncsSoFar() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}

// crash simulates a power loss.
func (d *memoryDisk) crash(random *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, change := range d.changes[:random.IntN(len(d.changes)+1)] {
		change(d.synced)
	}
	d.names, d.changes = maps.Clone(d.synced), nil
	for _, node := range d.names {
		for at := range node.dirty {
			if random.IntN(2) == 0 {
				node.write(node.now, at*sector)
			}
		}
		node.now = bytes.Clone(node.durable)
		node.dirty = map[int64]bool{}
	}
}

// write makes the sector at offset at durable.
func (n *inode) write(text []byte, at int64) {
	end := min(at+sector, int64(len(text)))
	if grow := end - int64(len(n.durable)); grow > 0 {
		n.durable = append(n.durable, make([]byte, grow)...)
	}
	copy(n.durable[at:end], text[at:end])
}

type diskFile struct {
	disk *memoryDisk
	node *inode
}

func (f *diskFile) ReadAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if at >= int64(len(f.node.now)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.now[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var errNoSpace = errors.New("no space left on device")

func (f *diskFile) WriteAt(p []byte, at int64) (int, error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failWrite != nil {
		if err := d.failWrite(f.node.name); err != nil {
			return 0, err
		}
	}
	if grow := at + int64(len(p)) - int64(len(f.node.now)); grow > 0 {
		used := int64(0)
		for _, node := range d.names {
			used += int64(len(node.now))
		}
		if d.space > 0 && used+grow > d.space {
			return 0, errNoSpace
		}
		f.node.now = append(f.node.now, make([]byte, grow)...)
	}
	copy(f.node.now[at:], p)
	for s := at / sector; s*sector < at+int64(len(p)); s++ {
		f.node.dirty[s] = true
	}
	return len(p), nil
}

func (f *diskFile) Close() error { return nil }

func (f *diskFile) sync() error {
	d := f.disk
	time.Sleep(d.delay)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.failSync != nil {
		if err := d.failSync(f.node.name); err != nil {
			f.node.dirty = map[int64]bool{} // marks the pages as clean, although they are not on disk
			return err
		}
	}
	for at := range f.node.dirty {
		f.node.write(f.node.now, at*sector)
	}
	f.node.dirty = map[int64]bool{}
	return nil
}

func (f *diskFile) size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.now)), nil
}

// TestDiskForgets checks the behaviour that the other tests rely on.
func TestDiskForgets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	lost, kept := 0, 0
	for range 100 {
		d := newDisk()
		f, _ := d.open("a", true)
		_ = d.syncFolder()
		_, _ = f.WriteAt([]byte("durable"), 0)
		_ = f.sync()
		_, _ = f.WriteAt([]byte("passing"), sector)
		_ = d.rename("a", "b")
		d.crash(random)
		after, err := d.open("b", false)
		if err != nil {
			lost++
			if after, err = d.open("a", false); err != nil {
				t.Fatal(err)
			}
		}
		text, _ := readAll(after)
		if !bytes.HasPrefix(text, []byte("durable")) {
			t.Fatal("synced data is lost")
		}
		if bytes.HasSuffix(text, []byte("passing")) {
			kept++
		}
	}
	if lost == 0 || lost == 100 || kept == 0 || kept == 100 {
		t.Fatalf("of 100 crashes %d lost the name and %d kept unsynced data", lost, kept)
	}
}
