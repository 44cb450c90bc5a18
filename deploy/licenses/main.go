// Command licenses prints the licences of all modules in a built program, with their
// texts. It fails if a module has no licence file, or one that the project doesn't allow.
//
//	go run ./deploy/licenses event-books >LICENSES.txt
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences that a dependency may have (SPDX identifiers).
var allowed = []string{"MIT", "MIT-0", "0BSD", "BSD-2-Clause", "BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views", "BSD-3-Clause", "GooglePatentsFile", "Apache-2.0", "MPL-2.0", "ISC", "Unlicense", "Zlib"}

// licenceFile matches the names of files with licences and notices.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: licenses PROGRAM")
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		log.Fatal("licenses: ", err)
	}
}

// run writes the licences of a program.
func run(program string, w io.Writer) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "The program contains these modules, under the licences below.\n\n")
	var texts strings.Builder
	var errs []error
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		m, err := read(module.Path, module.Version)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", module.Path, err))
			continue
		}
		fmt.Fprintf(w, "%s %s: %s\n", module.Path, module.Version, strings.Join(m.kinds, ", "))
		fmt.Fprintf(&texts, "\n%s\n%s %s\n\n%s", strings.Repeat("=", 78), module.Path, module.Version, m.text)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err = io.WriteString(w, texts.String())
	return err
}

// licence is what a module says about its use.
type licence struct {
	kinds []string // SPDX identifiers
	text  string
}

func read(path, version string) (l licence, err error) {
	output, err := exec.Command("go", "mod", "download", "-json", path+"@"+version).Output()
	if err != nil {
		return l, fmt.Errorf("find the module: %w", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(output, &module); err != nil {
		return l, fmt.Errorf("find the module: %w", err)
	}
	entries, err := os.ReadDir(module.Dir)
	if err != nil {
		return l, err
	}
	for _, entry := range entries {
		if entry.IsDir() || !licenceFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(module.Dir, entry.Name()))
		if err != nil {
			return l, err
		}
		l.text += string(text) + "\n"
	}
	return l, l.classify()
}

// classify finds out which licences the text is. A text may contain several.
func (l *licence) classify() error {
	for _, match := range licensecheck.Scan([]byte(l.text)).Match {
		if match.IsURL || slices.Contains(l.kinds, match.ID) {
			continue
		}
		if !slices.Contains(allowed, match.ID) {
			return fmt.Errorf("its licence is %s", match.ID)
		}
		l.kinds = append(l.kinds, match.ID)
	}
	if len(l.kinds) == 0 {
		return errors.New("it has no licence that is known here")
	}
	return nil
}
