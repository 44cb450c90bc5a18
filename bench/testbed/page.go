//go:build unix

package testbed

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Page is a page of docs into which a program writes its result, between the lines
// "<!-- NAME: begin, … -->" and "<!-- NAME: end -->".
type Page struct {
	File string
	// Begin and End are the two lines.
	Begin, End string
}

// NewPage returns the page of the program that `make NAME` runs.
func NewPage(file, name string) Page {
	return Page{file, "<!-- " + name + ": begin, written by make " + name + " -->", "<!-- " + name + ": end -->"}
}

// Write replaces the text between the two lines by the result.
func (p Page) Write(result string) error {
	old, err := os.ReadFile(p.File)
	if err != nil {
		return err
	}
	text, err := p.replace(string(old), result)
	if err != nil {
		return fmt.Errorf("%s: %w", p.File, err)
	}
	return os.WriteFile(p.File, []byte(text), 0o644)
}

// Report prints a result. With a head, which says how the result was made, it also writes
// both to the page.
func (p Page) Report(head, result string) error {
	if head != "" {
		result = head + "\n\n" + result
		if err := p.Write(result); err != nil {
			return err
		}
	}
	fmt.Println(result)
	return nil
}

func (p Page) replace(text, result string) (string, error) {
	before, rest, begins := strings.Cut(text, p.Begin)
	_, after, ends := strings.Cut(rest, p.End)
	if !begins || !ends || strings.Contains(after, p.Begin) {
		return "", fmt.Errorf("the page needs the lines %s and %s, once and in this order", p.Begin, p.End)
	}
	return before + p.Begin + "\n\n" + strings.TrimSpace(result) + "\n\n" + p.End + after, nil
}

// Machine describes the machine that a result was made on.
func Machine() string {
	processor := runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo") // Linux only
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			processor = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d cores (%s)", runtime.NumCPU(), processor)
}

// GoVersion returns the Go version that built this program.
func GoVersion() string { return strings.Replace(runtime.Version(), "go", "Go ", 1) }

// ModuleVersion returns the version of a library in this program.
func ModuleVersion(path string) string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "of unknown version"
}
