//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"literank.com/event-books/bench/testbed"
)

// leastImport is what is asked: imports with the outbox ÷ without.
const leastImport = 0.8

// measureImports compares imports with those of the last version without an outbox.
func (s *station) measureImports(ctx context.Context, set settings, file string) (figures []figure, err error) {
	program, err := s.build(ctx, "")
	if err != nil {
		return nil, err
	}
	base := filepath.Join(s.dir, "event-books-base")
	if err := buildCommit(ctx, base, filepath.Join(s.dir, "base"), set.base); err != nil {
		return nil, err
	}
	rounds := max(1, int(3*set.scale)) | 1
	for _, database := range []string{"SQLite", "MariaDB"} {
		var ratios, with, without []float64
		for i := range rounds {
			seconds := map[string]float64{}
			order := []string{program, base}
			if i%2 == 1 {
				order = []string{base, program}
			}
			for _, p := range order {
				if seconds[p], err = s.importOnce(ctx, p, database, file); err != nil {
					return nil, err
				}
			}
			ratios = append(ratios, seconds[base]/seconds[program])
			with, without = append(with, seconds[program]), append(without, seconds[base])
		}
		figures = append(figures, ratio("import of "+catalogueFile+" into "+database+", with the outbox ÷ before it ("+set.base+")", ratios, leastImport,
			fmt.Sprintf("median %.1f s and %.1f s", median(with), median(without))))
	}
	return figures, nil
}

// importOnce imports into an empty database.
func (s *station) importOnce(ctx context.Context, program, database, file string) (seconds float64, err error) {
	dir, err := os.MkdirTemp(s.dir, "import-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	dsn := ""
	if database != "SQLite" {
		var closers testbed.Closers
		defer func() { err = errors.Join(err, closers.Close()) }()
		var drop func() error
		if dsn, _, drop, err = testbed.NewDatabase(ctx, s.server, "changes"); err != nil {
			return 0, err
		}
		closers.Add(drop)
	}
	took, err := testbed.Import(ctx, program, dir, dsn, file)
	return took.Seconds(), err
}

// buildCommit builds the program of a commit of this repository.
func buildCommit(ctx context.Context, program, tree, commit string) error {
	git := func(arguments ...string) error {
		if output, err := exec.CommandContext(ctx, "git", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %v: %w\n%s", arguments, err, output)
		}
		return nil
	}
	if err := git("worktree", "add", "--detach", tree, commit); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir, build.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build %s: %w\n%s", commit, err, output)
	}
	return errors.Join(err, git("worktree", "remove", "--force", tree))
}
