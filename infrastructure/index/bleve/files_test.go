package bleve_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
)

// segments are the files of an index's segments.
func segments(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.zap"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func rewrite(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, change(content), 0o600))
}

func TestDamagedFiles(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, folder string)
		want   error
	}{
		{"a segment cut off", func(t *testing.T, folder string) {
			for _, file := range segments(t, folder) {
				rewrite(t, file, func(b []byte) []byte { return b[:len(b)/2] })
			}
		}, index.ErrDamaged},
		{"an empty segment", func(t *testing.T, folder string) {
			for _, file := range segments(t, folder) {
				rewrite(t, file, func([]byte) []byte { return nil })
			}
		}, index.ErrDamaged},
		{"a flipped bit in a segment", func(t *testing.T, folder string) {
			for _, file := range segments(t, folder) {
				rewrite(t, file, func(b []byte) []byte { b[len(b)/3] ^= 4; return b })
			}
		}, index.ErrDamaged},
		{"missing segments", func(t *testing.T, folder string) {
			for _, file := range segments(t, folder) { // a single one may have been merged into others
				require.NoError(t, os.Remove(file))
			}
		}, index.ErrDamaged},
		{"an overwritten list of segments", func(t *testing.T, folder string) {
			rewrite(t, filepath.Join(folder, "root.bolt"), func(b []byte) []byte {
				for i := range b {
					b[i] = byte(i)
				}
				return b
			})
		}, index.ErrDamaged},
		{"a file that a crash has left", func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "0000000ff001.zap"), []byte("half"), 0o600))
		}, nil},
		{"another format", func(t *testing.T, folder string) {
			rewrite(t, filepath.Join(folder, "format"), func([]byte) []byte { return []byte("0") })
		}, index.ErrFormat},
		{"no format", func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, "format")))
		}, index.ErrDamaged},
		{"two deaths while opening", func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "opening"), []byte("2"), 0o600))
		}, index.ErrDamaged},
		{"two deaths while merging", func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "merging"), []byte("2"), 0o600))
		}, index.ErrDamaged},
		{"one death", func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "opening"), []byte("1"), 0o600))
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "index")
			x, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			for i := range 20 {
				require.NoError(t, put(x, &model.Book{ID: uint(i + 1), Title: "Book " + strconv.Itoa(i)}))
			}
			require.NoError(t, x.Close())
			test.damage(t, folder)
			x, err = bleve.Open(folder, slog.New(slog.DiscardHandler))
			require.ErrorIs(t, err, test.want)
			if err == nil {
				assert.Equal(t, 20, search(t, x, model.Search{}).Total)
				require.NoError(t, x.Close())
				assert.NoFileExists(t, filepath.Join(folder, "opening"))
			}
		})
	}
}

// An index whose files vanish fails, and closing it doesn't hang.
func TestFolderVanishes(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "index")
	x, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(folder))
	require.Eventually(t, func() bool {
		_ = put(x, &model.Book{ID: 1, Title: "Late"})
		return x.Failed() != nil
	}, 20*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, x.Failed(), index.ErrDamaged)
	_ = x.Close()
}

// An index that another process has open isn't damaged, however often one tries.
func TestOpenedTwice(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "index")
	open(t, folder)
	_, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
	require.Error(t, err)
	require.NotErrorIs(t, err, index.ErrDamaged)
	assert.NoFileExists(t, filepath.Join(folder, "opening"), "nothing died")
}

// Reading a file that was cut off while the index is open doesn't end the process.
func TestCutOffWhileOpen(t *testing.T) {
	for name, ask := range map[string]func(x *bleve.Index) error{
		"search": func(x *bleve.Index) error {
			_, err := x.SearchBooks(t.Context(), model.Search{Keyword: "book", Limit: 1})
			return err
		},
		"suggest": func(x *bleve.Index) error { _, err := x.Suggest(t.Context(), "boo", 8); return err },
		"explain": func(x *bleve.Index) error {
			_, err := x.Explain(t.Context(), model.Search{Keyword: "book"}, 1)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "index")
			x, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			require.NoError(t, put(x, &model.Book{ID: 1, Title: "Book"}))
			require.NoError(t, x.Close())
			x, err = bleve.Open(folder, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			for _, file := range segments(t, folder) {
				require.NoError(t, os.Truncate(file, 0))
			}
			require.ErrorIs(t, ask(x), index.ErrDamaged)
			require.ErrorIs(t, x.Failed(), index.ErrDamaged)
			_ = x.Close()
		})
	}
}
