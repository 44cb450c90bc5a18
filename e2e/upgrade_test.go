//go:build unix

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unpack unpacks a data folder of testdata. It keeps modes, and leaves holes where segments
// are empty.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", archive))
	require.NoError(t, err)
	defer packed.Close()
	unzipped, err := gzip.NewReader(packed)
	require.NoError(t, err)
	files := tar.NewReader(unzipped)
	for {
		header, err := files.Next()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		name := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.FileInfo().IsDir() {
			require.NoError(t, os.MkdirAll(name, header.FileInfo().Mode()))
			continue
		}
		require.NoError(t, unpackFile(files, name, header))
	}
}

func unpackFile(content io.Reader, name string, header *tar.Header) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, header.FileInfo().Mode())
	if err != nil {
		return err
	}
	block, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for offset := int64(0); err == nil; {
		var n int
		n, err = io.ReadFull(content, block)
		if !bytes.Equal(block[:n], zeros[:n]) {
			if _, writing := f.WriteAt(block[:n], offset); writing != nil {
				err = writing
			}
		}
		offset += int64(n)
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = f.Truncate(header.Size)
	}
	return errors.Join(err, f.Close())
}

// A shop starts on the data folder that version 0.1.0 left when it was killed: 400 books,
// 20 records in the broker's log, 1,000 events in the spool, and a token.
func TestUpgradeFrom010(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, "data-0.1.0.tar.gz", dir)
	token := adminToken(t, dir)
	info, err := os.Stat(filepath.Join(dir, "data", "admin-token"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	status, output := finish(t, dir, nil, "spool", "status")
	assert.Equal(t, 0, status)
	assert.Regexp(t, `waiting: +1000 events`, output)

	p := start(t, dir, nil)
	url := p.ready()
	assert.Equal(t, "400", get(t, url+"/api/books").header.Get("X-Total-Count"))
	assert.Contains(t, get(t, url+"/api/books?q=pride+prejudice").body, `"title":"Pride and Prejudice"`)
	p.settled()
	keys, sequences := map[string]int{}, map[string]bool{}
	for _, r := range events(t, p.broker(), topic, 1021) {
		keys[r.Key]++
		sequences[r.Header("ce_source")+r.Header("ce_sequence")] = true
		if source := r.Header("ce_source"); r.Key != "pride prejudice" {
			assert.True(t, strings.HasPrefix(source, "/event-books/shop/"), "an event keeps its source: %s", source)
		}
	}
	assert.Len(t, keys, 1021)
	assert.Len(t, sequences, 1021)
	for i := range 1000 {
		assert.Equal(t, 1, keys[fmt.Sprint("waiting ", i+1)])
	}
	for i := range 20 {
		assert.Equal(t, 1, keys[fmt.Sprint("before ", i+1)])
	}
	assert.Equal(t, http.StatusCreated, post(t, dir, url+"/api/books", `{"title":"After the upgrade"}`).code)
	assert.Equal(t, token, adminToken(t, dir))
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.FileExists(t, filepath.Join(dir, "data", "shop.json"))
}
