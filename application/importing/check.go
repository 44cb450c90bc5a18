package importing

import (
	"errors"
	"fmt"
	"path/filepath"

	"literank.com/event-books/domain/gateway"
)

// Check returns an error if the files can't be imported with these options
// whatever they contain. The files are imported one after the other, each with
// the same options.
func Check(files gateway.BookFiles, paths []string, o Options) error {
	if o.Rejected != "" && len(paths) > 1 {
		return errors.New("--rejected can keep the rows of one file only: import the files one by one")
	}
	seen := map[string]string{} // by base name
	for _, path := range paths {
		if err := files.CheckOptions(path, o.FileOptions); err != nil {
			return err
		}
		if o.Rejected != "" && filepath.Clean(o.Rejected) == filepath.Clean(path) {
			return fmt.Errorf("--rejected: %s is the imported file itself", path)
		}
		base := filepath.Base(path)
		other, ok := seen[base]
		switch {
		case ok && path == "-":
			return errors.New("standard input can be read only once")
		case ok && o.Source == "" && haveOneSource(files, other, path):
			return fmt.Errorf("%s and %s have the same name, so their ids would be mixed up: import them one by one, each with its own --source", other, path)
		}
		seen[base] = path
	}
	return nil
}

// haveOneSource reports whether two files with the same base name have the same
// source. Only ONIX files can differ: they name their sender.
func haveOneSource(files gateway.BookFiles, a, b string) bool {
	var sources []string
	for _, path := range []string{a, b} {
		f, err := files.Open(path, gateway.FileOptions{})
		if err != nil {
			return true // the import will report the error
		}
		sources = append(sources, f.Source())
		f.Close()
	}
	return sources[0] == sources[1]
}
