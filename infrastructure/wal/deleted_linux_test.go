package wal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Records that are appended after somebody deleted the files are in new ones.
func TestDeletedFiles(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"folder":  os.RemoveAll,
		"segment": func(dir string) error { return os.Remove(filepath.Join(dir, header{number: 1}.name())) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			l, err := Open(dir, Options{Segment: small})
			require.NoError(t, err)
			appendSome(t, l, 1, 3, 100)
			require.NoError(t, remove(dir))
			appendSome(t, l, 4, 6, 100)
			require.NoError(t, l.Close())

			l, err = Open(dir, Options{Segment: small})
			require.NoError(t, err)
			defer l.Close()
			r := l.NewReader()
			for index := uint64(4); index <= 6; {
				record, err := r.Next(t.Context())
				if err != nil {
					require.ErrorContains(t, err, "3", "the three records before are reported as lost")
					continue
				}
				require.Equal(t, index, record.Index)
				index++
			}
		})
	}
}

// A file that is deleted with released records alone costs nothing, so no loss is reported.
func TestReleaseOfADeletedFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l, err := Open(dir, Options{Segment: small})
	require.NoError(t, err)
	appendSome(t, l, 1, 3, 100)
	require.NoError(t, os.RemoveAll(dir))
	appendSome(t, l, 4, 6, 100)
	require.NoError(t, l.Release(6))
	appendSome(t, l, 7, 60, 100) // needs another file
	require.NoError(t, l.Release(60))
	require.NoError(t, l.Close())

	l, err = Open(dir, Options{Segment: small})
	require.NoError(t, err)
	defer l.Close()
	require.Empty(t, l.Damages())
}
