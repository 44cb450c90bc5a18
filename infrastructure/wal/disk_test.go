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

// sector is what a disk writes at once, in bytes.
const sector = 512

// memoryDisk is a file system in memory that forgets, when it crashes, what was not
// synced: any of the sectors written since, and what was done to the folder
// since, from a random point on.
type memoryDisk struct {
	mu     sync.Mutex
	names  map[string]*inode
	synced map[string]*inode
	// changes lead from synced to names.
	changes []func(map[string]*inode)
	// space is how many bytes all files may have, 0 = any.
	space int64
	// failSync and failWrite fail the calls they return an error for.
	failSync, failWrite func(name string) error
	syncs               int
	// delay is how long each sync takes.
	delay time.Duration
}

type inode struct {
	name    string // the last, for failSync
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

// failWrites and failSyncs have calls fail as fails says of the file's name; nil
// = none.
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

// onlyPosition is the failing of writes to the position.
func onlyPosition(name string) error {
	if name == positionName {
		return errNoSpace
	}
	return nil
}

// syncsSoFar counts the syncs of files.
func (d *memoryDisk) syncsSoFar() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}

// crash is a power loss.
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

// write makes the sector at that place of text durable.
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
			f.node.dirty = map[int64]bool{} // the pages are marked clean, and are not on disk
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

// TestDiskForgets holds what the other tests rely on.
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
			t.Fatal("what was synced is gone")
		}
		if bytes.HasSuffix(text, []byte("passing")) {
			kept++
		}
	}
	if lost == 0 || lost == 100 || kept == 0 || kept == 100 {
		t.Fatalf("of 100 crashes %d lost the name and %d kept what was not synced", lost, kept)
	}
}
